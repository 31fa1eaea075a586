"""Where the rows of a program keep their numbers, and the tape that the machine reads.

A program is rows over registers, cells (parameters and state) and lines of past values. A layout
gives each a place in one block of memory: wide, with tiles of bars, for history; narrow, one bar
at a time, for a stream. What a row writes and no later row reads gives its register to the next.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.causal.expr import Expr
from folkmoot.core.bars import Floats

Code = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

HEAD, ROW, HEADER = 16, 8, 3
END, MEMORY, BARS, TILE, WIDTH, RESULT, NAMES, OUTPUTS, EDGE, MOVING, MOVED = range(11)
SYMBOLS, TAPES, SELF, LENGTH = range(11, 15)
"""Places in the head of a tape, as the machine reads them."""

NOWHERE: Places = np.empty(0, dtype=np.int64)

WIDE, NARROW = 264, 2
"""Rows of a register; wide, not a power of two, so that registers share cache sets fairly."""


@dataclass(frozen=True, slots=True)
class Register:
    """A register by number; where it lies is the layout's affair."""

    number: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Parameters or state by number."""

    number: int


@dataclass(frozen=True, slots=True)
class Room:
    """The slots of a line, which depend on the layout."""

    cell: Cell


Field = int | Register | Cell | Room


@dataclass(slots=True)
class Row:
    """One row of the table; its fields are numbers or what the layout turns into numbers."""

    op: int
    out: Field = 0
    a: Field = 0
    b: Field = 0
    c: Field = 0
    state: Field = 0
    n: Field = 0
    p: Field = 0

    def fields(self) -> tuple[Field, ...]:
        """Return all eight, in the order of the table."""
        return self.op, self.out, self.a, self.b, self.c, self.state, self.n, self.p


@dataclass(frozen=True, slots=True)
class Slots:
    """A cell of plain numbers, which begin as `values`; state unless they are `shared`."""

    values: tuple[float, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A cell of `count` lines side by side that keep the last `keep` values before a tile."""

    keep: int
    count: int = 1


@dataclass(slots=True)
class Flat:
    """A program without memory: rows, cells, registers; the first registers are the inputs.

    `blocks` are (first, count) of registers that lie side by side.
    """

    columns: tuple[str, ...]
    feeds: tuple[Expr, ...]
    wanted: tuple[Expr, ...]
    rows: list[Row] = field(default_factory=list)
    cells: list[Slots | Line] = field(default_factory=list)
    constants: dict[Register, float] = field(default_factory=dict)
    blocks: list[tuple[int, int]] = field(default_factory=list)
    registers: int = 0
    first_output: int = 0
    coarse: bool = False

    @property
    def inputs(self) -> int:
        """How many registers are inputs: columns, then feeds."""
        return len(self.columns) + len(self.feeds)

    def read(self) -> set[int]:
        """Return which inputs some row reads."""
        every = {value.number for row in self.rows for value in _registers(row)}
        return {number for number in every if number < self.inputs}


