"""The spine against its peers, in one run: features batch and stream, the desk bar by bar.

Prints one JSON line a contestant: what it did, seconds (median, lowest, highest of the repeats),
units a second, and its ratio to folkmoot's median (above 1: folkmoot is faster).

    python benchmarks/spine.py [--quick]
"""

import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import talib

from folkmoot.causal import Expr, close, compile, ema, hlc3
from folkmoot.core.bars import Bars
from folkmoot.features import feature_set
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.market.worlds import world

QUICK = "--quick" in sys.argv
REPEATS = 3 if QUICK else 7


def indicators() -> dict[str, Expr]:
    """Return the seven indicators that every contestant computes."""
    return {
        "ema": ema(close, 20),
        "rsi": rsi(n=14),
        "cci": cci(hlc3, 20),
        "adx": adx(14)["adx"],
        "atr": atr(14),
        "macd": macd()["macd"],
        "upper": bollinger(n=20)["upper"],
    }


def timed(work: Callable[[], object]) -> list[float]:
    """Return the seconds of each repeat, after one that does not count."""
    work()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def contest(bench: str, unit: str, count: int, entries: dict[str, Callable[[], object]]) -> None:
    """Time every entry in turn and print its line; the first entry is folkmoot's."""
    runs = {name: timed(work) for name, work in entries.items()}
    own = statistics.median(next(iter(runs.values())))
    for name, seconds in runs.items():
        median = statistics.median(seconds)
        line = {
            "bench": bench,
            "contestant": name,
            "n": count,
            "unit": unit,
            "seconds": round(median, 6),
            "lowest": round(min(seconds), 6),
            "highest": round(max(seconds), 6),
            "per_second": round(count / median),
            "microseconds_each": round(1e6 * median / count, 4),
            "ratio_to_folkmoot": round(median / own, 3),
        }
        print(json.dumps(line), flush=True)


def batch(bars: Bars) -> None:
    """Seven indicators over one long history."""
    program = compile(indicators())

    def peer() -> None:
        talib.EMA(bars.close, 20)
        talib.RSI(bars.close, 14)
        talib.CCI(bars.high, bars.low, bars.close, 20)
        talib.ADX(bars.high, bars.low, bars.close, 14)
        talib.ATR(bars.high, bars.low, bars.close, 14)
        talib.MACD(bars.close)
        talib.BBANDS(bars.close, 20)

    entries = {"folkmoot causal": lambda: program.batch(bars), "TA-Lib": peer}
    contest("seven indicators, batch", "bars", len(bars), entries)


def stream(bars: Bars) -> None:
    """Seven indicators, one new bar at a time."""
    from talipp.indicators import ADX, ATR, BB, CCI, EMA, MACD, RSI
    from talipp.ohlcv import OHLCV

    program = compile(indicators())
    closed = list(bars)

    def ours() -> None:
        push = program.stream().push_row
        for bar in closed:
            push(bar)

    def peer() -> None:
        on_close = (EMA(20), RSI(14), MACD(12, 26, 9), BB(20, 2.0))
        on_bar = (CCI(20), ADX(14, 14), ATR(14))
        for bar in closed:
            for each in on_close:
                each.add(bar.close)
            candle = OHLCV(bar.open, bar.high, bar.low, bar.close, bar.volume)
            for each in on_bar:
                each.add(candle)

    contest(
        "seven indicators, stream",
        "bars",
        len(closed),
        {"folkmoot causal": ours, "talipp": peer},
    )


def core_set(bars: Bars) -> None:
    """The whole `core` set, batch and bar by bar; the stream's percentiles a bar."""
    program = feature_set("core", bars.timeframe).program()
    contest(
        "core set, batch", "bars", len(bars), {"folkmoot core set": lambda: program.matrix(bars)}
    )
    each = []
    push = program.stream().push_row
    for bar in bars:
        began = time.perf_counter_ns()
        push(bar)
        each.append(time.perf_counter_ns() - began)
    p50, p99 = np.percentile(each[len(each) // 2 :], [50, 99]) / 1e3
    line = {
        "bench": "core set, stream",
        "contestant": "folkmoot core set",
        "columns": len(program.names),
        "n": len(bars),
        "p50_microseconds": round(float(p50), 3),
        "p99_microseconds": round(float(p99), 3),
    }
    print(json.dumps(line), flush=True)


def backtest(bars: Bars) -> None:
    """The same crossing of two means: our desk, every decision journalled, and backtesting.py."""
    from desk import crossing_desk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from backtesting import Backtest, Strategy

    frame = bars.to_frame().set_index("timestamp")
    frame.columns = [name.capitalize() for name in frame.columns]

    class Cross(Strategy):  # type: ignore[misc]  # backtesting ships no types
        def init(self) -> None:
            self.fast = self.I(talib.EMA, self.data.Close, 20)
            self.slow = self.I(talib.EMA, self.data.Close, 80)

        def next(self) -> None:
            if self.fast[-1] > self.slow[-1] and not self.position.is_long:
                self.position.close()
                self.buy(size=0.99)
            elif self.fast[-1] < self.slow[-1] and not self.position.is_short:
                self.position.close()
                self.sell(size=0.99)

    def peer() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Backtest(frame, Cross, commission=0.001, cash=1_000_000).run()

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        runs = iter(range(1_000))
        entries = {
            "folkmoot desk, journalled": lambda: crossing_desk(bars, home / f"{next(runs)}.db"),
            "backtesting.py": peer,
        }
        contest("crossing of two means, bar by bar", "bars", len(bars), entries)


def main() -> None:
    """Run every contest."""
    size = 100_000 if QUICK else 1_000_000
    long = world("martingale", n=size, seed=1).bars
    short = long.until(20_000)
    batch(long)
    stream(short)
    core_set(long.until(66_000))
    backtest(long.until(20_000 if QUICK else 50_000))


if __name__ == "__main__":
    main()
