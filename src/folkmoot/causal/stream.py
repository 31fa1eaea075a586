"""One bar in, one row out."""

import struct
from collections.abc import Mapping

import numpy as np

from folkmoot.causal.kernels.machine import machine
from folkmoot.causal.program import Program
from folkmoot.core.bars import Bar, Bars, Floats
from folkmoot.core.errors import BadBars, UsageError
from folkmoot.core.timeframe import Timeframe

_BAR = struct.Struct("7d")

NARROW = 2
"""Rows of a register in a stream: one fine bar can close two coarse ones."""


class Stream:
    """A program's state after some bars; `push` takes the next one."""

    def __init__(
        self, program: Program, bars: Bars | None = None, memories: list[Floats] | None = None
    ) -> None:
        self._program = program
        self.names = program.names
        self._timeframe: Timeframe | None = program.timeframe
        self._ms = 0 if program.timeframe is None else program.timeframe.ms
        self._last = -(1 << 62)
        flat = program._stages[0].flat
        self._code, self._memory = flat.code(NARROW), flat.memory(NARROW)
        self._columns = np.empty((len(flat.columns), 1))
        self._out = np.empty((1, len(flat.wanted)))
        self._row = self._out[0]
        self._fill = _BAR.pack_into
        self._extra = flat.columns[7:]
        if memories is not None:
            size = len(flat.start)
            self._memory[:size] = memories[0][:size]
        if bars is not None and len(bars):
            self._accept(bars.timeframe)
            self._last = int(bars.open_time[-1])

    def push(self, bar: Bar) -> Mapping[str, float]:
        """Take the next closed bar and return every expression by name."""
        return dict(zip(self.names, self.push_row(bar).tolist(), strict=True))

    def push_row(self, bar: Bar) -> Floats:
        """Take the next closed bar and return `float64[names]`, the same buffer every time."""
        time = bar.open_time
        if bar.timeframe is not self._timeframe:
            self._accept(bar.timeframe)
        if time <= self._last:
            self._refuse(bar)
        self._last = time
        self._fill(
            self._columns, 0, time, time + self._ms,
            bar.open, bar.high, bar.low, bar.close, bar.volume,
        )  # fmt: skip
        for place, name in enumerate(self._extra, start=7):
            self._columns[place, 0] = bar.extra[name]
        machine(self._code, self._memory, self._columns, self._out)
        return self._row

    def _accept(self, timeframe: Timeframe) -> None:
        if self._timeframe is not None and timeframe != self._timeframe:
            raise UsageError(
                f"a bar of {timeframe} for a stream of {self._timeframe}",
                where="stream",
                allowed=str(self._timeframe),
            )
        self._timeframe, self._ms = timeframe, timeframe.ms

    def _refuse(self, bar: Bar) -> None:
        reason = f"open time {bar.open_time} is not after {self._last}"
        raise BadBars(reason, rows=[(0, reason)], where=bar.symbol)
