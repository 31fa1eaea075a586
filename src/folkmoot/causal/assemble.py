"""Turn a graph into a table of rows for the machine, its parameters and its first state.

1. Number a register for every node; a constant's is filled once and never written.
2. For each coarser timeframe: a row that builds its bars, the rows of its nodes, and one row
   for each result that is held on the decision timeframe.
3. The rows of the decision timeframe's nodes, arguments before readers. A node that windows or
   lags read is appended to one shared line, as long as its longest reader needs.
4. Copies of the wanted nodes that do not lie among the output registers already.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from folkmoot.causal.expr import Expr, walk
from folkmoot.causal.table import OPERATORS, Operator, Params
from folkmoot.core.bars import Floats
from folkmoot.core.timeframe import Timeframe

Code = npt.NDArray[np.uint64]

BLOCK = 520
"""Rows of a register in a batch; not a power of two, so that registers share cache sets fairly.
Tiles have half as many fine bars: one of those may close two coarse ones."""

CLOCK = ("open_time", "close_time")
HOURS = {"hour_of_day": 1, "day_of_week": 2}
COPY, REMEMBER, AGGREGATE, RESUME, SPREAD, FAMILY = 35, 70, 80, 81, 82, 100


@dataclass(slots=True)
class Row:
    """One row of the table.

    `out`, `a`, `b`, (unless `plain`) `c` and (if `wide`) `n` are numbers of registers.
    """

    op: int
    out: int = 0
    a: int = 0
    b: int = 0
    c: int = 0
    state: int = 0
    n: int = 0
    p: int = 0
    plain: bool = False
    wide: bool = False


@dataclass(slots=True)
class Scope:
    """The nodes of one timeframe: where its inputs lie, its registers, its shared lines."""

    registers: dict[Expr | str, int]
    lines: dict[Expr, tuple[int, int]] = field(default_factory=dict)
    groups: dict[tuple[object, ...], int] = field(default_factory=dict)
    longest: dict[Expr, int] = field(default_factory=dict)


@dataclass(slots=True)
class Flat:
    """A program without memory: `code(width)` and `memory(width)` fit together."""

    columns: tuple[str, ...]
    feeds: tuple[Expr, ...]
    wanted: tuple[Expr, ...]
    rows: list[Row] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    constants: dict[Expr, int] = field(default_factory=dict)
    registers: int = 0
    first_output: int = 0

    def code(self, width: int) -> Code:
        """Return the machine's table for registers of `width` rows."""
        base = len(self.start)
        tile = width // 2
        head = [width, tile, base, base + self.first_output * width, 0, 0, 0, 0]
        table = [head]
        for row in self.rows:
            places = [base + register * width for register in (row.out, row.a, row.b, row.c)]
            places[3] = row.c if row.plain else places[3]
            number = base + row.n * width if row.wide else row.n
            table.append([row.op, *places, row.state, number, row.p])
        return np.array(table, dtype=np.uint64)

    def memory(self, width: int) -> Floats:
        """Return parameters, first state and registers, the constants filled in."""
        base = len(self.start)
        mem = np.full(base + self.registers * width, math.nan)
        mem[:base] = self.start
        for node, register in self.constants.items():
            mem[base + register * width : base + (register + 1) * width] = float(node.params[0])
        return mem


def assemble(columns: Sequence[str], feeds: Sequence[Expr], wanted: Sequence[Expr]) -> Flat:
    """Return the flat program that reads `columns` and `feeds` and yields the `wanted` nodes.

    `columns` begins with open_time, close_time, open, high, low, close, volume.
    """
    flat = Flat(tuple(columns), tuple(feeds), tuple(wanted))
    return _Assembler(flat).run()


