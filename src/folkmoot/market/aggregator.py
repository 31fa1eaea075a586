"""Coarser bars of several timeframes, made from one finer bar at a time."""

from collections.abc import Iterable

import numpy as np

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import BadBars, DataError, UsageError
from folkmoot.core.mint import mint
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.aggregate import ADDITIVE, crossed
from folkmoot.market.grouping import LOTS, NONE, advance, crossing

_bar = mint(Bar)
_NEVER = -(1 << 62)


class Aggregator:
    """The running bar of each timeframe; `push` takes the next finer bar.

    The closed bars are those of `aggregate` over all bars pushed, to the bit: a coarser bar closes
    with the first finer one that closes at or after its calendar end. `extra` names the columns of
    amounts that are summed. Work and memory per bar do not depend on how many came before.

    Raises `UsageError` for a timeframe that finer bars do not make up, or an extra that is no sum.
    """

    def __init__(
        self,
        symbol: str,
        base: Timeframe | str,
        timeframes: Iterable[Timeframe | str],
        extra: Iterable[str] = (),
    ) -> None:
        self.symbol, self.base = symbol, Timeframe.of(base)
        made = sorted({Timeframe.of(label) for label in timeframes}, key=lambda step: step.ms)
        self.timeframes, self.extra = tuple(made), tuple(extra)
        odd = [str(step) for step in made if step.ms <= self.base.ms or step.ms % self.base.ms]
        if odd:
            raise UsageError(f"{self.base} bars do not make up {odd}", where="aggregator")
        sumless = sorted(set(self.extra) - ADDITIVE)
        if sumless:
            raise UsageError(f"{sumless} have no sum", where="extra", allowed=sorted(ADDITIVE))
        amounts = 1 + len(self.extra)
        self._whole = np.zeros((len(made), LOTS + amounts), dtype=np.int64)
        for row, step in zip(self._whole, made, strict=True):
            row[:3] = step.ms, step.anchor, NONE
        self._real = np.zeros((len(made), 4 + 2 * amounts))
        self._out = np.empty((2 * len(made), 6 + amounts))
        self._times, self._row = np.empty(1, dtype=np.int64), np.empty((1, 4 + amounts))
        self._last = _NEVER

    def push(self, bar: Bar) -> list[Bar]:
        """Take the next closed bar and return the coarser bars that it closes, finest first.

        There are two of one timeframe where the first waited for its last parts in vain. Raises
        `BadBars` for a bar that is not after the last, `DataError` for one across a boundary of
        the grid, `UsageError` for one of another timeframe or without an extra column; the state
        is then as it was.
        """
        time = bar.open_time
        self._check(bar.timeframe, time)
        try:
            amounts = [bar.extra[name] for name in self.extra]
        except KeyError as why:
            raise UsageError(f"the bar has no column {why}", where=bar.symbol) from why
        self._row[0] = (bar.open, bar.high, bar.low, bar.close, bar.volume, *amounts)
        self._times[0] = self._last = time
        count = advance(self._times, self.base.ms, self._row, self._whole, self._real, self._out)
        return [self._closed(row) for row in self._out[:count].tolist()] if count else []

    def skip(self, bars: Bars) -> None:
        """Take closed bars without returning what they close."""
        if len(bars) == 0:
            return
        self._check(bars.timeframe, int(bars.open_time[0]))
        missing = [name for name in self.extra if name not in bars.extra]
        if missing:
            raise UsageError(f"the bars have no column {missing}", where=bars.symbol)
        for first in self.timeframes[:1]:
            count, row = crossing(bars.open_time, self.base.ms, first.ms, first.anchor)
            if count:
                raise crossed(bars, first, count, row)
        names = ("open", "high", "low", "close", "volume", *self.extra)
        rows = np.stack([bars.column(name) for name in names], axis=1)
        advance(bars.open_time, self.base.ms, rows, self._whole, self._real, self._out)
        self._last = int(bars.open_time[-1])

    def _closed(self, row: list[float]) -> Bar:
        place, time, *values = row
        extra = dict(zip(self.extra, values[5:], strict=True))
        return _bar(self.symbol, self.timeframes[int(place)], int(time), *values[:5], extra)

    def _check(self, timeframe: Timeframe, time: int) -> None:
        if timeframe is not self.base and timeframe != self.base:
            raise UsageError(
                f"a bar of {timeframe} for {self.base}", where="aggregator", allowed=str(self.base)
            )
        if time <= self._last:
            reason = f"open time {time} is not after {self._last}"
            raise BadBars(reason, rows=[(0, reason)], where=self.symbol)
        if self.timeframes:
            first = self.timeframes[0]
            if time + self.base.ms > first.floor(time) + first.ms:
                raise DataError(
                    f"a {self.base} bar reaches across a {first} boundary at {iso(time)}",
                    where=self.symbol,
                )
