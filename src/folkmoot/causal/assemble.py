"""Turn a graph into rows for the machine, their parameters and their first state.

1. Number a register for every input and output; a constant's is filled once and never written.
2. For each coarser timeframe: a row that builds its bars, the rows of its nodes, and one row
   for each result that is held on the decision timeframe.
3. The rows of the decision timeframe's nodes, arguments before readers. A node that windows or
   lags read is appended to one shared line, as long as its longest reader needs, and to a
   pyramid of merged windows for its means, spreads, sums or extremes.
4. Copies of the wanted nodes that do not lie among the output registers already.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from folkmoot.causal.expr import Expr, walk
from folkmoot.causal.layout import Cell, Field, Flat, Line, Register, Room, Row, Slots
from folkmoot.causal.table import OPERATORS, Operator, Params
from folkmoot.core.timeframe import Timeframe

CLOCK = ("open_time", "close_time")
HOURS = {"hour_of_day": 1, "day_of_week": 2}
RISE, FALL = 57, 58
COPY, REMEMBER, AGGREGATE, RESUME, SPREAD, FAMILY = 35, 70, 80, 81, 82, 100
MERGED = {"mean": 71, "std": 72, "total": 73, "highest": 74, "lowest": 75}
"""Windows made of merged ones, and the code of the row that merges them."""


@dataclass(slots=True)
class Scope:
    """The nodes of one timeframe: where its inputs lie, its registers, its shared lines."""

    registers: dict[Expr | str, Register]
    lines: dict[Expr, tuple[Register, Cell]] = field(default_factory=dict)
    counted: set[Expr] = field(default_factory=set)
    pyramids: dict[tuple[int, Expr], Cell] = field(default_factory=dict)
    groups: dict[tuple[object, ...], int] = field(default_factory=dict)
    longest: dict[tuple[int, Expr], int] = field(default_factory=dict)
    spread: dict[tuple[Expr, ...], set[Params]] = field(default_factory=dict)
    asked: tuple[Expr, ...] = ()
    silent: set[Expr] = field(default_factory=set)
    done: set[Expr] = field(default_factory=set)


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
        flat.registers = len(inputs)
        self.fine = Scope({name: Register(number) for number, name in enumerate(inputs)})
        self.fine_nodes = self._nodes(flat.wanted)

    def run(self) -> Flat:
        labels = dict.fromkeys(str(node.params[0]) for node in self.fine_nodes if node.op == "at")
        self._reserve_outputs()
        if labels:
            self._side_by_side()
        for label in labels:
            self._coarse(Timeframe.of(label))
        self._survey(self.fine, self.fine_nodes)
        for node in self.fine_nodes:
            self._emit(self.fine, node)
        for place, node in enumerate(self.flat.wanted):
            target = Register(self.flat.first_output + place)
            if self.fine.registers[node] != target:
                self.flat.rows.append(Row(COPY, target, self.fine.registers[node]))
        return self.flat

    def _nodes(self, roots: Sequence[Expr]) -> list[Expr]:
        """Return the nodes of one timeframe under `roots`, feeds and `at` taken as leaves."""
        leaves = {node for node in walk(*roots) if node.op == "at" or node in self.flat.feeds}
        return walk(*roots, leaves=leaves)

    def _side_by_side(self) -> None:
        """Copy the columns into registers that an aggregator can read one after the other."""
        self.flat.coarse = True
        first = self._block(len(self.flat.columns))
        for place, name in enumerate(self.flat.columns):
            target = Register(first + place)
            self.flat.rows.append(Row(COPY, target, self.fine.registers[name]))
            self.fine.registers[name] = target

    def _reserve_outputs(self) -> None:
        """Let a wanted node be computed in its output register."""
        flat = self.flat
        flat.first_output = flat.registers
        flat.registers += len(flat.wanted)
        for place, node in enumerate(flat.wanted):
            computed = node.op not in ("input", "const") and node not in flat.feeds
            computed = computed and not OPERATORS[node.op].outputs
            if computed and _name_of(node) not in self.fine.registers:
                self.fine.registers.setdefault(node, Register(flat.first_output + place))

    def _register(self) -> Register:
        self.flat.registers += 1
        return Register(self.flat.registers - 1)

    def _block(self, count: int) -> int:
        """Return the number of the first of `count` registers that lie side by side."""
        first = self.flat.registers
        self.flat.registers += count
        self.flat.blocks.append((first, count))
        return first

    def _cell(self, cell: Slots | Line) -> Cell:
        self.flat.cells.append(cell)
        return Cell(len(self.flat.cells) - 1)

    def _slots(self, values: Sequence[float], shared: bool = False) -> Cell:
        return self._cell(Slots(tuple(values), shared))

    def _coarse(self, timeframe: Timeframe) -> None:
        held = [n for n in self.fine_nodes if n.op == "at" and n.params[0] == timeframe.label]
        columns, rows = self.flat.columns, self.flat.rows
        extras = len(columns) - 7
        first = self._block(len(columns))
        scope = Scope({name: Register(first + j) for j, name in enumerate(columns)})
        scope.asked = tuple(node.args[0] for node in held)
        made = self._register()
        parameters = self._slots([float(timeframe.ms), float(timeframe.anchor)], shared=True)
        state = self._slots([0.0, 0.0, math.nan, 0.0] + [0.0] * (5 + extras))
        fine = self.fine.registers["open_time"]
        opening = Row(AGGREGATE, Register(first), fine, made, 0, state, extras, parameters)
        rows.append(opening)
        # Feeds are values of the decision timeframe: a coarse bar computes its own.
        nodes = walk(*scope.asked)
        self._survey(scope, nodes)
        for node in nodes:
            self._emit(scope, node)
        rows.append(Row(RESUME))
        opening.c = len(rows)
        for node in held:
            target = self._target(self.fine, node)
            source = scope.registers[node.args[0]]
            rows.append(Row(SPREAD, target, source, made, state, self._slots([math.nan])))

    def _survey(self, scope: Scope, nodes: Sequence[Expr]) -> None:
        """Find which nodes are read by windows, and how far back."""
        scope.silent = _silent(nodes, {*self.flat.wanted, *scope.asked})
        for node in nodes:
            operator = OPERATORS[node.op]
            if node in scope.silent:
                continue
            if node.op in ("std", "correlation"):
                for read in node.args:
                    scope.spread.setdefault((read,), set()).add(node.params)
            if operator.windowed:
                needed = operator.wait(node.params) + 1
                for key in ((kind, read) for read in node.args for kind in _kinds(node.op)):
                    scope.longest[key] = max(scope.longest.get(key, 1), needed)
                if node.op == "rank" or operator.code >= FAMILY:
                    scope.counted.update(node.args)

    def _target(self, scope: Scope, node: Expr) -> Register:
        if node not in scope.registers:
            scope.registers[node] = self._register()
        return scope.registers[node]

    def _emit(self, scope: Scope, node: Expr) -> None:
        operator = OPERATORS[node.op]
        if node in scope.silent or node.op == "at":
            return
        if scope is self.fine and node in self.flat.feeds:
            return
        if node.op == "const":
            scope.registers[node] = self._constant(float(node.params[0]))
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

    def _constant(self, value: float) -> Register:
        for register, known in self.flat.constants.items():
            if known == value or (known != known and value != value):
                return register
        register = self._register()
        self.flat.constants[register] = value
        return register

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
        if node.op == "sub" and not scope.silent.isdisjoint(node.args):
            self._change_row(scope, node)
            return
        read = [scope.registers[argument] for argument in node.args]
        row = _row(operator.code, self._target(scope, node), read)
        if operator.state:
            row.state = self._slots([operator.origin] * operator.state)
        if node.op in ("ema", "wilder", "decay"):
            row.p = self._slots(_weights(node.op, node.params), shared=True)
        if node.op == "true_range":
            row.n = int(node.params[0] == "range")
        self.flat.rows.append(row)

    def _change_row(self, scope: Scope, node: Expr) -> None:
        """Write one row for x - lag(x) or lag(x) - x."""
        falling = node.args[0] in scope.silent
        x = node.args[1 if falling else 0]
        row = Row(FALL if falling else RISE, self._target(scope, node), scope.registers[x])
        row.state = self._slots([math.nan])
        self.flat.rows.append(row)

    def _merged_row(self, scope: Scope, node: Expr) -> None:
        """Write the row of a window, and first that of the pyramid it is read from.

        A standard deviation comes with its mean, in one row.
        """
        x, n = node.args[0], int(node.params[0])
        spreads = scope.spread.get(node.args) if node.op in ("mean", "std") else None
        if spreads and node.params in spreads:
            node = Expr("std", node.args, node.params)
        if node in scope.done:
            return
        kind = MERGED["std" if spreads else node.op]
        pyramid = self._pyramid(scope, kind, x)
        row = Row(OPERATORS[node.op].code, self._target(scope, node), state=pyramid, n=n)
        row.p = Room(pyramid)
        scope.done.add(node)
        if node.op == "std":
            mean = Expr("mean", node.args, node.params)
            row.b, row.c = self._target(scope, mean), scope.longest[kind, x].bit_length() - 1
        self.flat.rows.append(row)

    def _pyramid(self, scope: Scope, kind: int, x: Expr) -> Cell:
        if (kind, x) not in scope.pyramids:
            levels, keep = scope.longest[kind, x].bit_length() - 1, _kept(scope.longest[kind, x])
            lines = 2 * levels + 2 if kind == MERGED["std"] else levels + 1
            cell = self._cell(Line(keep, lines))
            row = Row(kind, 0, scope.registers[x], 0, keep, cell, levels, Room(cell))
            self.flat.rows.append(row)
            scope.pyramids[kind, x] = cell
        return scope.pyramids[kind, x]

    def _window_row(self, scope: Scope, node: Expr) -> None:
        if node.op in MERGED:
            self._merged_row(scope, node)
            return
        if node.op == "correlation":
            self._correlation_rows(scope, node)
            return
        run, line = self._line(scope, node.args[0])
        row = Row(OPERATORS[node.op].code, self._target(scope, node), run, state=line)
        row.n = int(node.params[0])
        if node.op == "deviation":
            row.b = self._moment(scope, "mean", node.args[0], node.params)
        self.flat.rows.append(row)

    def _correlation_rows(self, scope: Scope, node: Expr) -> None:
        """Write the covariance over the product of the standard deviations, within -1 .. 1."""
        read = node.args
        (_, x), (_, y) = self._line(scope, read[0]), self._line(scope, read[1])
        spreads = [self._moment(scope, "std", arg, node.params) for arg in read]
        a, b = (self._moment(scope, "mean", arg, node.params) for arg in read)
        shared, product, share, capped = (self._register() for _ in range(4))
        row = Row(OPERATORS["correlation"].code, shared, a, b, state=x, p=y)
        row.n = int(node.params[0])
        steps = [
            ("mul", product, spreads),
            ("div", share, [shared, product]),
            ("minimum", capped, [share, self._constant(1.0)]),
            ("maximum", self._target(scope, node), [capped, self._constant(-1.0)]),
        ]
        made = [_row(OPERATORS[op].code, out, of) for op, out, of in steps]
        self.flat.rows += [row, *made]

    def _moment(self, scope: Scope, op: str, x: Expr, params: Params) -> Register:
        """Return the register of the mean or spread of x that another window needs."""
        node = Expr(op, (x,), params)
        self._merged_row(scope, node)
        return scope.registers[node]

    def _family_row(self, scope: Scope, node: Expr, operator: Operator) -> None:
        """Write one row for all outputs of a node, and find the register of the one it wants."""
        if not operator.outputs:
            self.flat.rows.append(self._steered(scope, node, operator, self._target(scope, node)))
            return
        group = (node.op, node.args, node.params[:-1])
        if group not in scope.groups:
            scope.groups[group] = first = self._block(len(operator.outputs))
            self.flat.rows.append(self._steered(scope, node, operator, Register(first)))
        place = operator.outputs.index(str(node.params[-1]))
        scope.registers[node] = Register(scope.groups[group] + place)

    def _steered(self, scope: Scope, node: Expr, operator: Operator, out: Register) -> Row:
        """Return a family's row: of registers, or of the lines that a window reads."""
        own = operator.memory(node.params) if operator.windowed else ()
        numbers = self._slots([*operator.numbers(node.params), *own], shared=not own)
        if not operator.windowed:
            row = _row(operator.code, out, [scope.registers[read] for read in node.args])
            row.state, row.p = self._slots(list(operator.memory(node.params))), numbers
            if operator.arity == 4:
                row.n = scope.registers[node.args[3]]
            return row
        lines = [self._line(scope, argument) for argument in node.args]
        (run, state), (other, second) = lines[0], lines[-1]
        return Row(operator.code, out, run, other, second, state, int(node.params[0]), numbers)

    def _line(self, scope: Scope, node: Expr) -> tuple[Register, Cell]:
        if node not in scope.lines:
            keep = _kept(scope.longest[REMEMBER, node])
            cell, run = self._cell(Line(keep)), self._register()
            row = Row(REMEMBER, run, scope.registers[node], 0, int(node in scope.counted))
            row.state, row.n, row.p = cell, keep + 1, Room(cell)
            self.flat.rows.append(row)
            scope.lines[node] = run, cell
        return scope.lines[node]


