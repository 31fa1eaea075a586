"""One feature: a causal expression with what a model, a law or a reader must know about it."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from folkmoot.causal import NEVER, Expr, at
from folkmoot.causal.expr import lengths
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.ranges import Range, bounds

Mirror = Literal["ratio", "level", "approximate", "even", "none"]
"""What turning the chart upside down does to a column.

`ratio`: the sign flips under p -> 1/p; `level`: under p -> K - p; `approximate`: it flips on at
least 98 % of bars under p -> 1/p; `even`: the value stays under one of the two; `none`: no law.
High and low change places in either.
"""

HIGHER: dict[str, tuple[str, ...]] = {
    "1m": ("15m", "1h"),
    "5m": ("1h", "4h"),
    "15m": ("1h", "4h"),
    "30m": ("2h", "1d"),
    "1h": ("4h", "1d"),
    "2h": ("1d", "1w"),
    "4h": ("1d", "1w"),
    "1d": ("1w",),
    "1w": (),
}
"""The coarser timeframes that a decision timeframe also looks at."""

LONGEST_COPY = 60
"""Columns are copied to a higher timeframe only if they are stable after so many of its bars."""


@dataclass(frozen=True, slots=True)
class Column:
    """A named, stationary, causal number per bar.

    `unit` says what one of it is, in words; `group` is the family it belongs to; `timeframe` is
    the decision timeframe, needed only for the lengths of a column that reads a coarser one.
    `limits` are the lowest and the highest value if the formula's operators do not show them.
    """

    name: str
    expr: Expr
    unit: str
    mirror: Mirror
    group: str
    timeframe: Timeframe | None = None
    limits: Range | None = None

    @property
    def range(self) -> Range:
        """The lowest and the highest value that it can have; infinite where nothing bounds it.

        Of the formula as written: rounding may carry a value past a bound by 1e-9 of max(1, bound).
        """
        return self.limits or bounds(self.expr)

    @property
    def formula(self) -> str:
        """The expression as text."""
        return str(self.expr)

    @property
    def warmup(self) -> int:
        """Index of the first known value on clean bars."""
        return lengths(self.expr, self.timeframe)[0]

    @property
    def stable(self) -> int:
        """Bars after which the effect of where the history starts is below 1e-6, relative.

        Of a column that `awaits` an event: once the event has come after these bars.
        """
        return lengths(self.expr, self.timeframe)[1]

    @property
    def awaits(self) -> bool:
        """Whether the value hangs on an event, before whose first occurrence it is unknown."""
        return self.expr.awaits

    @property
    def copied(self) -> bool:
        """Whether few enough bars make it stable for a copy on a higher timeframe."""
        return self.stable <= LONGEST_COPY and not self.awaits

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the bar columns that are read."""
        return self.expr.inputs

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known of the column as JSON; an infinite bound is null."""
        return {
            "name": self.name,
            "group": self.group,
            "unit": self.unit,
            "formula": self.formula,
            "inputs": sorted(self.inputs),
            "warmup": self.warmup,
            "stable": self.stable if self.stable < NEVER else None,
            "awaits": self.awaits,
            "range": [bound if math.isfinite(bound) else None for bound in self.range],
            "mirror": self.mirror,
        }

    def seen_from(self, timeframe: Timeframe) -> "Column":
        """Return the same column, for decisions in `timeframe`."""
        return replace(self, timeframe=timeframe)


def copies(columns: tuple[Column, ...], timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns on closed bars of the higher timeframes of `timeframe`.

    A copy of `x` at 4h is called `x_4h`. Columns that need more than `LONGEST_COPY` coarse bars to
    become stable, or an event that no number of them is bound to bring, are left out.
    """
    short = [column for column in columns if column.copied]
    return tuple(
        replace(
            column,
            name=f"{column.name}_{coarse}",
            expr=at(coarse, column.expr),
            timeframe=timeframe,
        )
        for coarse in HIGHER[timeframe.label]
        for column in short
    )
