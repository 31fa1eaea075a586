"""One bar of every symbol in, one row a symbol out, in one compiled call."""

import numpy as np
import numpy.typing as npt

from folkmoot.causal.assemble import CLOCK
from folkmoot.causal.layout import MEMORY, NARROW, SELF, TAPES, Flat, Layout
from folkmoot.causal.program import Program
from folkmoot.core.bars import COLUMNS, Floats, fault
from folkmoot.core.errors import BadBars, UsageError
from folkmoot.core.timeframe import Timeframe

_ABREAST = {*range(10, 53), *range(56, 59), *range(60, 66), *range(67, 71), *range(71, 76)}
"""Codes of the rows that take one bar of all symbols at once."""
_REMEMBER = 70


class PanelStream:
    """A program's state over some symbols; `push` takes the next closed bar of each.

    `columns` are the rows that `push` wants: open, high, low, close, volume, and what further
    columns the program reads. Each symbol's values are, bit for bit, those of a `Stream` of its
    own. Raises `UsageError` for a program with `ta` nodes, or without a timeframe that it needs.
    """

    def __init__(
        self, program: Program, symbols: int, timeframe: Timeframe | str | None = None
    ) -> None:
        from folkmoot.causal.kernels.machine import machine

        if symbols < 1:
            raise UsageError(f"symbols is {symbols}", where="panel stream", allowed="1 or more")
        if len(program.stages) > 1:
            raise UsageError("ta() in a panel stream", where="program", allowed="our own operators")
        flat = program.stages[0].flat
        self.names, self.columns, self.symbols = program.names, flat.columns[2:], symbols
        self._ms = _milliseconds(program, timeframe)
        self._machine, self._last = machine, -(1 << 62)
        lay = _abreast if can_go_abreast(flat) else _one_by_one
        self._tape, self._inputs, self._rows = lay(flat, symbols)

    def push(self, open_time: int, bars: Floats) -> Floats:
        """Take the bars that opened at `open_time`, epoch ms, `float64[columns, symbols]`.

        Returns `float64[symbols, names]`, the same buffer every time. Raises `BadBars` for a time
        that is not later than the last and for prices that no market can have produced; the state
        is then as it was.
        """
        if open_time <= self._last:
            reason = f"open time {open_time} is not after {self._last}"
            raise BadBars(reason, rows=[(0, reason)], where="panel stream")
        if bars.shape != (len(self.columns), self.symbols):
            raise UsageError(
                f"bars of shape {bars.shape}",
                where="panel stream",
                allowed=f"{(len(self.columns), self.symbols)}: {', '.join(self.columns)}",
            )
        _check(bars)
        inputs = self._inputs
        inputs[0], inputs[1], inputs[2:] = open_time, open_time + self._ms, bars
        if len(inputs) > 7:
            inputs[7:][~np.isfinite(inputs[7:])] = np.nan
        self._last = open_time
        self._machine(self._tape)
        return self._rows


def can_go_abreast(flat: Flat) -> bool:
    """Say whether every row of a program can take one bar of all symbols at once."""
    return all(row.op in _ABREAST and not (row.op == _REMEMBER and row.c) for row in flat.rows)


Laid = tuple[npt.NDArray[np.uint64], Floats, Floats]


def _abreast(flat: Flat, symbols: int) -> Laid:
    """Return the tape, `inputs[columns, symbols]` and `rows[symbols, names]` in one memory."""
    layout = Layout(flat, symbols=symbols)
    memory = layout.memory()
    first, last, names = layout.first_input, layout.first_output, len(flat.wanted)
    inputs = memory[first : first + flat.inputs * symbols].reshape(flat.inputs, symbols)
    rows = memory[last : last + names * symbols].reshape(names, symbols)
    return layout.tape(memory, 1), inputs, rows.T


def _one_by_one(flat: Flat, symbols: int) -> Laid:
    """Return the same with a memory and a tape for each symbol."""
    layout = Layout(flat, NARROW if flat.coarse else 1)
    template = layout.memory()
    size = -(-len(template) // 8) * 8
    memories = np.empty((symbols, size))
    memories[:, : len(template)] = template
    tapes = np.tile(layout.tape(memories[0], 1), (symbols, 1))
    tapes[:, MEMORY] += np.arange(symbols, dtype=np.uint64) * np.uint64(8 * size)
    tapes[0, [TAPES, SELF]] = symbols, tapes.ctypes.data
    first, last = layout.first_input, layout.first_output
    inputs = memories[:, first : first + flat.inputs].T
    return tapes.reshape(-1), inputs, memories[:, last : last + len(flat.wanted)]


def _milliseconds(program: Program, timeframe: Timeframe | str | None) -> int:
    frame = program.timeframe if timeframe is None else Timeframe.of(timeframe)
    if program.timeframe is not None and frame != program.timeframe:
        raise UsageError(
            f"bars of {frame} for a program of {program.timeframe}",
            where="panel stream",
            allowed=str(program.timeframe),
        )
    if frame is None and program.stages[0].read & set(range(len(CLOCK))):
        raise UsageError("the clock is read, and no timeframe is known", where="panel stream")
    return 0 if frame is None else frame.ms


def _check(bars: Floats) -> None:
    """Raise `BadBars` for prices that no market can have produced; a volume may be unknown."""
    opened, high, low, closed, volume = bars[: len(COLUMNS)]
    good = (low > 0.0) & (high < 1e300) & (high >= opened) & (high >= closed)
    good &= (low <= opened) & (low <= closed) & ~((volume < 0.0) | (volume > 1e300))
    if good.all():
        return
    bad = np.flatnonzero(~good)
    columns = (column[bad].tolist() for column in (opened, high, low, closed, volume))
    rows = [
        (int(row), str(fault(*numbers)))
        for row, numbers in zip(bad, zip(*columns, strict=True), strict=True)
    ]
    shown = "; ".join(f"symbol {row}: {reason}" for row, reason in rows[:3])
    raise BadBars(f"{len(rows)} bad bars: {shown}", rows=rows, where="panel stream")
