"""The proved committee on new bars, one at a time: the same sequence, continued.

1. The batch loop runs over the study's bars; its final state seeds the feature stream.
2. The members are those fitted for the open last block; their ballots so far go through the
   prequential stream, which then continues row by row.
3. Each new bar yields one row of features, one forecast a member, the labels that it completes,
   and what the committee makes of them.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.committee import Prequential
from folkmoot.committee.minutes import Row
from folkmoot.core.bars import Bar, Bars, Floats
from folkmoot.core.decision import Decision
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.core.protocols import Source
from folkmoot.desk import Desk, Hearing, Journal
from folkmoot.desk.desk import Replay
from folkmoot.desk.hearing import compose
from folkmoot.execution import Limits, SimBroker
from folkmoot.features import feature_set, labels
from folkmoot.market import open_source
from folkmoot.models import REFERENCES
from folkmoot.proof.examine import Examined, examine
from folkmoot.proof.keys import lineage
from folkmoot.proof.money import CASH, build_strategy
from folkmoot.training import TaskStore, artefact

if TYPE_CHECKING:
    from folkmoot.proof.study import Study


class LiveVoice:
    """Speak for a study's committee on the bars after the study's last one, in their order.

    Asked again about the bar it heard last it answers the same; a bar out of order is refused.
    """

    def __init__(self, study: "Study") -> None:
        plan, bars = study.plan, study.bars
        store = TaskStore(study.root / "tasks")
        seen = examine(bars, plan.committee, plan.features, store)
        self._who, self._horizon = plan.committee.models, plan.committee.horizon
        self._names = seen.ballots.members
        self._block = int(seen.ballots.block[-1])
        keys = [seen.ballots.artefacts[self._block, name] for name in self._names]
        self._members = [artefact(store, key) for key in keys]
        self._columns = seen.columns.plus(feature_set("bars", bars.timeframe))
        values, self._stream = self._columns.program().warm(bars)
        lookback = max(member.lookback for member in self._members)
        self._recent = deque(values[-lookback:], maxlen=lookback)
        self._tail = deque(bars.rows(len(bars) - self._horizon - 2, len(bars)), self._horizon + 2)
        self._stand = _stand(seen, plan.committee)
        self._heard: Hearing | None = None
        self._reached = int(bars.open_time[-1])
        self._symbol = bars.symbol

    def hear(self, bar: Bar) -> Hearing:
        """Take in one closed bar and return what the committee says at its close."""
        if bar.open_time == self._reached and self._heard is not None:
            return self._heard
        if bar.open_time <= self._reached:
            raise DataError(
                f"the bar opening at {bar.open_time} came after {self._reached}",
                where="live voice",
                allowed="bars in their order, each once",
            )
        self._recent.append(self._stream.push_row(bar).copy())
        self._tail.append(bar)
        self._heard = self._speak(bar)
        self._reached = bar.open_time
        return self._heard

    def _speak(self, bar: Bar) -> Hearing:
        window = np.stack(self._recent)[np.newaxis]
        known_at = np.array([bar.close_time])
        x = Features(window, self._columns.names, known_at)
        p_up, quantiles = self._ask(x)
        row = Row(bar.close_time, self._block, p_up, quantiles, self._completed())
        said = self._stand.feed(row)
        seats = [self._names.index(name) for name in self._who]
        heard = replace(
            said,
            calibrated=tuple(said.calibrated[seat] for seat in seats),
            weights=tuple(said.weights[seat] for seat in seats),
        )
        own = [tuple(quantiles[seat].tolist()) for seat in seats]
        return compose(heard, self._symbol, bar.close_time, self._horizon, self._who, own)

    def _ask(self, x: Features) -> tuple[Floats, Floats]:
        p_up, quantiles = [], []
        for member in self._members:
            start = x.values.shape[1] - member.lookback
            forecast = member.predict(Features(x.values[:, start:], x.names, x.known_at))
            place = member.horizons.index(self._horizon)
            p_up.append(forecast.p_up[0, place])
            quantiles.append(forecast.quantiles[0, place])
        return np.array(p_up), np.array(quantiles)

    def _completed(self) -> tuple[tuple[int, float, int], ...]:
        """Return the label that the latest bar makes known, if it can be known at all."""
        found = labels(_bars(self._tail), self._horizon)
        if np.isnan(found.y[0]):
            return ()
        row = len(self._stand) - self._horizon - 1
        return ((row, float(found.y[0]), int(found.known_at[0])),)


def _stand(seen: Examined, committee: Any) -> Prequential:
    stand = Prequential(
        seen.ballots.members,
        references=REFERENCES,
        members=committee.models,
        horizon=committee.horizon,
        ratios=committee.weights,
    )
    stand.run(seen.ballots)
    return stand


def _bars(tail: "deque[Bar]") -> Bars:
    rows = list(tail)
    times = np.array([bar.open_time for bar in rows], np.int64)
    table = np.array([[b.open, b.high, b.low, b.close, b.volume] for b in rows], np.float64).T
    opened, high, low, close, volume = table
    return Bars(rows[0].symbol, rows[0].timeframe, times, opened, high, low, close, volume)


class LiveDesk:
    """A desk whose voice continues a study; bars that its journal knows only bring it abreast."""

    def __init__(self, desk: Desk, voice: LiveVoice, last: int) -> None:
        self.desk, self.journal, self.broker = desk, desk.journal, desk.broker
        self._voice, self._last = voice, last

    async def on_bar(self, bar: Bar) -> Decision:
        """Decide on one closed bar after the study's last one."""
        self._voice.hear(bar)
        return await self.desk.on_bar(bar)

    def replay(self, bars: Bars) -> Replay:
        """Decide on every bar after the study's last one that is not decided yet."""
        rest = bars.between(self._last + 1, None)
        for bar in rest:
            if bar.open_time <= self.desk.reached:
                self._voice.hear(bar)
        return self.desk.replay(rest)

    async def run(self, source: str | Source) -> AsyncIterator[Decision]:
        """Catch up on what has closed since the study, then decide on each bar as it closes."""
        feed = open_source(source) if isinstance(source, str) else source
        missed = feed.history(self.desk.symbol, self.desk.timeframe, self._last + 1, None)
        reached = self._last
        for bar in missed:
            reached = bar.open_time
            yield await self.on_bar(bar)
        async for bar in feed.live(self.desk.symbol, self.desk.timeframe):
            if bar.open_time > reached:
                yield await self.on_bar(bar)


def live_desk(
    study: "Study",
    strategy: str | None,
    limits: Limits | None,
    broker: str,
    journal: str | Path | None,
) -> LiveDesk:
    """Return the desk that continues `study`; see `Study.desk`."""
    if broker != "paper":
        raise UsageError(f"no broker is called {broker!r}", where="broker", allowed=["paper"])
    plan, bars = study.plan, study.bars
    rule = build_strategy(strategy or plan.strategy, plan.costs, bars)
    name = getattr(rule, "name", "strategy")
    about = study.facts["provenance"]
    path = journal or study.root / "journals" / f"{about['study'][:16]}-{name}-paper.db"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    book = Journal(path, study=about["study"], origin=lineage(bars))
    voice = LiveVoice(study)
    desk = Desk(
        bars.symbol, bars.timeframe, voice, rule, limits or plan.limits,
        SimBroker(plan.costs, CASH), book, about,
    )  # fmt: skip
    return LiveDesk(desk, voice, int(bars.open_time[-1]))
