"""RSI, CCI, ADX, WaveTrend, MACD, Bollinger bands and ATR over history, against the peers.

Prints one JSON line a contestant, as `spine.py` does: each indicator alone and all seven over one
long series on one thread, and all seven over 500 symbols on two threads against TA-Lib's loop.
Every contestant's numbers are held against ours before anything is timed.

    python benchmarks/indicators.py [--quick] [--peers PYTHON]

`--peers` names the interpreter of an environment with polars-talib, pandas-ta-classic, ta or
vectorbt, whose requirements exclude each other or ours; what it lacks is said.
"""

import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import talib
from rivals import Rival, rivals
from spine import QUICK, contest

from folkmoot.causal import Expr, compile, hlc3
from folkmoot.core.bars import Bars
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.wavetrend import wavetrend
from folkmoot.market.worlds import world

Floats = npt.NDArray[np.float64]
BATCH = ("polars-talib", "pandas-ta-classic", "vectorbt", "ta")
# Two peers loop in Python over the bars of some indicators.
SLOW = {"pandas-ta-classic": 100_000, "ta": 20_000}


def alone() -> dict[str, dict[str, Expr]]:
    """Return the seven indicators, each with the lines that every contestant computes."""
    bands = bollinger(n=20)
    return {
        "rsi": {"rsi": rsi(n=14)},
        "cci": {"cci": cci(hlc3, 20)},
        "adx": {"adx": adx(14)["adx"]},
        "wavetrend": {"wavetrend": wavetrend()["wt1"]},
        "macd": macd(),
        "bollinger": {name: bands[name] for name in ("upper", "middle", "lower")},
        "atr": {"atr": atr(14)},
    }


def seven() -> dict[str, Expr]:
    """Return the eleven lines of all seven by name."""
    return {name: line for lines in alone().values() for name, line in lines.items()}


def with_talib(bars: Bars) -> dict[str, Callable[[], tuple[Floats, ...]]]:
    """Return the same by TA-Lib, which has no WaveTrend: its EMA and numpy make one."""
    high, low, close = bars.high, bars.low, bars.close

    def waves() -> tuple[Floats]:
        price = (high + low + close) / 3.0
        centre = talib.EMA(price, 10)
        reach = talib.EMA(np.abs(price - centre), 10)
        return (talib.EMA((price - centre) / (0.015 * reach), 21),)

    return {
        "rsi": lambda: (talib.RSI(close, 14),),
        "cci": lambda: (talib.CCI(high, low, close, 20),),
        "adx": lambda: (talib.ADX(high, low, close, 14),),
        "wavetrend": waves,
        "macd": lambda: talib.MACD(close),
        "bollinger": lambda: talib.BBANDS(close, 20),
        "atr": lambda: (talib.ATR(high, low, close, 14),),
    }


def agree(contestant: str, theirs: Mapping[str, float], ours: Mapping[str, float]) -> None:
    """Print how far a contestant's newest values lie from ours, relative; `None` where unknown."""
    apart = {
        name: abs(value - ours[name]) / max(1.0, abs(ours[name])) for name, value in theirs.items()
    }
    line = {"bench": "agreement", "contestant": contestant}
    line |= {name: float(f"{gap:.1e}") if gap == gap else None for name, gap in apart.items()}
    print(json.dumps(line), flush=True)


def newest(bars: Bars, exprs: Mapping[str, Expr]) -> dict[str, float]:
    """Return our values on the last of the bars."""
    return {name: float(values[-1]) for name, values in compile(exprs).batch(bars).items()}


def against_talib(bars: Bars) -> None:
    """Each indicator alone, then all seven, on one thread."""
    theirs = with_talib(bars)
    for name, exprs in alone().items():
        found = zip(exprs, theirs[name](), strict=True)
        agree("TA-Lib", {line: float(values[-1]) for line, values in found}, newest(bars, exprs))
    for name, exprs in alone().items():
        program = compile(exprs)
        contest(
            f"{name}, batch",
            len(bars),
            {"folkmoot": lambda program=program: program.batch(bars), "TA-Lib": theirs[name]},
        )
    program = compile(seven())
    entries = {
        "folkmoot": lambda: program.batch(bars),
        "TA-Lib": lambda: [work() for work in theirs.values()],
    }
    contest("seven indicators, batch", len(bars), entries)


def against(rival: Rival, bars: Bars) -> None:
    """What one peer of another environment can compute of the seven, and the same by us."""
    shown = bars.until(min(len(bars), SLOW.get(rival.name, len(bars))))
    missing = rival.load(shown)
    if missing:
        print(json.dumps({"bench": "batch", "contestant": rival.name, "missing": missing}))
        return
    exprs = {name: line for name, line in seven().items() if name in rival.newest}
    agree(rival.name, rival.newest, newest(shown, exprs))
    program = compile(exprs)
    entries = {"folkmoot": lambda: program.batch(shown), rival.name: rival.run}
    contest(f"{', '.join(exprs)}, batch", len(shown), entries)


def panel(symbols: int, length: int) -> None:
    """All seven over many symbols: two threads of ours, TA-Lib's loop, and that on two threads."""
    long = world("martingale", n=symbols * length, seed=2).bars
    markets = [long.rows(k * length, (k + 1) * length) for k in range(symbols)]
    program = compile(seven())

    def theirs(bars: Bars) -> list[tuple[Floats, ...]]:
        return [work() for work in with_talib(bars).values()]

    def on_two() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(theirs, markets))

    entries = {
        "folkmoot, two threads": lambda: program.panel(markets, threads=2),
        "folkmoot, one thread": lambda: program.panel(markets),
        "TA-Lib, loop": lambda: [theirs(bars) for bars in markets],
        "TA-Lib, two threads": on_two,
    }
    contest(f"seven indicators, {symbols} symbols", symbols * length, entries)


def main() -> None:
    """Run every contest."""
    bars = world("martingale", n=100_000 if QUICK else 1_000_000, seed=1).bars
    against_talib(bars)
    panel(50 if QUICK else 500, 5_000)
    for rival in rivals("batch", BATCH, sys.argv):
        with rival:
            against(rival, bars)


if __name__ == "__main__":
    main()