class Layout:
    """Places for a flat program's numbers, in tiles of bars or one bar wide.

    `width` is that of a register; a tile has half as many fine bars where there are coarse ones,
    two of which one fine bar can close. `edge` is the width of inputs and outputs. With `symbols`,
    a register holds one bar of each of them, and their states lie abreast.
    """

    def __init__(self, flat: Flat, width: int = WIDE, symbols: int = 0) -> None:
        self.flat = flat
        self.width = width = symbols or width
        self.symbols = symbols
        self.abreast = symbols or 1
        self.tile = max(1, width // 2) if flat.coarse else width
        self.narrow = symbols > 0 or width <= NARROW
        self.edge = self.tile if self.narrow else width
        self._where = _Places(self)
        self._templates: dict[tuple[bool, bool], Code] = {}

    def room(self, line: Line) -> int:
        """Return the slots of a line."""
        # A stream moves what it keeps rarely, where a tile needs no slack for that.
        return 2 * line.keep + 18 if self.narrow else line.keep + self.width

    def size(self, cell: Slots | Line) -> int:
        """Return how much memory a cell takes."""
        if isinstance(cell, Line):
            return HEADER + cell.count * self.room(cell) * self.abreast
        return len(cell.values) * (1 if cell.shared else self.abreast)

    @property
    def first_input(self) -> int:
        """Where in memory the first input's register lies."""
        return self._where.registers[0]

    @property
    def first_output(self) -> int:
        """Where in memory the first output's register lies."""
        return self._where.registers[self.flat.first_output] if self.flat.wanted else 0

    @cached_property
    def table(self) -> Code:
        """The rows as numbers."""
        rows = [[self._number(value) for value in row.fields()] for row in self.flat.rows]
        return np.array(rows, dtype=np.uint64).reshape(-1)

    def _number(self, value: Field) -> int:
        if isinstance(value, Register):
            return self._where.registers[value.number]
        if isinstance(value, Cell):
            return self._where.cells[value.number]
        if isinstance(value, Room):
            line = self.flat.cells[value.cell.number]
            return self.room(line) if isinstance(line, Line) else 0
        return value

    def _ends(self, first: int, count: int) -> tuple[Places, Places, list[int]]:
        """Return the places in a tape that name one of `count` registers, which, and each once."""
        found = [
            (HEAD + ROW * place + column, value.number - first)
            for place, row in enumerate(self.flat.rows)
            for column, value in enumerate(row.fields())
            if isinstance(value, Register) and first <= value.number < first + count
        ]
        places = np.array(found, dtype=np.int64).reshape(-1, 2)
        return places[:, 0], places[:, 1], sorted(set(places[:, 1].tolist()))

    @cached_property
    def input_ends(self) -> tuple[Places, Places, list[int]]:
        """Places in a tape that name inputs, and which."""
        return self._ends(0, self.flat.inputs)

    @cached_property
    def output_ends(self) -> tuple[Places, Places, list[int]]:
        """Places in a tape that name outputs, and which."""
        return self._ends(self.flat.first_output, len(self.flat.wanted))

    @cached_property
    def image(self) -> Floats:
        """What memory begins with: parameters, first state, constants."""
        image = np.full(self._where.fixed, math.nan)
        for place, cell in zip(self._where.cells, self.flat.cells, strict=True):
            if isinstance(cell, Slots):
                times = 1 if cell.shared else self.abreast
                image[place : place + self.size(cell)] = np.repeat(cell.values, times)
            else:
                image[place : place + HEADER] = 0.0, cell.keep, 0.0
        for register, value in self.flat.constants.items():
            place = self._where.registers[register.number]
            image[place : place + self.width] = value
        return image

    def memory(self) -> Floats:
        """Return fresh memory; registers hold anything."""
        mem = lined(self._where.size)
        mem[: len(self.image)] = self.image
        return mem

    def resume(self, past: Floats, other: "Layout") -> Floats:
        """Return memory in this layout with the state that `past` has in the `other`."""
        mem = self.memory()
        wheres = zip(self._where.cells, other._where.cells, self.flat.cells, strict=True)
        for here, there, cell in wheres:
            if isinstance(cell, Slots):
                mem[here : here + len(cell.values)] = past[there : there + len(cell.values)]
                continue
            end = int(past[there + 1])
            mem[here + 2] = past[there + 2]
            for line in range(cell.count):
                to = here + HEADER + line * self.room(cell)
                start = there + HEADER + line * other.room(cell) + end
                mem[to : to + cell.keep] = past[start - cell.keep : start]
        return mem

    def tape(
        self,
        mem: Floats,
        bars: int,
        inputs: Sequence[Floats] | None = None,
        rows: Floats | None = None,
        matrix: Floats | None = None,
    ) -> Code:
        """Return a tape for `bars` bars over `mem`.

        `inputs` by number (those that no row reads may be anything) are read where they are, and
        results written: to `rows`, one an output, or to a `matrix` in C order. The caller keeps
        them alive. Without them, one bar is read from and written to registers.
        """
        base = _address(mem)
        tape = self._template(inputs is not None, rows is not None).copy()
        tape[MEMORY], tape[BARS], tape[SELF] = base, bars, _address(tape)
        if inputs is not None:
            places, which, read = self.input_ends
            away = np.zeros(len(inputs), dtype=np.int64)
            away[read] = [_address(inputs[number]) - base for number in read]
            tape[places] = (away >> 3)[which].view(np.uint64)
        if rows is not None:
            places, which, _ = self.output_ends
            away = _address(rows) - base + np.arange(len(rows)) * rows.strides[0]
            tape[places] = (away >> 3)[which].view(np.uint64)
        if matrix is not None:
            tape[RESULT], tape[NAMES] = _address(matrix), matrix.shape[1]
        return tape

    def _template(self, inputs: bool, outputs: bool) -> Code:
        """Return what all tapes have in common whose inputs and outputs lie outside, or not."""
        found = self._templates.get((inputs, outputs))
        if found is None:
            end = HEAD + len(self.table)
            moving = (self.input_ends[0] if inputs else NOWHERE,
                      self.output_ends[0] if outputs else NOWHERE)  # fmt: skip
            head = np.zeros(HEAD, dtype=np.uint64)
            head[[END, TILE, WIDTH, SYMBOLS, TAPES]] = end, self.tile, self.width, self.symbols, 1
            head[[OUTPUTS, EDGE, MOVING]] = self.first_output, self.edge, end
            moved = end + sum(map(len, moving))
            parts = [places.view(np.uint64) for places in (*moving, self._fetched(inputs, outputs))]
            found = np.concatenate([head, self.table, *parts])
            found[[MOVED, LENGTH]] = moved, len(found)
            self._templates[inputs, outputs] = found
        return found

    def _fetched(self, inputs: bool, outputs: bool) -> Places:
        """Return a place in a tape for each column outside that is fetched a tile ahead.

        Few rows read and write as evenly as the processor itself foresees.
        """
        ends = ((self.input_ends, inputs), (self.output_ends, outputs))
        found = [
            places[np.unique(which, return_index=True)[1]]
            for (places, which, _), outside in ends
            if outside
        ]
        every = np.concatenate([NOWHERE, *found])
        return NOWHERE if self.narrow or len(every) > len(self.flat.rows) else every


class _Places:
    """The place of every register and cell."""

    def __init__(self, layout: Layout) -> None:
        flat, width = layout.flat, layout.width
        self.cells: list[int] = []
        at = 0
        for cell in flat.cells:
            if isinstance(cell, Line) and not layout.narrow:
                # The slots begin with a line of cache.
                at = _rounded(at + HEADER) - HEADER
            self.cells.append(at)
            at += layout.size(cell)
        at = _rounded(at)
        self.registers = [-1] * flat.registers
        for register in flat.constants:
            self.registers[register.number] = at
            at += width
        self.fixed = at
        at = self._pin(flat, width, layout.edge, _rounded(at))
        self.size = self._share(flat, width, at)

    def _pin(self, flat: Flat, width: int, edge: int, at: int) -> int:
        """Give a place of their own to inputs, outputs and registers that lie side by side."""
        ends = [(0, flat.inputs, edge), (flat.first_output, len(flat.wanted), edge)]
        for first, count, step in [*ends, *((first, n, width) for first, n in flat.blocks)]:
            for place in range(count):
                self.registers[first + place] = at + place * step
            at += _rounded(count * step)
        return at

    def _share(self, flat: Flat, width: int, at: int) -> int:
        """Give the others a place from the first row that names them to the last."""
        last = {value.number: k for k, row in enumerate(flat.rows) for value in _registers(row)}
        free: list[int] = []
        shared: set[int] = set()
        for k, row in enumerate(flat.rows):
            named = {value.number for value in _registers(row)}
            for number in named:
                if self.registers[number] < 0:
                    if not free:
                        free.append(at)
                        at += width
                    self.registers[number] = free.pop()
                    shared.add(number)
            # Only now: no row writes over what it reads.
            free += [self.registers[n] for n in named & shared if last[n] == k]
        return at


def lined(size: int) -> Floats:
    """Return memory for `size` numbers, which hold anything, from a line of cache on.

    A read or write across two of them takes twice the time.
    """
    raw = np.empty(size + 8)
    begin = (-_address(raw) // 8) % 8
    return raw[begin : begin + size]


def _address(array: npt.NDArray[Any]) -> int:
    place: int = array.__array_interface__["data"][0]
    return place


def _rounded(count: int) -> int:
    return -(-count // 8) * 8


def _registers(row: Row) -> Iterator[Register]:
    return (value for value in row.fields() if isinstance(value, Register))
