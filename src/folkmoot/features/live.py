"""Every timeframe's features from one stream of closed fine bars."""

from collections.abc import Mapping

import numpy as np

from folkmoot.causal import Stream
from folkmoot.core.bars import COLUMNS, Bar, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.mint import mint
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.features.feature_set import FeatureSet, Table, feature_set
from folkmoot.market.aggregate import ADDITIVE, cascade
from folkmoot.market.aggregator import Aggregator

_table = mint(Table)

Sets = Mapping[str, str | FeatureSet]


class LiveFeatures:
    """A feature set per timeframe, each advanced when its own bar closes.

    `sets` maps a timeframe to a set or the name of one; a name alone is that set for `base` and
    all coarser timeframes. The rows are those of each set over `aggregate(bars, timeframe).bars`,
    to the bit; columns that a set copies from higher timeframes are part of the set and read the
    bars that it is shown. Work and memory per bar do not depend on how many came before.

    Raises `UsageError` for a timeframe that base bars do not make up, and for a column of a
    coarser set that aggregation does not keep.
    """

    def __init__(
        self, symbol: str, base: Timeframe | str = "1m", sets: Sets | str = "core"
    ) -> None:
        self.symbol, self.base = symbol, Timeframe.of(base)
        self.sets = _resolved(self.base, sets)
        extra = _amounts(self.base, self.sets)
        coarser = [step for step in self.sets if step != self.base]
        self._aggregator = Aggregator(symbol, self.base, coarser, extra)
        self._streams: dict[Timeframe, Stream] = {}
        self._begin({step: made.program().stream() for step, made in self.sets.items()})

    def _begin(self, streams: dict[Timeframe, Stream]) -> None:
        self._streams = streams
        self._own = streams.get(self.base)
        inputs = self.sets[self.base].program().inputs if self._own else frozenset[str]()
        self._reads = inputs - set(COLUMNS)

    def push(self, bar: Bar) -> dict[str, Table]:
        """Take the next closed base bar; return the rows of each timeframe that it closes.

        Timeframes of which no bar closed are absent. A table has one row, or two where a bar
        waited for its last parts in vain and closes together with the next; `known_at` is the
        close of the bar, which is then earlier than that of `bar`. Raises as `Aggregator.push`
        does, and the state is then as it was.
        """
        if self._own is not None and not self._reads <= bar.extra.keys():
            missing = sorted(self._reads - bar.extra.keys())
            raise UsageError(f"the bar has no column {missing}", where=bar.symbol)
        closed = self._aggregator.push(bar)
        rows: dict[str, Table] = {}
        if self._own is not None:
            rows[self.base.label] = _row(self._own, bar)
        for made in closed:
            row = _row(self._streams[made.timeframe], made)
            label = made.timeframe.label
            rows[label] = _joined(rows[label], row) if label in rows else row
        return rows

    def warm(self, bars: Bars) -> dict[str, Table]:
        """Begin anew with a history of base bars; return the features of each timeframe over it.

        Bars pushed afterwards continue where it ends.
        """
        coarser = list(self._aggregator.timeframes)
        fresh = Aggregator(self.symbol, self.base, coarser, self._aggregator.extra)
        fresh.skip(bars)
        made = cascade(bars, self.sets)
        tables, streams = {}, {}
        for step, columns in self.sets.items():
            values, streams[step] = columns.program().warm(made[step].bars)
            tables[step.label] = Table(values, columns.names, made[step].bars.close_time)
        self._aggregator = fresh
        self._begin(streams)
        return tables


def _row(stream: Stream, bar: Bar) -> Table:
    values = stream.push_row(bar)[np.newaxis].copy()
    return _table(values, stream.names, np.array([bar.open_time + bar.timeframe.ms]))


def _joined(one: Table, other: Table) -> Table:
    values = np.concatenate((one.values, other.values))
    return Table(values, one.names, np.concatenate((one.known_at, other.known_at)))


def _resolved(base: Timeframe, sets: Sets | str) -> dict[Timeframe, FeatureSet]:
    """Return the sets by timeframe, finest first."""
    if isinstance(sets, str):
        sets = {label: sets for label, step in TIMEFRAMES.items() if step.ms % base.ms == 0}
    given = {Timeframe.of(label): each for label, each in sets.items()}
    made = {}
    for step in sorted(given, key=lambda step: step.ms):
        each = given[step]
        made[step] = feature_set(each, step) if isinstance(each, str) else each
        if made[step].timeframe != step:
            raise UsageError(
                f"the set {made[step].name!r} is of {made[step].timeframe}",
                where=f"sets[{step.label!r}]",
                allowed=str(step),
            )
    return made


def _amounts(base: Timeframe, sets: Mapping[Timeframe, FeatureSet]) -> list[str]:
    """Return the extra columns that the coarser sets read, all of which must be amounts."""
    read: set[str] = set()
    for step, columns in sets.items():
        wanted = columns.program().inputs - set(COLUMNS)
        if step == base:
            continue
        lost = sorted(wanted - ADDITIVE)
        if lost:
            raise UsageError(
                f"aggregation does not keep {lost}",
                where=f"sets[{step.label!r}]",
                allowed=sorted(ADDITIVE),
            )
        read |= wanted
    return sorted(read)
