"""A named set of columns for one decision timeframe, and the table it makes of bars."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from folkmoot.causal import NEVER, Program, compile
from folkmoot.causal.signature import signature
from folkmoot.core import plugins
from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.core.errors import UsageError
from folkmoot.core.hashing import content_hash
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column
from folkmoot.features.own import is_own, own_set

SETS = "folkmoot.features.sets"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The features of n bars: `values[n, columns]` float64, unknown is NaN; `known_at[n]` ms."""

    values: Floats
    names: tuple[str, ...]
    known_at: Times

    def __len__(self) -> int:
        return len(self.known_at)

    def of(self, *names: str) -> Floats:
        """Return `[n, len(names)]`: the named columns."""
        return self.values[:, [self.names.index(name) for name in names]]

    def unknown(self) -> tuple[str, ...]:
        """Return the names of the columns that are unknown on every row."""
        maybe = np.flatnonzero(np.isnan(self.values[-1:]).all(axis=0))
        silent = maybe[np.isnan(self.values[:, maybe]).all(axis=0)]
        return tuple(self.names[column] for column in silent)


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Columns for decisions in one timeframe.

    Raises `UsageError` where two columns share a name.
    """

    name: str
    timeframe: Timeframe
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise UsageError(f"columns share a name: {twice}", where=self.name, allowed="unique")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def warmup(self) -> int:
        """Index of the first row on which every column is known, on clean bars."""
        return max((column.warmup for column in self.columns), default=0)

    @property
    def stable(self) -> int:
        """Rows after which where the history starts no longer matters to any column.

        Of a column whose memory reaches back to an event (a swing, a session), which no number of
        bars bounds, at least `RECKONED` further than its warm-up.
        """
        return max((_stable(column) for column in self.columns), default=0)

    def column(self, name: str) -> Column:
        """Return one column, or raise `UsageError` that lists the names."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UsageError(f"no column {name!r}", where=self.name, allowed=list(self.names))

    def only(self, names: Iterable[str]) -> "FeatureSet":
        """Return the set of the named columns, in the order of this set."""
        wanted = {self.column(name).name for name in names}
        return replace(self, columns=tuple(c for c in self.columns if c.name in wanted))

    def without(self, names: Iterable[str]) -> "FeatureSet":
        """Return the set less the named columns."""
        left_out = {self.column(name).name for name in names}
        return replace(self, columns=tuple(c for c in self.columns if c.name not in left_out))

    def plus(self, other: "FeatureSet") -> "FeatureSet":
        """Return this set followed by the columns of `other` that it lacks by name."""
        present = set(self.names)
        added = (c.seen_from(self.timeframe) for c in other.columns if c.name not in present)
        return replace(self, columns=(*self.columns, *added))

    def knowable(self, bars: Bars) -> tuple["FeatureSet", tuple[str, ...]]:
        """Return (the set less the columns unknown on every one of `bars`, their names).

        A series without volume loses exactly the columns that read it, a series shorter than a
        column's warm-up that column.
        """
        # What the first bars make known need not be looked for in all of them.
        early = self.matrix(bars.until(2 * self.warmup + 2)).unknown()
        dropped = self.only(early).matrix(bars).unknown() if early else ()
        return self.without(dropped), dropped

    def program(self) -> Program:
        """Return the compiled set; one set is compiled once a process."""
        return _compiled(self)

    def matrix(self, bars: Bars) -> Table:
        """Compute the features of `bars`, one row a bar, known at its close.

        Raises `UsageError` for bars of another timeframe.
        """
        if bars.timeframe != self.timeframe:
            raise UsageError(
                f"bars of {bars.timeframe} for the set {self.name!r} of {self.timeframe}",
                where="feature set",
                allowed=str(self.timeframe),
            )
        return Table(self.program().matrix(bars), self.names, bars.close_time)

    def card(self) -> dict[str, Any]:
        """Return the whole definition as JSON, as artefacts keep it of what they were fitted on."""
        return {
            "name": self.name,
            "timeframe": self.timeframe.label,
            "hash": self.hash(),
            "columns": [column.as_dict() for column in self.columns],
        }

    def hash(self) -> str:
        """Return the SHA-256 of the timeframe, the names and the formulas, in order."""
        formulas = [[column.name, signature(column.expr)] for column in self.columns]
        return content_hash(self.name, self.timeframe.label, formulas)


RECKONED = 500
"""Bars in which events that reset a column's memory are taken to have come."""


def _stable(column: Column) -> int:
    reckoned = column.warmup + RECKONED
    if column.stable >= NEVER:
        return reckoned
    return max(column.stable, reckoned) if column.awaits else column.stable


def feature_set(name: str, timeframe: str | Timeframe) -> FeatureSet:
    """Return the feature set of that name, or of a TOML file, for decisions in `timeframe`.

    Raises `UsageError` that lists the sets for an unknown name; see `features.own` for the file.
    """
    frame = Timeframe.of(timeframe)
    if is_own(name):
        name, columns = own_set(name, frame)
        return FeatureSet(name, frame, tuple(column.seen_from(frame) for column in columns))
    columns = plugins.load(SETS, name)(frame)
    return FeatureSet(name, frame, tuple(column.seen_from(frame) for column in columns))


def feature_sets() -> list[str]:
    """Return the names of the feature sets, sorted.

    >>> {"bars", "core", "gaf"} <= set(feature_sets())
    True
    """
    return plugins.names(SETS)


@lru_cache(maxsize=64)
def _compiled(columns: FeatureSet) -> Program:
    return compile({c.name: c.expr for c in columns.columns}, columns.timeframe)
