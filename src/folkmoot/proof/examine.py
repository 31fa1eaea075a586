"""One pass of the pipeline: features, members through time, the committee's minutes."""

from collections.abc import Callable
from dataclasses import dataclass

from folkmoot.committee import Committee, Minutes, deliberate
from folkmoot.core.bars import Bars
from folkmoot.features import FeatureSet, feature_set
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.training import Ballots, Crew, Results, walk_forward

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
    """Walk the committee forward over `bars`; `left_out` names columns that no bar makes known."""
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
