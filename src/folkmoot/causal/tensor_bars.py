"""Bars as tensors: a panel of symbols, its clock, and the closed bars of a coarser timeframe."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from folkmoot.causal.tensor_windows import lag
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import DAY, MONDAY, Timeframe

if TYPE_CHECKING:
    from torch import Tensor

HOUR = 3_600_000
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one timeframe: `columns` `[rows, n]`; times `[rows or 1, n]` int64, epoch ms.

    `like` is any tensor of the panel's device and dtype.
    """

    columns: Mapping[str, "Tensor"]
    opens: "Tensor | None"
    closes: "Tensor | None"
    like: "Tensor"

    def column(self, name: str) -> "Tensor":
        """Return a column, or a time as float64."""
        if name in ("open_time", "close_time"):
            opens, closes = self.times()
            return (opens if name == "open_time" else closes).double()
        return self.columns[name]

    def times(self) -> tuple["Tensor", "Tensor"]:
        """Return the open and close times, or raise `UsageError` where the panel has none."""
        if self.opens is None or self.closes is None:
            raise UsageError(
                "the columns have no times",
                where="tensors",
                allowed="open_time with close_time or a timeframe",
            )
        return self.opens, self.closes

    def gap(self) -> "Tensor":
        """Return the bars missing just before each bar; 0 before the first."""
        opens, closes = (time.double() for time in self.times())
        missing = (opens - lag(closes, 1)) / (closes - opens)
        return missing.nan_to_num(0.0).to(self.like.dtype)

    def clock(self, which: str) -> "Tensor":
        """Return the close as `known_at` (ms), `hour_of_day` (0 .. 24) or `day_of_week`, UTC."""
        closes = self.times()[1]
        if which == "known_at":
            return closes.double()
        day = closes.remainder(DAY).double() / HOUR
        week = (closes - MONDAY).remainder(WEEK).double() / DAY
        return (day if which == "hour_of_day" else week).to(self.like.dtype)


@dataclass(frozen=True, slots=True)
class Closing:
    """How many coarse bars have closed by the end of each fine one: `made` `[rows or 1, n]`."""

    made: "Tensor"

    def spread(self, coarse: "Tensor") -> "Tensor":
        """Return on each fine bar the value of the last closed coarse bar."""
        rows = max(self.made.shape[0], coarse.shape[0])
        made, values = self.made.expand(rows, -1), coarse.expand(rows, -1)
        if values.shape[-1] == 0:
            return values.new_full(made.shape, math.nan)
        return values.gather(-1, (made - 1).clamp(min=0)).where(made > 0, math.nan)


def coarser(panel: Panel, timeframe: Timeframe, names: set[str]) -> tuple[Panel, Closing]:
    """Return the coarse bars of the named columns, and when each of them is known.

    A coarse bar closes on the first fine bar that closes at or after its calendar end. One that
    began before the series did, and one with an unknown part, is unknown. The last coarse bar of
    a row may not have closed; `Closing` never shows it.
    """
    opens, closes = panel.times()
    slots = (opens - timeframe.anchor).div(timeframe.ms, rounding_mode="floor")
    slots = slots * timeframe.ms + timeframe.anchor
    before = slots[:, :1].where(slots[:, :1] < opens[:, :1], slots[:, :1] - timeframe.ms)
    counted = slots > before
    fresh = counted.clone()
    fresh[:, 1:] &= slots[:, 1:] != slots[:, :-1]
    number = fresh.cumsum(-1) - 1
    ended = closes >= slots + timeframe.ms
    made = (number + ended.long()).where(counted, 0)
    places = _places(number.where(counted, -1), fresh)
    columns = {name: _gathered(panel.columns[name], name, places) for name in names}
    first = slots.gather(-1, places[..., 0].clamp(min=0))
    return Panel(columns, first, first + timeframe.ms, panel.like), Closing(made)


def _places(number: "Tensor", fresh: "Tensor") -> "Tensor":
    """Return `[rows, coarse, most]`: the fine bars of each coarse one in order, -1 for none."""
    import torch

    rows, n = number.shape
    bars = torch.arange(n, device=number.device).expand(rows, n)
    begun = bars.where(fresh, 0).cummax(-1).values
    within = bars - begun
    counted = number >= 0
    coarse = int(number.max()) + 1 if number.numel() else 0
    most = int(within.where(counted, 0).max()) + 1 if number.numel() else 1
    cell = (number * most + within).where(counted, coarse * most)
    flat = number.new_full((rows, coarse * most + 1), -1).scatter(-1, cell, bars)
    return flat[:, :-1].reshape(rows, coarse, most)


def _gathered(x: "Tensor", name: str, places: "Tensor") -> "Tensor":
    """Return a column of coarse bars `[rows, coarse]`; rows with fewer end in unknown ones."""
    rows = max(x.shape[0], places.shape[0])
    _, coarse, most = places.shape
    x, places = x.expand(rows, -1), places.expand(rows, -1, -1)
    present = places >= 0
    if name == "open":
        chosen = x.gather(-1, places[..., 0].clamp(min=0))
        return chosen.where(present[..., 0], math.nan)
    if name in ("high", "low", "volume"):
        flat = places.clamp(min=0).reshape(rows, coarse * most)
        parts = x.gather(-1, flat).reshape(rows, coarse, most)
        return _joined(parts, present, name).where(present[..., 0], math.nan)
    last = places.amax(-1)
    return x.gather(-1, last.clamp(min=0)).where(last >= 0, math.nan)


def _joined(parts: "Tensor", present: "Tensor", name: str) -> "Tensor":
    if name == "volume":
        return parts.where(present, 0.0).sum(-1)
    if name == "high":
        return parts.where(present, -math.inf).amax(-1)
    return parts.where(present, math.inf).amin(-1)
