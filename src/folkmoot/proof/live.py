"""The proved committee on new bars, one at a time: the same sequence, continued.

1. The batch loop runs over the study's bars and those its journal has decided on; its final state
   seeds the feature stream.
2. The members are those fitted for the open last block; the ballots so far go through the
   prequential stream, which then continues row by row.
3. Each new bar yields one row of features, one forecast a member, the labels that it completes,
   and what the committee makes of them.
"""

import dataclasses
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.committee import Prequential
from folkmoot.committee.minutes import Row
from folkmoot.core.bars import COLUMNS, Bar, Bars, Floats, Times
from folkmoot.core.clock import Clock, SystemClock
from folkmoot.core.decision import Decision
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.core.protocols import Source
from folkmoot.desk import Desk, Hearing, Journal
from folkmoot.desk.desk import Replay
from folkmoot.desk.hearing import compose
from folkmoot.execution import Limits, SimBroker
from folkmoot.features import FeatureSet, feature_set, labels
from folkmoot.market import open_source
from folkmoot.market.polling import follow
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.proof.examine import electorate
from folkmoot.proof.keys import lineage
from folkmoot.proof.money import CASH, build_strategy
from folkmoot.training import Ballots, TaskStore, artefact, walk_forward

if TYPE_CHECKING:
    from folkmoot.proof.study import Study


class LiveVoice:
    """Speak for a study's committee on the bars after the study's last one, in their order.

    `later` are bars after the study's that were heard before, in another process: they are taken
    in at once. The bar heard last is answered the same again; any other bar that is not later, or
    that is not of the study's market, is refused and changes nothing. If a member or the committee
    fails on a bar the voice is out of step: it refuses everything, and the next desk on the same
    journal hears that bar anew.

    The members are never refitted here. A new study of the longer history is the refit; without
    one the committee falls silent (status `stale`, weight zero) once the study's open last block
    is two block lengths long: about a tenth of the study's bars after its end.
    """

    def __init__(self, study: "Study", later: Sequence[Bar] = ()) -> None:
        committee = study.plan.committee
        self._who, self._horizon = committee.models, committee.horizon
        columns, ballots = ballots_of(study)
        self._names = ballots.members
        self._block = int(ballots.block[-1])
        store = TaskStore(study.root / "tasks")
        keys = [ballots.artefacts[self._block, name] for name in self._names]
        self._members = [artefact(store, key) for key in keys]
        self._columns = columns.plus(feature_set("bars", study.bars.timeframe))
        program = self._columns.program()
        self._read = program.inputs - set(COLUMNS)
        bars = _longer(study.bars, later, self._read)
        values, self._stream = program.warm(bars)
        lookback = max(member.lookback for member in self._members)
        if later:
            asked = values[len(study.bars) - lookback + 1 :]
            said = self._ask(asked, bars.close_time[len(study.bars) :])
            ballots = _extended(ballots, bars, self._horizon, *said)
        self._recent = values[-lookback:].copy()
        self._tail = list(bars.rows(len(bars) - self._horizon - 2, len(bars)))
        self._stand = stand_of(study, ballots)
        self._heard: Hearing | None = None
        self._in_step = True

    @property
    def reached(self) -> int:
        """The open time of the bar heard last, epoch ms."""
        return self._tail[-1].open_time

    def check(self, bars: Bar | Bars) -> None:
        """Refuse what is not of the study's market or lacks a column that is read.

        Raises `UsageError` for that, and `DataError` if the voice is out of step.
        """
        known = self._tail[-1]
        if not self._in_step:
            raise DataError(
                f"the voice failed on the bar after {known.open_time}",
                where="live voice",
                allowed="a new desk on the same journal",
            )
        if bars.symbol != known.symbol or bars.timeframe != known.timeframe:
            raise UsageError(
                f"bars of {bars.symbol} {bars.timeframe}",
                where="live voice",
                allowed=f"{known.symbol} {known.timeframe}",
            )
        missing = sorted(self._read - set(bars.extra))
        if missing:
            raise UsageError(
                f"no column {', '.join(missing)}", where="live voice", allowed=sorted(self._read)
            )

    def hear(self, bar: Bar) -> Hearing:
        """Take in one closed bar and return what the committee says at its close."""
        self.check(bar)
        # Unknown volumes are not equal to each other; their text is.
        if self._heard is not None and repr(bar) == repr(self._tail[-1]):
            return self._heard
        if bar.open_time <= self.reached:
            raise DataError(
                f"the bar opening at {bar.open_time} came after {self.reached}",
                where="live voice",
                allowed="bars in their order, each once",
            )
        self._in_step = False
        row = self._stream.push_row(bar)
        recent = np.vstack((self._recent[1:], row))
        tail = [*self._tail[1:], bar]
        heard = self._speak(bar, recent, tail)
        self._recent, self._tail, self._heard = recent, tail, heard
        self._in_step = True
        return heard

    def _speak(self, bar: Bar, recent: Floats, tail: list[Bar]) -> Hearing:
        p_up, quantiles = self._ask(recent, np.array([bar.close_time]))
        row = Row(bar.close_time, self._block, p_up[0], quantiles[0], self._completed(tail))
        said = self._stand.feed(row)
        seats = [self._names.index(name) for name in self._who]
        heard = dataclasses.replace(
            said,
            calibrated=tuple(said.calibrated[seat] for seat in seats),
            weights=tuple(said.weights[seat] for seat in seats),
            quantile_weights=tuple(said.quantile_weights[seat] for seat in seats),
        )
        own = [tuple(quantiles[0, seat].tolist()) for seat in seats]
        return compose(heard, bar.symbol, bar.close_time, self._horizon, self._who, own)

    def _ask(self, values: Floats, known_at: Times) -> tuple[Floats, Floats]:
        """Return `p_up[n, m]` and `quantiles[n, m, 7]` of the last n rows, known at `known_at`."""
        p_up, quantiles = [], []
        for member in self._members:
            span = values[len(values) - len(known_at) - member.lookback + 1 :]
            runs = np.lib.stride_tricks.sliding_window_view(span, member.lookback, axis=0)
            x = Features(runs.swapaxes(1, 2), self._columns.names, known_at)
            forecast = member.predict(x)
            place = member.horizons.index(self._horizon)
            p_up.append(forecast.p_up[:, place])
            quantiles.append(forecast.quantiles[:, place])
        return np.stack(p_up, axis=1), np.stack(quantiles, axis=1)

    def _completed(self, tail: list[Bar]) -> tuple[tuple[int, float, int], ...]:
        """Return the label that the latest bar makes known, if it can be known at all."""
        found = labels(_table(tail, ()), self._horizon)
        if np.isnan(found.y[0]):
            return ()
        row = len(self._stand) - self._horizon - 1
        return ((row, float(found.y[0]), int(found.known_at[0])),)