class _Assembler:
    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        inputs: list[Expr | str] = [*flat.columns, *flat.feeds]
        self.fine = Scope({name: register for register, name in enumerate(inputs)})
        flat.registers = len(inputs)
        self.fine_nodes = self._nodes(flat.wanted)

    def run(self) -> Flat:
        labels = dict.fromkeys(str(node.params[0]) for node in self.fine_nodes if node.op == "at")
        self._reserve_outputs()
        for label in labels:
            self._coarse(Timeframe.of(label))
        self._lines(self.fine, self.fine_nodes)
        for node in self.fine_nodes:
            self._emit(self.fine, node)
        for place, node in enumerate(self.flat.wanted):
            target = self.flat.first_output + place
            if self.fine.registers[node] != target:
                self.flat.rows.append(Row(COPY, target, self.fine.registers[node]))
        return self.flat

    def _nodes(self, roots: Sequence[Expr]) -> list[Expr]:
        """Return the nodes of one timeframe under `roots`, feeds and `at` taken as leaves."""
        leaves = {node for node in walk(*roots) if node.op == "at" or node in self.flat.feeds}
        return walk(*roots, leaves=leaves)

    def _reserve_outputs(self) -> None:
        """Let a wanted node be computed in its output register."""
        flat = self.flat
        flat.first_output = flat.registers
        flat.registers += len(flat.wanted)
        for place, node in enumerate(flat.wanted):
            computed = node.op not in ("input", "const") and node not in flat.feeds
            computed = computed and not OPERATORS[node.op].outputs
            if computed and _name_of(node) not in self.fine.registers:
                self.fine.registers.setdefault(node, flat.first_output + place)

    def _register(self, count: int = 1) -> int:
        first = self.flat.registers
        self.flat.registers += count
        return first

    def _slots(self, values: Sequence[float]) -> int:
        first = len(self.flat.start)
        self.flat.start += values
        return first

    def _coarse(self, timeframe: Timeframe) -> None:
        held = [n for n in self.fine_nodes if n.op == "at" and n.params[0] == timeframe.label]
        columns, rows = self.flat.columns, self.flat.rows
        extras = len(columns) - 7
        first = self._register(len(columns))
        scope = Scope({name: first + j for j, name in enumerate(columns)})
        made = self._register()
        parameters = self._slots([float(timeframe.ms), float(timeframe.anchor)])
        state = self._slots([0.0, 0.0, math.nan, 0.0] + [0.0] * (5 + extras))
        opening = Row(AGGREGATE, first, 0, made, 0, state, extras, parameters, plain=True)
        rows.append(opening)
        # Feeds are values of the decision timeframe: a coarse bar computes its own.
        nodes = walk(*(node.args[0] for node in held))
        self._lines(scope, nodes)
        for node in nodes:
            self._emit(scope, node)
        rows.append(Row(RESUME))
        opening.c = len(rows) + 1
        for node in held:
            target = self._target(self.fine, node)
            source = scope.registers[node.args[0]]
            cell = self._slots([math.nan])
            rows.append(Row(SPREAD, target, source, made, state, cell, plain=True))

    def _lines(self, scope: Scope, nodes: Sequence[Expr]) -> None:
        """Find which nodes are read by windows, and how far back."""
        for node in nodes:
            operator = OPERATORS[node.op]
            if operator.windowed:
                for read in node.args:
                    needed = operator.wait(node.params) + 1
                    scope.longest[read] = max(scope.longest.get(read, 1), needed)

    def _target(self, scope: Scope, node: Expr) -> int:
        if node not in scope.registers:
            scope.registers[node] = self._register()
        return scope.registers[node]

    def _emit(self, scope: Scope, node: Expr) -> None:
        operator = OPERATORS[node.op]
        if node.op == "at" or (scope is self.fine and node in self.flat.feeds):
            return
        if node.op == "const":
            constants = self.flat.constants
            if node not in constants:
                constants[node] = self._register()
            scope.registers[node] = constants[node]
        elif node.op == "input" or _name_of(node) in scope.registers:
            scope.registers[node] = scope.registers[_name_of(node)]
        elif node.op in ("gap", "clock"):
            self._time_row(scope, node)
        elif operator.code >= FAMILY:
            self._family_row(scope, node, operator)
        elif operator.windowed:
            self._window_row(scope, node)
        else:
            self._plain_row(scope, node)

    def _time_row(self, scope: Scope, node: Expr) -> None:
        b = scope.registers["close_time"]
        a = scope.registers["open_time"] if node.op == "gap" else b
        row = Row(OPERATORS[node.op].code, self._target(scope, node), a, b)
        if node.op == "gap":
            row.state = self._slots([math.nan])
        else:
            row.n = HOURS[str(node.params[0])]
        self.flat.rows.append(row)

    def _plain_row(self, scope: Scope, node: Expr) -> None:
        operator = OPERATORS[node.op]
        read = [scope.registers[argument] for argument in node.args]
        row = _row(operator.code, self._target(scope, node), read)
        row.state = self._slots([operator.origin] * operator.state)
        if node.op in ("ema", "wilder", "decay"):
            row.p = self._slots(_weights(node.op, node.params))
        if node.op == "true_range":
            row.n = int(node.params[0] == "range")
        self.flat.rows.append(row)

    def _window_row(self, scope: Scope, node: Expr) -> None:
        lines = [self._line(scope, argument) for argument in node.args]
        runs, states = [line[0] for line in lines], [line[1] for line in lines]
        row = _row(OPERATORS[node.op].code, self._target(scope, node), runs)
        row.state, row.n, row.p = states[0], int(node.params[0]), states[-1]
        self.flat.rows.append(row)

    def _family_row(self, scope: Scope, node: Expr, operator: Operator) -> None:
        """Write one row for all outputs of a node, and find the register of the one it wants."""
        if not operator.outputs:
            self.flat.rows.append(self._steered(scope, node, operator, self._target(scope, node)))
            return
        group = (node.op, node.args, node.params[:-1])
        if group not in scope.groups:
            scope.groups[group] = first = self._register(len(operator.outputs))
            self.flat.rows.append(self._steered(scope, node, operator, first))
        place = operator.outputs.index(str(node.params[-1]))
        scope.registers[node] = scope.groups[group] + place

    def _steered(self, scope: Scope, node: Expr, operator: Operator, out: int) -> Row:
        """Return a family's row: of registers, or of the lines that a window reads."""
        own = operator.memory(node.params) if operator.windowed else ()
        numbers = self._slots([*operator.numbers(node.params), *own])
        if not operator.windowed:
            row = _row(operator.code, out, [scope.registers[read] for read in node.args])
            row.state, row.p = self._slots(list(operator.memory(node.params))), numbers
            if operator.arity == 4:
                row.n, row.wide = scope.registers[node.args[3]], True
            return row
        lines = [self._line(scope, argument) for argument in node.args]
        (run, state), (other, second) = lines[0], lines[-1]
        n = int(node.params[0])
        return Row(operator.code, out, run, other, second, state, n, numbers, plain=True)

    def _line(self, scope: Scope, node: Expr) -> tuple[int, int]:
        if node not in scope.lines:
            length = scope.longest[node]
            room = length - 1 + BLOCK
            state = self._slots([0.0, length - 1.0, 0.0] + [math.nan] * room)
            row = Row(REMEMBER, self._register(), scope.registers[node])
            row.state, row.n, row.p = state, length, room
            self.flat.rows.append(row)
            scope.lines[node] = row.out, state
        return scope.lines[node]


def _row(op: int, out: int, read: Sequence[int]) -> Row:
    a, b, c = (*read, 0, 0, 0)[:3]
    return Row(op, out, a, b, c)


def _name_of(node: Expr) -> str:
    """Return the column a node is an alias of, or an empty string."""
    if node.op == "input":
        return str(node.params[0])
    return "close_time" if node.op == "clock" and node.params[0] == "known_at" else ""


def _weights(op: str, params: Params) -> list[float]:
    number = float(params[0])
    if op == "decay":
        return [1.0 - number, number, 1.0]
    weight = 2.0 / (number + 1.0) if op == "ema" else 1.0 / number
    return [weight, 1.0 - weight, number]
