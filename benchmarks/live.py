"""One closed minute into the features of all nine timeframes: microseconds by how many it closes.

Prints one JSON line for each set and number of timeframes that a minute closed: percentiles over
the later half of the minutes; and one line with the growth of memory after 10,000 minutes.

    python benchmarks/live.py [--quick]
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import feature_sets
from folkmoot.features.live import LiveFeatures
from folkmoot.market.worlds import world

QUICK = "--quick" in sys.argv
SETS = ("core", "full")
EARLY = 10_000


def minutes(n: int) -> Bars:
    """Make `n` minutes from Monday 2020-01-06, one in a thousand missing."""
    made = world("martingale", n=n, seed=1).bars
    rows = np.flatnonzero(np.random.default_rng(1).random(n) > 0.001)
    times = 1_578_268_800_000 + 60_000 * rows.astype(np.int64)
    columns = (made.open, made.high, made.low, made.close, np.round(made.volume, 3))
    return Bars("MINUTES", Timeframe.of("1m"), times, *(column[rows] for column in columns))


def resident() -> int:
    """Return the bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure(name: str, bars: Bars) -> None:
    live = LiveFeatures(bars.symbol, "1m", name)
    # Filled, so that what is measured is not the memory of the measurement.
    took = np.full(len(bars), np.nan)
    closed = np.full(len(bars), -1)
    before = 0
    for row, bar in enumerate(bars):
        began = time.perf_counter_ns()
        rows = live.push(bar)
        took[row] = time.perf_counter_ns() - began
        closed[row] = len(rows)
        if row == EARLY:
            before = resident()
    grown = resident() - before
    late = np.arange(len(bars)) >= len(bars) // 2
    for count in np.unique(closed[late]).tolist():
        each = took[late & (closed == count)] / 1e3
        p50, p99 = np.percentile(each, [50, 99])
        line = {
            "bench": "a closed minute into nine timeframes",
            "set": name,
            "timeframes_closed": count,
            "minutes": len(each),
            "p50_microseconds": round(float(p50), 2),
            "p99_microseconds": round(float(p99), 2),
            "mean_microseconds": round(float(each.mean()), 2),
            "load": round(os.getloadavg()[0], 2),
        }
        print(json.dumps(line), flush=True)
    line = {
        "bench": "memory of a stream of minutes",
        "set": name,
        "from_minute": EARLY,
        "to_minute": len(bars),
        "grown_bytes": grown,
        "mean_microseconds": round(float(took[late].mean()) / 1e3, 2),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    bars = minutes(60_000 if QUICK else 1_001_100)
    for name in SETS:
        if name in feature_sets():
            measure(name, bars)


if __name__ == "__main__":
    main()