def ballots_of(study: "Study") -> tuple[FeatureSet, Ballots]:
    """Return a study's columns and its members' ballots, read from its task store."""
    plan, bars = study.plan, study.bars
    columns, _ = feature_set(plan.features, bars.timeframe).knowable(bars)
    votes = electorate(plan.committee, BASELINES)
    store = TaskStore(study.root / "tasks")
    return columns, walk_forward(bars, columns, votes, plan.committee.horizon, store=store)


def stand_of(study: "Study", ballots: Ballots) -> Prequential:
    """Return the prequential stream of a study's committee after all rows of `ballots`."""
    committee = study.plan.committee
    stand = Prequential(
        ballots.members,
        references=REFERENCES,
        members=committee.models,
        horizon=committee.horizon,
        ratios=committee.weights,
    )
    stand.run(ballots)
    return stand


def _extended(
    ballots: Ballots, bars: Bars, horizon: int, p_up: Floats, quantiles: Floats
) -> Ballots:
    """Return the ballots of all `bars`, whose last rows say `p_up` and `quantiles`."""
    found = labels(bars, horizon)
    last = np.full(len(p_up), ballots.block[-1], np.int8)
    return dataclasses.replace(
        ballots,
        p_up=np.concatenate((ballots.p_up, p_up)),
        quantiles=np.concatenate((ballots.quantiles, quantiles)),
        y=found.y,
        label_known_at=found.known_at,
        known_at=bars.close_time,
        block=np.concatenate((ballots.block, last)),
    )


def _longer(bars: Bars, later: Sequence[Bar], extra: frozenset[str]) -> Bars:
    """Return `bars` followed by `later`, with the extra columns that are read."""
    if not later:
        return bars
    more = _table(later, extra)
    times = np.concatenate((bars.open_time, more.open_time))
    columns = {name: np.concatenate((bars.column(name), more.column(name))) for name in COLUMNS}
    further = {name: np.concatenate((bars.extra[name], more.extra[name])) for name in extra}
    return Bars(bars.symbol, bars.timeframe, times, extra=further, **columns)