def _silent(nodes: Sequence[Expr], wanted: set[Expr]) -> set[Expr]:
    """Return each lag by one bar that is read only to tell how its argument has changed."""
    lags = {node for node in nodes if node.op == "lag" and node.params == (1,)} - wanted
    for node in nodes:
        x, other = node.args if node.op == "sub" else (node, node)
        for read in lags.intersection(node.args):
            if node.op != "sub" or read.args[0] is not (x if read is other else other):
                lags.discard(read)
    return lags


def _kept(longest: int) -> int:
    """Return how many values a reader of the last `longest` needs kept, in lines of cache."""
    return -(-(longest - 1) // 8) * 8


def _kinds(op: str) -> tuple[int, ...]:
    """Return the codes of the rows whose lines a window may read."""
    if op in ("mean", "std"):
        return MERGED["mean"], MERGED["std"]
    if op in ("deviation", "correlation"):
        return REMEMBER, MERGED["mean"], MERGED["std"]
    return (MERGED.get(op, REMEMBER),)


def _row(op: int, out: Field, read: Sequence[Field]) -> Row:
    a, b, c = (*read, 0, 0, 0)[:3]
    return Row(op, out, a, b, c)


def _name_of(node: Expr) -> str:
    """Return the column a node is an alias of, or an empty string."""
    if node.op == "input":
        return str(node.params[0])
    return "close_time" if node.op == "clock" and node.params[0] == "known_at" else ""


def _weights(op: str, params: Params) -> list[float]:
    """Return w, n, and b ** 1 .. b ** 8 for y = b y + w x."""
    number = float(params[0])
    if op == "decay":
        w, b, n = 1.0 - number, number, 1.0
    else:
        w, n = (2.0 / (number + 1.0) if op == "ema" else 1.0 / number), number
        b = 1.0 - w
    return [w, n, *(b**power for power in range(1, 9))]
