"""Seven indicators bar by bar, a panel of symbols in one call, and memory, against the peers.

Prints one JSON line a contestant, as `spine.py` does: RSI, CCI, ADX, WaveTrend, MACD, Bollinger
bands and ATR of one symbol, one closed bar at a time; the same of 500 symbols, one bar of each a
call; how far memory grows between bar 10,000 and the last of a long stream.

    python benchmarks/stream.py [--quick] [--peers PYTHON]

`--peers` names the interpreter of an environment with streaming-indicators, hexital or
nautilus_trader; what it lacks is said. What a peer does not have of the seven is left out of its
line and of ours beside it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rivals import Rival, rivals
from spine import HISTORY, QUICK, REPEATS, contest

from folkmoot.causal import Program, compile
from folkmoot.core.bars import COLUMNS, Bar, Bars
from folkmoot.features import feature_set
from folkmoot.market.worlds import world
from indicators import agree, newest, seven

STREAM = ("streaming-indicators", "hexital", "nautilus_trader")
# Some microseconds a bar and more: fewer bars tell as much.
SLOW = {"hexital": 1_000}
EARLY = 10_000


def pushed(program: Program, closed: list[Bar]) -> Callable[[], None]:
    """Return the work of showing every bar to a fresh stream."""

    def work() -> None:
        push = program.stream().push_row
        for bar in closed:
            push(bar)

    return work


def with_talipp(closed: list[Bar]) -> dict[str, float]:
    """Show every bar to talipp's indicators; return what they say of the last."""
    from talipp.indicators import ADX, ATR, BB, CCI, EMA, MACD, RSI
    from talipp.ohlcv import OHLCV

    strength, lines, bands = RSI(14), MACD(12, 26, 9), BB(20, 2.0)
    channel, direction, true = CCI(20), ADX(14, 14), ATR(14)
    centre, reach, wave = EMA(10), EMA(10), EMA(21)
    for bar in closed:
        for on_close in (strength, lines, bands):
            on_close.add(bar.close)
        candle = OHLCV(bar.open, bar.high, bar.low, bar.close, bar.volume)
        for on_bar in (channel, direction, true):
            on_bar.add(candle)
        price = (bar.high + bar.low + bar.close) / 3.0
        centre.add(price)
        if centre[-1] is not None:
            reach.add(abs(price - centre[-1]))
            if reach[-1]:
                wave.add((price - centre[-1]) / (0.015 * reach[-1]))
    found = {"rsi": strength[-1], "cci": channel[-1], "adx": direction[-1].adx}
    found |= {"wavetrend": wave[-1], "macd": lines[-1].macd, "signal": lines[-1].signal}
    return found | {"upper": bands[-1].ub, "lower": bands[-1].lb, "atr": true[-1]}


def with_handles(bars: Bars, closed: list[Bar]) -> None:
    """Open TA-Lib's handles on the first hundred bars and update them with each further one."""
    from talib import stream

    past = [getattr(bars, name)[:HISTORY] for name in ("high", "low", "close")]
    own = past[2]
    on_close = [stream.RSI(own, 14), stream.MACD(own), stream.BBANDS(own, 20)]
    on_bar = [stream.CCI(*past, 20), stream.ADX(*past, 14), stream.ATR(*past, 14)]
    price = sum(past) / 3.0
    centre, reach, wave = stream.EMA(price, 10), stream.EMA(price, 10), stream.EMA(price, 21)
    for bar in closed[HISTORY:]:
        high, low, close = bar.high, bar.low, bar.close
        for each in on_close:
            each.update(close)
        for each in on_bar:
            each.update(high, low, close)
        price = (high + low + close) / 3.0
        away = price - centre.update(price)
        wave.update(away / (0.015 * reach.update(abs(away))))