def _table(rows: Sequence[Bar], extra: Iterable[str]) -> Bars:
    times = np.array([bar.open_time for bar in rows], np.int64)
    columns = {name: np.array([getattr(bar, name) for bar in rows]) for name in COLUMNS}
    further = {name: np.array([bar.extra[name] for bar in rows]) for name in extra}
    return Bars(rows[0].symbol, rows[0].timeframe, times, extra=further, **columns)


class LiveDesk:
    """A desk whose voice continues a study.

    Bars that its journal knows are answered from there. `last` is the open time of the study's
    last bar, epoch ms. The voice must have heard exactly what the journal has decided on: a desk
    that has missed bars, or heard one that could not be journalled, refuses to go on past it.
    """

    def __init__(self, desk: Desk, voice: LiveVoice, last: int) -> None:
        self.desk, self.journal, self.broker = desk, desk.journal, desk.broker
        self._voice, self._last = voice, last

    async def on_bar(self, bar: Bar) -> Decision:
        """Decide on one closed bar after the study's last one, now.

        A bar that closed too long ago may not open a position (limits' `stale_after`); bars of the
        past are for `replay`. A bar that is refused changes nothing.

        Raises `UsageError` for a bar of another market, `DataError` for one of the study's.
        """
        self._voice.check(bar)
        if bar.open_time <= self._last:
            raise DataError(
                f"the bar opening at {bar.open_time} belongs to the study, which ends with"
                f" {self._last}",
                where="live desk",
                allowed="later bars in their order, each once",
            )
        if bar.open_time > self.desk.reached:
            self._in_step(bar.open_time)
        return await self.desk.on_bar(bar)

    def replay(self, bars: Bars) -> Replay:
        """Decide on every bar after the study's last one that is not decided yet.

        The bars are history: none counts as stale.
        """
        self._voice.check(bars)
        rest = bars.between(self._last + 1, None)
        undecided = rest.between(self.desk.reached + 1, None)
        if len(undecided):
            self._in_step(int(undecided.open_time[0]))
        return self.desk.replay(rest)

    async def run(self, source: str | Source) -> AsyncIterator[Decision]:
        """Decide on each bar that has closed since the last decided one, then on each that closes.

        However long the caller takes for a decision, no bar is passed over.
        """
        feed = open_source(source) if isinstance(source, str) else source
        since = max(self._last, self.desk.reached) + 1
        async with aclosing(follow(feed, self.desk.symbol, self.desk.timeframe, since)) as bars:
            async for bar in bars:
                yield await self.on_bar(bar)

    def _in_step(self, upcoming: int) -> None:
        """Refuse a new bar where voice and journal have not the same bars behind them."""
        decided, heard = max(self._last, self.desk.reached), self._voice.reached
        if heard not in (decided, upcoming):
            raise DataError(
                f"the journal has decided up to {decided}, and the voice has heard up to {heard}",
                where="live desk",
                allowed="the bar that was heard and not journalled, or a new desk on the journal",
            )


def live_desk(
    study: "Study",
    strategy: str | None,
    limits: Limits | None,
    broker: str,
    journal: str | Path | None,
    *,
    clock: Clock | None = None,
) -> LiveDesk:
    """Return the desk that continues `study`, by the machine's clock if none is given.

    See `Study.desk`.
    """
    if broker != "paper":
        raise UsageError(f"no broker is called {broker!r}", where="broker", allowed=["paper"])
    plan, bars = study.plan, study.bars
    rule = build_strategy(strategy or plan.strategy, plan.costs, bars)
    name = str(getattr(rule, "name", type(rule).__name__))
    if getattr(rule, "voice", "committee") != "committee":
        raise UsageError(
            f"{name} trades its own calls, which no live desk hears in this version",
            where="strategy",
            allowed="strategies that trade the committee",
        )
    about, last = study.facts["provenance"], int(bars.open_time[-1])
    path = journal or study.root / "journals" / f"{about['study'][:16]}-{name}-paper.db"
    with ExitStack() as opened:
        book = opened.enter_context(Journal(path, study=about["study"], origin=lineage(bars)))
        decided = book.bars((name, bars.symbol, bars.timeframe.label))
        voice = LiveVoice(study, [bar for bar in decided if bar.open_time > last])
        desk = Desk(
            bars.symbol, bars.timeframe, voice, rule, limits or plan.limits,
            SimBroker(plan.costs, CASH), book, about, name=name, clock=clock or SystemClock(),
        )  # fmt: skip
        opened.pop_all()
    return LiveDesk(desk, voice, last)
