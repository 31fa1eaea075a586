"""One bar in, one row out."""

import math
import struct
from collections.abc import Mapping

import numpy as np

from folkmoot.causal.expr import Expr
from folkmoot.causal.layout import NARROW, WIDE
from folkmoot.causal.plan import Stage
from folkmoot.causal.program import Program, Sweep
from folkmoot.causal.ta import Readings
from folkmoot.core.bars import Bar, Bars, Floats
from folkmoot.core.errors import BadBars, UsageError
from folkmoot.core.timeframe import Timeframe

_pack = struct.Struct("7d").pack_into


class _Lane:
    """One stage with its own memory, one bar wide, and the open handles of its TA-Lib calls."""

    def __init__(self, stage: Stage, past: Floats | None, known: dict[Expr, Floats]) -> None:
        flat = stage.flat
        self.layout = layout = stage.layout(NARROW if flat.coarse else 1)
        self.memory = layout.memory() if past is None else layout.resume(past, stage.layout(WIDE))
        self.tape = layout.tape(self.memory, 1)
        first, last = layout.first_input, layout.first_output
        self.inputs = self.memory[first : first + flat.inputs]
        self.out: Floats = self.memory[last : last + len(flat.wanted)]
        self.bar = len(flat.columns)
        self.feeds, self.wanted = flat.feeds, flat.wanted
        self.calls = Readings(stage.calls, known) if stage.calls else None


class Stream:
    """A program's state after some bars; `push` takes the next one."""

    def __init__(
        self, program: Program, bars: Bars | None = None, sweep: Sweep | None = None
    ) -> None:
        from folkmoot.causal.kernels.machine import machine

        self._program = program
        self.names = program.names
        self._machine = machine
        self._timeframe: Timeframe | None = None
        self._ms = 0
        self._last = -(1 << 62)
        pasts = sweep.memories if sweep else [None] * len(program.stages)
        known = sweep.known if sweep else {}
        stages = zip(program.stages, pasts, strict=True)
        self._lanes = [_Lane(stage, past, known) for stage, past in stages]
        self._extra = program.stages[0].flat.columns[7:]
        first, last = self._lanes[0], self._lanes[-1]
        self._tape, self._inputs = first.tape, first.inputs
        self._buffer = memoryview(first.inputs)  # type: ignore[arg-type]  # an array is a buffer
        self._row: Floats = last.out
        if bars is not None and len(bars):
            self._accept(bars.timeframe)
            self._last = int(bars.open_time[-1])

    def push(self, bar: Bar) -> Mapping[str, float]:
        """Take the next closed bar and return every expression by name."""
        return dict(zip(self.names, self.push_row(bar).tolist(), strict=True))

    def push_row(self, bar: Bar) -> Floats:
        """Take the next closed bar and return `float64[names]`, the same buffer every time.

        Raises `BadBars` for a bar that is not later than the last, `UsageError` for one of
        another timeframe or without a column that is read; the state is then as it was.
        """
        time = bar.open_time
        if bar.timeframe is not self._timeframe:
            self._accept(bar.timeframe)
        if time <= self._last:
            self._refuse(bar)
        if self._extra:
            self._fill(bar)
        _pack(
            self._buffer, 0, time, time + self._ms,
            bar.open, bar.high, bar.low, bar.close, bar.volume,
        )  # fmt: skip
        self._last = time
        self._machine(self._tape)
        if len(self._lanes) > 1:
            self._continue()
        return self._row

    def advance(self, bars: Bars) -> Floats:
        """Take the next closed bars and return `float64[n, names]`, a fresh array."""
        values = np.empty((len(bars), len(self.names)))
        if len(self._lanes) > 1 or not len(bars):
            for place, bar in enumerate(bars):
                values[place] = self.push_row(bar)
            return values
        self._accept(bars.timeframe)
        if bars.open_time[0] <= self._last:
            self._refuse(bars.bar(0))
        lane, columns = self._lanes[0], self._program.columns(bars)
        self._machine(lane.layout.tape(lane.memory, len(bars), columns, matrix=values))
        self._last = int(bars.open_time[-1])
        return values

    def _fill(self, bar: Bar) -> None:
        missing = [name for name in self._extra if name not in bar.extra]
        if missing:
            raise UsageError(
                f"the bar has no column {', '.join(missing)}",
                where=bar.symbol,
                allowed=list(bar.extra),
            )
        for place, name in enumerate(self._extra, start=7):
            value = bar.extra[name]
            self._inputs[place] = value if math.isfinite(value) else math.nan

    def _continue(self) -> None:
        """Call TA-Lib between the stages, and run the stages after the first."""
        known: dict[Expr, float] = {}
        first = self._lanes[0]
        for lane in self._lanes:
            if lane is not first:
                lane.inputs[: lane.bar] = first.inputs
                lane.inputs[lane.bar :] = [known[node] for node in lane.feeds]
                self._machine(lane.tape)
            if lane.calls:
                known.update(zip(lane.wanted, lane.out.tolist(), strict=True))
                lane.calls.push(known)

    def _accept(self, timeframe: Timeframe) -> None:
        wanted = self._timeframe or self._program.timeframe
        if wanted is not None and timeframe != wanted:
            raise UsageError(
                f"a bar of {timeframe} for a stream of {wanted}",
                where="stream",
                allowed=str(wanted),
            )
        self._timeframe, self._ms = timeframe, timeframe.ms

    def _refuse(self, bar: Bar) -> None:
        reason = f"open time {bar.open_time} is not after {self._last}"
        raise BadBars(reason, rows=[(0, reason)], where=bar.symbol)