def single(bars: Bars) -> None:
    """One symbol, one bar a call."""
    program, closed = compile(seven()), list(bars)
    ours, theirs = newest(bars, seven()), with_talipp(closed)
    agree("talipp", theirs, ours)
    entries = {
        "folkmoot": pushed(program, closed),
        "talipp": lambda: with_talipp(closed),
        "TA-Lib, stream handles": lambda: with_handles(bars, closed),
    }
    contest("seven indicators, stream", len(closed), entries)
    percentiles("seven indicators, stream", program, closed, 1.5)
    core = feature_set("core", bars.timeframe).program()
    percentiles(f"core set of {len(core.names)} columns, stream", core, closed, 5.0)


def percentiles(bench: str, program: Program, closed: list[Bar], goal: float) -> None:
    """Print microseconds a bar: medians over the repeats of the later half's percentiles."""
    found = []
    for _ in range(REPEATS):
        push, each = program.stream().push_row, []
        for bar in closed:
            began = time.perf_counter_ns()
            push(bar)
            each.append(time.perf_counter_ns() - began)
        found.append(np.percentile(each[len(each) // 2 :], [50, 99]) / 1e3)
    p50, p99 = np.median(found, axis=0).tolist()
    line = {
        "bench": bench,
        "contestant": "folkmoot",
        "bars": len(closed),
        "p50_microseconds": round(p50, 3),
        "p99_microseconds": round(p99, 3),
        "goal_p50": goal,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def against(rival: Rival, bars: Bars) -> None:
    """What one peer of another environment has of the seven, and the same by us."""
    shown = bars.until(SLOW.get(rival.name, len(bars)))
    missing = rival.load(shown)
    if missing:
        print(json.dumps({"bench": "stream", "contestant": rival.name, "missing": missing}))
        return
    exprs = {name: line for name, line in seven().items() if name in rival.newest}
    agree(rival.name, rival.newest, newest(shown, exprs))
    entries = {"folkmoot": pushed(compile(exprs), list(shown)), rival.name: rival.run}
    contest(f"{', '.join(exprs)}, stream", len(shown), entries)


def panel(symbols: int, length: int) -> None:
    """All seven of many symbols, one bar of each a call, against a stream for each."""
    long = world("martingale", n=symbols * length, seed=2).bars
    markets = [long.rows(k * length, (k + 1) * length) for k in range(symbols)]
    block = np.array([[getattr(bars, name) for bars in markets] for name in COLUMNS])
    rows = [np.ascontiguousarray(block[:, :, place]) for place in range(length)]
    times = markets[0].open_time.tolist()
    program = compile(seven())

    def together() -> None:
        push = program.panel_stream(symbols).push
        for time_, row in zip(times, rows, strict=True):
            push(time_, row)

    closed = [list(bars) for bars in markets]

    def each_alone() -> None:
        pushes = [program.stream().push_row for _ in closed]
        for bars in zip(*closed, strict=True):
            for push, bar in zip(pushes, bars, strict=True):
                push(bar)

    entries = {"folkmoot, panel": together, "folkmoot, a stream each": each_alone}
    contest(f"seven indicators, {symbols} symbols a call", symbols * length, entries)


def memory(bars: int) -> None:
    """Print how far the resident memory grows from bar 10,000 of a stream of the core set on."""
    chunk = world("martingale", n=EARLY, seed=3).bars
    program = feature_set("core", chunk.timeframe).program()
    stream, early, span = program.stream(), 0, EARLY * chunk.timeframe.ms
    shifts = range(bars // EARLY)
    for shift in shifts:
        times = chunk.open_time + shift * span
        columns = (getattr(chunk, name) for name in COLUMNS)
        for bar in Bars(chunk.symbol, chunk.timeframe, times, *columns):
            stream.push_row(bar)
        early = early or _resident()
    line = {
        "bench": "core set, memory of a stream",
        "contestant": "folkmoot",
        "bars": len(shifts) * EARLY,
        "grown_mebibytes": round((_resident() - early) / 2**20, 3),
        "goal": 1.0,
    }
    print(json.dumps(line), flush=True)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run every contest."""
    memory(100_000 if QUICK else 1_000_000)
    bars = world("martingale", n=20_000, seed=1).bars
    single(bars)
    panel(50 if QUICK else 500, 400)
    for rival in rivals("stream", STREAM, sys.argv):
        with rival:
            against(rival, bars)


if __name__ == "__main__":
    main()
