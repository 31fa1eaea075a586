"""One-minute bars to all nine timeframes, in one run: the cascade, each by itself, and the peers.

Prints one JSON line a contestant, as `spine.py` does, and one that says how far pandas' bars are
from ours. The peers that group each timeframe from the minutes do what `resample` is used for;
`pandas, cascaded` groups each from the one before, which is as far as pandas can be pushed.

    python benchmarks/resample.py [--quick]
"""

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from spine import QUICK, contest

from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.market import aggregate
from folkmoot.market.aggregate import cascade
from folkmoot.market.worlds import world

if TYPE_CHECKING:
    import pandas as pd

RULES = {label: f"{step.ms // 60_000}min" for label, step in TIMEFRAMES.items() if label != "1m"}
HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def minutes(n: int) -> Bars:
    """Make `n` minutes without a gap from Monday 2020-01-06, volumes in thousandths."""
    made = world("martingale", n=n, seed=1).bars
    times = 1_578_268_800_000 + 60_000 * np.arange(n, dtype=np.int64)
    prices = (made.open, made.high, made.low, made.close)
    return Bars("MINUTES", Timeframe.of("1m"), times, *prices, np.round(made.volume, 3))


def by_pandas(frame: "pd.DataFrame", cascaded: bool = False) -> dict[str, "pd.DataFrame"]:
    made = {}
    for label, rule in RULES.items():
        made[label] = frame.resample(rule, origin=frame.index[0]).agg(HOW)
        if cascaded:
            frame = made[label]
    return made


def by_polars(bars: Bars) -> Callable[[], object]:
    import polars as pl

    columns: dict[str, Any] = {name: bars.column(name) for name in COLUMNS}
    times = pl.Series("time", bars.open_time).cast(pl.Datetime("ms"))
    frame = pl.DataFrame({"time": times, **columns})
    how = [
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(),
        pl.col("close").last(), pl.col("volume").sum(),
    ]  # fmt: skip
    rules = ["1w" if label == "1w" else rule[:-2] for label, rule in RULES.items()]

    def run() -> object:
        return [frame.group_by_dynamic("time", every=rule).agg(how) for rule in rules]

    return run


def agreement(bars: Bars, frame: "pd.DataFrame") -> dict[str, Any]:
    """Return how far pandas is from the cascade: prices exactly, volumes relative."""
    ours, theirs = cascade(bars, RULES), by_pandas(frame)
    apart = dict.fromkeys(COLUMNS, 0.0)
    rows = 0
    for step, made in ours.items():
        rows += len(made.bars)
        for name in COLUMNS:
            told = theirs[str(step)][name].to_numpy()[: len(made.bars)]
            off = np.abs(told / made.bars.column(name) - 1.0).max(initial=0.0)
            apart[name] = max(apart[name], float(off))
    return {"bench": "resample, agreement with pandas", "bars_made": rows, **apart}


def main() -> None:
    bars = minutes(100_000 if QUICK else 1_000_000)
    frame = bars.to_frame().set_index("timestamp")
    entries: dict[str, Callable[[], object]] = {
        "folkmoot cascade": lambda: cascade(bars),
        "folkmoot, each by itself": lambda: [aggregate(bars, label) for label in RULES],
        "pandas resample": lambda: by_pandas(frame),
        "pandas, cascaded": lambda: by_pandas(frame, cascaded=True),
    }
    if find_spec("polars"):
        entries["polars group_by_dynamic"] = by_polars(bars)
    contest("one-minute bars to nine timeframes", len(bars), entries)
    print(json.dumps(agreement(bars, frame)), flush=True)


if __name__ == "__main__":
    main()
