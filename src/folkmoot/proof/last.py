"""The decision for the last closed bar: the proof's own pipeline, read at its last row."""

import asyncio
import dataclasses
import math
from pathlib import Path

from folkmoot.agents.evidence import bar_evidence, table_evidence, unusual
from folkmoot.committee import Committee
from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import Clock
from folkmoot.core.decision import Decision
from folkmoot.core.errors import DataError
from folkmoot.core.forecast import Belief
from folkmoot.core.protocols import Strategy
from folkmoot.core.settings import settings
from folkmoot.desk import Desk, Hearing, Journal, Voice
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.features import feature_set
from folkmoot.proof.examine import Progress, examine, fewest_bars
from folkmoot.proof.keys import code_version
from folkmoot.proof.money import CASH, build_strategy, voice_of
from folkmoot.training import TaskStore


class Silence:
    """A voice with no opinion, and the reason."""

    def __init__(self, horizon: int, why: str) -> None:
        self._horizon, self._why = horizon, why

    def hear(self, bar: Bar) -> Hearing:
        """Return an abstention."""
        belief = Belief("committee", bar.symbol, bar.close_time, self._horizon, math.nan)
        unknown = (math.nan, math.nan)
        return Hearing("warming", belief, (), math.nan, unknown, 0, (), self._why)


def last_decision(
    bars: Bars,
    committee: Committee,
    *,
    features: str = "core",
    costs: Costs | None = None,
    limits: Limits | None = None,
    strategy: str = "half_kelly",
    workers: int = 1,
    root: Path | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Decision:
    """Return what the desk of a study of `bars` decides at the close of the last one.

    The account starts empty at that bar, so the target is what a newcomer would hold; members are
    fitted as `prove` fits them. With fewer bars than `fewest_bars` says the committee is silent
    (status `warming`). By a `clock` a last bar that closed too long ago opens no position.

    Raises `DataError` for no bars at all.
    """
    if not len(bars):
        raise DataError("there are no bars", where="analyze", allowed="at least one closed bar")
    costs = costs or Costs()
    rule = build_strategy(strategy, costs, bars)
    voice = _voice(rule, bars, committee, features, root, workers, progress)
    about = {
        "data": bars.hash(),
        "code": code_version(),
        "features": feature_set(features, bars.timeframe).hash(),
    }
    desk = Desk(
        bars.symbol, bars.timeframe, voice, rule,
        limits or Limits(), SimBroker(costs, CASH), Journal.nowhere(), about, clock=clock,
    )  # fmt: skip
    decision = asyncio.run(desk.on_bar(bars.bar(len(bars) - 1)))
    columns = feature_set(features, bars.timeframe)
    table = columns.matrix(bars)
    evidence = {e.id: e for e in (*bar_evidence(bars), *unusual(table_evidence(table, columns)))}
    return dataclasses.replace(decision, evidence=tuple(evidence.values()))


def _voice(
    rule: Strategy,
    bars: Bars,
    committee: Committee,
    features: str,
    root: Path | None,
    workers: int,
    progress: Progress | None,
) -> Voice:
    needed = fewest_bars(features, bars.timeframe)
    if len(bars) < needed:
        why = f"{len(bars)} bars are too few to train on (at least {needed})"
        return Silence(committee.horizon, why)
    store = TaskStore((root or settings().data_root) / "tasks")
    seen = examine(bars, committee, features, store, workers=workers, progress=progress)
    return voice_of(rule, bars, seen, committee.models, committee.horizon)
