"""The set `full` of one-hour bars: against TA-Lib and pandas, alone, and what its stream keeps.

Prints one JSON line a contestant or measure. A contestant's ratio is its seconds over folkmoot's
in the same repeat, median, lowest and highest (above 1: folkmoot is faster), by the clock and by
the processor time of the thread; what the others on the machine take shows in the first alone.

    python benchmarks/full.py [--quick]
"""

import ctypes
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pandas_columns import LEFT_OUT, Rolling
from pandas_families import columns

from folkmoot.causal import Program
from folkmoot.core.bars import Bars
from folkmoot.features import feature_set
from folkmoot.features.feature_set import FeatureSet
from folkmoot.market.worlds import world

QUICK = "--quick" in sys.argv
REPEATS = 3 if QUICK else 9
SETTLED = 2_000
"""Rows after which a column that was begun otherwise must be the same."""
TOLERANCE = 1e-6
"""Largest difference of two values that agree, relative to the larger of 1 and their size."""
HOUR = 3_600_000
NO_HIGHER = "no higher timeframe"
HIGHER = {"4h": 4 * HOUR, "4h and 1d": 24 * HOUR}
EARLY = 10_000

Work = Callable[[], object]
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.thread_time}


def say(**line: object) -> None:
    """Print a line of JSON with the load of the machine."""
    print(json.dumps(line | {"load": round(os.getloadavg()[0], 2)}), flush=True)


def taking_turns(entries: dict[str, Work]) -> dict[str, dict[str, list[float]]]:
    """Return seconds by entry and clock, a value a repeat, after one that does not count."""
    for work in entries.values():
        work()
    runs: dict[str, dict[str, list[float]]] = {n: {c: [] for c in CLOCKS} for n in entries}
    for _ in range(REPEATS):
        for name, work in entries.items():
            began = {clock: now() for clock, now in CLOCKS.items()}
            work()
            for clock, now in CLOCKS.items():
                runs[name][clock].append(now() - began[clock])
    return runs


def contest(bench: str, count: int, entries: dict[str, Work], **more: object) -> None:
    """Time the entries and print a line each; the first entry is folkmoot's."""
    runs = taking_turns(entries)
    own = next(iter(runs.values()))
    for name, clocks in runs.items():
        line: dict[str, object] = {"bench": bench, "contestant": name, "bars": count, **more}
        for clock, seconds in clocks.items():
            median = statistics.median(seconds)
            ratios = [theirs / ours for theirs, ours in zip(seconds, own[clock], strict=True)]
            line |= {
                f"{clock}_seconds": round(median, 4),
                f"{clock}_lowest": round(min(seconds), 4),
                f"{clock}_highest": round(max(seconds), 4),
                f"{clock}_bars_a_second": round(count / median),
                f"{clock}_ratio": round(statistics.median(ratios), 3),
                f"{clock}_ratio_lowest": round(min(ratios), 3),
                f"{clock}_ratio_highest": round(max(ratios), 3),
            }
        say(**line)


def same_columns(bars: Bars) -> None:
    """The columns that TA-Lib and pandas have too: how many agree, and who is faster."""
    theirs = columns(bars)
    whole = feature_set("full", "1h")
    shared = whole.only(name for name in theirs.columns if name in whole.names)
    missing = [name for name in whole.names if name not in shared.names]
    for by, frame in {"TA-Lib": theirs, "pandas": columns(bars, Rolling())}.items():
        errors = differences(shared, bars, frame[list(shared.names)].to_numpy())
        worst = max(errors, key=lambda name: errors[name])
        say(
            bench="full set, the columns of TA-Lib + pandas",
            windows_by=by,
            columns=len(whole.columns),
            compared=len(errors),
            agree=sum(error <= TOLERANCE for error in errors.values()),
            differ=[name for name, error in errors.items() if error > TOLERANCE],
            tolerance=TOLERANCE,
            from_bar=SETTLED,
            worst_column=worst,
            worst_error=float(f"{errors[worst]:.3g}"),
        )
    say(bench="full set, left out of the contest", count=len(missing), names=_kinds(missing))
    program = shared.program()
    entries: dict[str, Work] = {
        "folkmoot full set, the same columns": lambda: program.matrix(bars),
        "TA-Lib, pandas where it has none": lambda: columns(bars),
        "pandas' rolling windows, TA-Lib for indicators": lambda: columns(bars, Rolling()),
    }
    contest("full set against TA-Lib + pandas", len(bars), entries, columns=len(shared.columns))


def _kinds(missing: list[str]) -> dict[str, list[str]]:
    """Return the names by why they are left out, their copies with them."""
    kinds: dict[str, list[str]] = {kind: [] for kind in LEFT_OUT} | {"Gramian angles": []}
    reasons = {name: kind for kind, names in LEFT_OUT.items() for name in names}
    for name in missing:
        base = name.removesuffix("_4h").removesuffix("_1d")
        kinds["Gramian angles" if base.startswith("gaf_") else reasons[base]].append(name)
    return kinds


