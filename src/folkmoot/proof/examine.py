"""One pass of the pipeline: features, members through time, the committee's minutes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from folkmoot.committee import Committee, Minutes, deliberate
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import FeatureSet, feature_set
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.training import Ballots, Crew, Results, walk_forward

FIRST_ROWS = 100
"""Rows with every column known that the first block must have to learn from."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What the members said of each bar, and what the committee made of it."""

    columns: FeatureSet
    left_out: tuple[str, ...]
    ballots: Ballots
    minutes: Minutes


def examine(
    bars: Bars,
    committee: Committee,
    features: str,
    store: Results,
    *,
    workers: int | Crew = 1,
    baselines: tuple[str, ...] = BASELINES,
    progress: Progress | None = None,
) -> Examined:
    """Walk the committee forward over `bars`; `left_out` names columns that no bar makes known.

    Raises `DataError` for fewer bars than `fewest_bars` says.
    """
    needed = fewest_bars(features, bars.timeframe)
    if len(bars) < needed:
        raise DataError(
            f"{len(bars)} bars are too few to train and score members on the set {features!r}",
            where=f"{bars.symbol} {bars.timeframe}",
            allowed=f"{needed} or more",
        )
    columns, left_out = feature_set(features, bars.timeframe).knowable(bars)
    ballots = walk_forward(
        bars,
        columns,
        electorate(committee, baselines),
        committee.horizon,
        store=store,
        workers=workers,
        progress=progress,
    )
    minutes = deliberate(
        ballots,
        references=REFERENCES,
        members=committee.models,
        horizon=committee.horizon,
        ratios=committee.weights,
    )
    return Examined(columns, tuple(left_out), ballots, minutes)


def fewest_bars(features: str, timeframe: Timeframe) -> int:
    """Return how many bars a study needs, so that the first block has rows to learn from.

    Two fifths of the bars train only, and none of those teaches before all columns are known.
    """
    warmup = feature_set(features, timeframe).warmup
    return max(1_000, math.ceil((warmup + FIRST_ROWS) / 0.38))


def electorate(
    committee: Committee, baselines: tuple[str, ...]
) -> dict[str, tuple[str, dict[str, object]]]:
    """Return everybody who votes: the committee's models with their options, then baselines."""
    horizons = committee.horizons or (committee.horizon,)
    votes = {
        name: (name, {"horizons": horizons, **committee.options.get(name, {})})
        for name in committee.models
    }
    rest = [name for name in baselines if name not in votes]
    return votes | {name: (name, {"horizons": (committee.horizon,)}) for name in rest}
