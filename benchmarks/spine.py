"""The spine against its peers, in one run: features batch and stream, the desk bar by bar.

Prints one JSON line a contestant: what it did, seconds (median, lowest, highest of the repeats),
bars a second, and the ratio of its seconds to folkmoot's in the same repeat (median, lowest,
highest; above 1: folkmoot is faster).

    python benchmarks/spine.py [--quick]
"""

import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import talib

from desk import contest as desk_contest
from desk import crossing_desk
from folkmoot.causal import Expr, Program, close, compile, ema, hlc3
from folkmoot.core.bars import Bar, Bars
from folkmoot.desk import Replay
from folkmoot.features import feature_set
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.market.worlds import world

QUICK = "--quick" in sys.argv
REPEATS = 3 if QUICK else 9
HISTORY = 100


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


def taking_turns(entries: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the seconds of each repeat by entry, after one that does not count.

    The entries take turns within a repeat, so that a machine that slows down slows them all.
    """
    for work in entries.values():
        work()
    runs: dict[str, list[float]] = {name: [] for name in entries}
    for _ in range(REPEATS):
        for name, work in entries.items():
            began = time.perf_counter()
            work()
            runs[name].append(time.perf_counter() - began)
    return runs


def contest(bench: str, count: int, entries: dict[str, Callable[[], object]]) -> None:
    """Time the entries and print a line each; the first entry is folkmoot's."""
    runs = taking_turns(entries)
    own = next(iter(runs.values()))
    for name, seconds in runs.items():
        median = statistics.median(seconds)
        ratios = [theirs / ours for theirs, ours in zip(seconds, own, strict=True)]
        line = {
            "bench": bench,
            "contestant": name,
            "bars": count,
            "seconds": round(median, 6),
            "lowest": round(min(seconds), 6),
            "highest": round(max(seconds), 6),
            "bars_a_second": round(count / median),
            "microseconds_a_bar": round(1e6 * median / count, 4),
            "ratio_to_folkmoot": round(statistics.median(ratios), 3),
            "ratio_lowest": round(min(ratios), 3),
            "ratio_highest": round(max(ratios), 3),
            "load": round(os.getloadavg()[0], 2),
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
    contest("seven indicators, batch", len(bars), entries)


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

    entries = {
        "folkmoot causal": ours,
        "talipp": peer,
        "TA-Lib, stream handles": lambda: talib_stream(bars, closed),
    }
    contest("seven indicators, stream", len(closed), entries)


def talib_stream(bars: Bars, closed: list[Bar]) -> None:
    """Open TA-Lib's handles on the first hundred bars and update them with each further one."""
    from talib import stream

    past = [getattr(bars, name)[:HISTORY] for name in ("high", "low", "close")]
    own = past[2]
    on_close = [
        stream.EMA(own, 20), stream.RSI(own, 14), stream.MACD(own), stream.BBANDS(own, 20)
    ]  # fmt: skip
    on_bar = [stream.CCI(*past, 20), stream.ADX(*past, 14), stream.ATR(*past, 14)]
    for bar in closed[HISTORY:]:
        high, low, price = bar.high, bar.low, bar.close
        for each in on_close:
            each.update(price)
        for each in on_bar:
            each.update(high, low, price)


def core_set(bars: Bars) -> None:
    """The whole `core` set, batch and bar by bar; the stream's percentiles a bar."""
    program = feature_set("core", bars.timeframe).program()
    entries = {"folkmoot core set": lambda: program.matrix(bars)}
    contest("core set, batch", len(bars), entries)
    # The median over repeats of each percentile: one repeat can be hit by another process.
    found = np.median([_percentiles(program, bars) for _ in range(REPEATS)], axis=0)
    line = {
        "bench": "core set, stream",
        "contestant": "folkmoot core set",
        "columns": len(program.names),
        "bars": len(bars),
        "p50_microseconds": round(float(found[0]), 3),
        "p99_microseconds": round(float(found[1]), 3),
        "goal_p50": 5.0,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def _percentiles(program: Program, bars: Bars) -> tuple[float, float]:
    """Return microseconds a bar, the 50th and the 99th percentile of the later half."""
    each = []
    push = program.stream().push_row
    for bar in bars:
        began = time.perf_counter_ns()
        push(bar)
        each.append(time.perf_counter_ns() - began)
    p50, p99 = np.percentile(each[len(each) // 2 :], [50, 99]) / 1e3
    return float(p50), float(p99)


def backtest(bars: Bars) -> None:
    """The same crossing of two means: our desk, every decision journalled, and backtesting.py."""
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

    def peer() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Backtest(frame, Cross, commission=0.001, cash=1_000_000).run()

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        runs = iter(range(1_000))
        entries: dict[str, Callable[[], object]] = {
            "folkmoot desk, journalled": lambda: crossing_desk(bars, home / f"{next(runs)}.db"),
            "backtesting.py": peer,
        }
        contest("crossing of two means, bar by bar", len(bars), entries)
        _same_trades(crossing_desk(bars, home / "once.db"), peer())


def _same_trades(ours: Replay, theirs: Any) -> None:
    """Print how far the two agree: changes of side, and the growth of equity after fees."""
    trades = len(theirs._trades)
    line = {
        "bench": "crossing of two means, agreement",
        "fills": len(ours.fills),
        "trades_of_backtesting": trades,
        "growth": round(float(ours.curve.equity[-1]) / 1e6, 6),
        "growth_of_backtesting": round(float(theirs["Equity Final [$]"]) / 1e6, 6),
    }
    print(json.dumps(line), flush=True)


def desk() -> None:
    """The desk in replay with three members, and one commit a bar against bare syncs."""
    bars, rounds, commits = (15_000, 3, 500) if QUICK else (30_000, 9, 1_000)
    with tempfile.TemporaryDirectory() as folder:
        for line in desk_contest(bars, Path(folder), rounds, commits):
            print(json.dumps(line), flush=True)


def main() -> None:
    """Run every contest."""
    size = 100_000 if QUICK else 1_000_000
    long = world("martingale", n=size, seed=1).bars
    short = long.until(20_000)
    batch(long)
    stream(short)
    core_set(long.until(66_000))
    desk()
    backtest(long.until(20_000 if QUICK else 50_000))


if __name__ == "__main__":
    main()