def differences(shared: FeatureSet, bars: Bars, theirs: np.ndarray) -> dict[str, float]:
    """Return the largest difference of each column after `SETTLED` rows; infinite where one
    side alone is unknown.
    """
    ours, theirs = shared.matrix(bars).values[SETTLED:], theirs[SETTLED:]
    apart = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
    unknown = np.isnan(ours)
    apart[unknown & np.isnan(theirs)] = 0.0
    apart[unknown ^ np.isnan(theirs)] = np.inf
    return dict(zip(shared.names, apart.max(axis=0).tolist(), strict=True))


def batch(name: str, bars: Bars, **goals: object) -> None:
    """One set over a history; how long its memory takes to be had, which is part of it."""
    program = feature_set(name, "1h").program()
    shape = len(bars), len(program.names)
    entries: dict[str, Work] = {
        f"folkmoot {name} set": lambda: program.matrix(bars),
        "writing a fresh matrix of that size": lambda: np.empty(shape).fill(0.0),
    }
    contest(f"{name} set, batch", len(bars), entries, columns=shape[1], **goals)


def stream(name: str, bars: Bars, goals: dict[str, dict[str, float]]) -> None:
    """One set bar by bar: percentiles of the later half by the higher timeframes that close."""
    program = feature_set(name, "1h").program()
    nanoseconds = {"wall": time.perf_counter_ns, "cpu": time.thread_time_ns}
    found = {clock: _percentiles(program, bars, now) for clock, now in nanoseconds.items()}
    for kind in found["wall"]:
        line: dict[str, object] = {"bench": f"{name} set, stream", "bars_that_close": kind}
        for clock, kinds in found.items():
            p50, p99, count = kinds[kind]
            line |= {f"{clock}_p50_microseconds": p50, f"{clock}_p99_microseconds": p99}
            line["bars"] = count
        say(**line, columns=len(program.names), **goals.get(kind, {}))


def _percentiles(
    program: Program, bars: Bars, now: Callable[[], int]
) -> dict[str, tuple[float, float, int]]:
    """Return (p50, p99, bars) by what closes: of each percentile the median over the repeats."""
    late = np.arange(len(bars)) >= len(bars) // 2
    steps = HIGHER if any("at(" in str(expr) for expr in program.exprs.values()) else {}
    closed = sum((bars.close_time % step == 0 for step in steps.values()), np.zeros(len(bars)))
    runs = [_each(program, bars, now) for _ in range(REPEATS)]
    made = {}
    for place, kind in enumerate([NO_HIGHER, *steps]):
        rows = late & (closed == place)
        percents = np.median([np.percentile(took[rows], [50, 99]) for took in runs], axis=0)
        p50, p99 = np.round(percents / 1e3, 2).tolist()
        made[kind] = (p50, p99, int(rows.sum()))
    return made


def _each(program: Program, bars: Bars, now: Callable[[], int]) -> np.ndarray:
    """Return the nanoseconds of each bar."""
    took = np.zeros(len(bars))
    push = program.stream().push_row
    for row, bar in enumerate(bars):
        began = now()
        push(bar)
        took[row] = now() - began
    return took


def memory(bars: Bars) -> None:
    """What a stream of `full` takes more after `EARLY` bars."""
    push = feature_set("full", "1h").program().stream().push_row
    before, began = taken(), 0.0
    for row, bar in enumerate(bars, start=1):
        push(bar)
        if row == EARLY:
            before, began = taken(), time.thread_time()
    took = time.thread_time() - began
    after = taken()
    say(
        bench="full set, memory of a stream",
        from_bar=EARLY,
        to_bar=len(bars),
        **{f"{name}_before": value for name, value in before.items()},
        **{f"{name}_grown": after[name] - value for name, value in before.items()},
        goal_resident_grown=1 << 20,
        mean_cpu_microseconds=round(1e6 * took / (len(bars) - EARLY), 2),
    )


FIELDS = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
    "keepcost",
)  # fmt: skip


class Heap(ctypes.Structure):
    """What glibc's mallinfo2 tells, in bytes and counts."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in FIELDS)


def taken() -> dict[str, int]:
    """Return what this process holds, after what is no longer used has been collected.

    `resident` is VmRSS in bytes, `heap` what the C library has given out and not got back, also
    bytes, which free room left by the compiler cannot hide; `blocks` are Python's own.
    """
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith("VmRSS:"))
    resident, blocks = 1024 * int(found.split()[1]), sys.getallocatedblocks()
    heap = ctypes.CDLL(None).mallinfo2
    heap.restype = Heap
    told = heap()
    return {"resident": resident, "heap": told.uordblks + told.hblkhd, "blocks": blocks}


def main() -> None:
    """Run every measure; memory first, in a process that has freed nothing large before."""
    memory(world("martingale", n=60_000 if QUICK else 1_000_000, seed=1).bars)
    bars = world("martingale", n=20_000 if QUICK else 100_000, seed=1).bars
    same_columns(bars)
    batch("full", bars, goal_bars_a_second=300_000)
    batch("talib158", bars)
    short = bars.until(4_000 if QUICK else 20_000)
    stream("full", short, {NO_HIGHER: {"goal_p50": 25.0, "goal_p99": 80.0}})
    stream("talib158", short, {NO_HIGHER: {"goal_p50": 120.0}})


if __name__ == "__main__":
    main()
