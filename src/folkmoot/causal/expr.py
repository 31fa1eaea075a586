"""A frozen formula over bars that cannot look ahead."""

import math
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, Union
from weakref import WeakValueDictionary

from folkmoot.causal.table import NEVER, OPERATORS, Params
from folkmoot.core.bars import COLUMNS
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

Value = Union["Expr", float]

_pool: WeakValueDictionary[tuple[str, tuple["Expr", ...], Params], "Expr"] = WeakValueDictionary()
_pooling = threading.Lock()


class Expr:
    """One node of a formula: an operator, the expressions it reads, its parameters.

    Equal structure is one object, so `==` and `hash` are those of the object and a shared part
    is computed once; compare the values of bars with `equal()`. Comparisons (`<`, `>=`, ...)
    build events that are 1.0, 0.0 or NaN on each bar.
    """

    __slots__ = ("__weakref__", "args", "op", "params")
    __array_ufunc__ = None

    op: str
    args: tuple["Expr", ...]
    params: Params

    def __new__(cls, op: str, args: tuple["Expr", ...] = (), params: Params = ()) -> "Expr":
        """Return the one node of that structure."""
        key = (op, args, params)
        with _pooling:
            found = _pool.get(key)
            if found is None:
                found = super().__new__(cls)
                for name, value in zip(("op", "args", "params"), key, strict=True):
                    object.__setattr__(found, name, value)
                _pool[key] = found
        return found

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an expression is frozen: cannot set {name}")

    def __reduce__(self) -> tuple[type["Expr"], tuple[str, tuple["Expr", ...], Params]]:
        return Expr, (self.op, self.args, self.params)

    def __bool__(self) -> bool:
        raise UsageError(
            "an expression has a value on each bar and no truth of its own",
            where=str(self),
            allowed="both(a, b), either(a, b), negate(a), where(cond, a, b)",
        )

    def __add__(self, other: Value) -> "Expr":
        return Expr("add", (self, as_expr(other)))

    def __radd__(self, other: Value) -> "Expr":
        return Expr("add", (as_expr(other), self))

    def __sub__(self, other: Value) -> "Expr":
        return Expr("sub", (self, as_expr(other)))

    def __rsub__(self, other: Value) -> "Expr":
        return Expr("sub", (as_expr(other), self))

    def __mul__(self, other: Value) -> "Expr":
        return Expr("mul", (self, as_expr(other)))

    def __rmul__(self, other: Value) -> "Expr":
        return Expr("mul", (as_expr(other), self))

    def __truediv__(self, other: Value) -> "Expr":
        return Expr("div", (self, as_expr(other)))

    def __rtruediv__(self, other: Value) -> "Expr":
        return Expr("div", (as_expr(other), self))

    def __pow__(self, other: Value) -> "Expr":
        exponent = as_expr(other)
        if exponent is as_expr(2.0):
            return Expr("mul", (self, self))
        return Expr("pow", (self, exponent))

    def __rpow__(self, other: Value) -> "Expr":
        return Expr("pow", (as_expr(other), self))

    def __neg__(self) -> "Expr":
        return Expr("neg", (self,))

    def __abs__(self) -> "Expr":
        return Expr("abs", (self,))

    def __lt__(self, other: Value) -> "Expr":
        return Expr("lt", (self, as_expr(other)))

    def __le__(self, other: Value) -> "Expr":
        return Expr("le", (self, as_expr(other)))

    def __gt__(self, other: Value) -> "Expr":
        return Expr("lt", (as_expr(other), self))

    def __ge__(self, other: Value) -> "Expr":
        return Expr("le", (as_expr(other), self))

    @property
    def warmup(self) -> int:
        """Index of the first known value on clean bars.

        For `where` it is the index from which the value is known whichever branch is taken, for
        what awaits an event the earliest bar at which the event can occur. Raises `UsageError`
        for an expression with `at`, whose lengths `Program.warmup` knows.
        """
        return lengths(self)[0]

    @property
    def stable(self) -> int:
        """Bars after which the start's effect is below 1e-6, relative; `NEVER` for a sum.

        Of what `awaits` an event they count from there: a value held from an event before these
        bars, or not yet known, is stable from the event's next occurrence on, whenever that is.
        """
        return lengths(self)[1]

    @property
    def awaits(self) -> bool:
        """Whether the value hangs on an event that no number of bars is bound to bring.

        Such are `hold`, `barssince`, `valuewhen`, `total_since` and its like, `swing`, `channel`
        and `watch`, also where the event comes on most bars.
        """
        return any(OPERATORS[node.op].awaits for node in walk(self))

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the bar columns that are read, extra columns included; times are not columns."""
        nodes = walk(self)
        names = {str(node.params[0]) for node in nodes if node.op == "input"}
        return frozenset(names - {"open_time", "close_time"})

    def __str__(self) -> str:
        return _text(self, {})

    def __repr__(self) -> str:
        return str(self)


def const(value: float) -> Expr:
    """Return an expression with the same value on every bar."""
    number = float(value)
    return Expr("const", (), (math.nan if math.isnan(number) else number + 0.0,))


def as_expr(value: Value) -> Expr:
    """Return `value` itself if it is an expression, else a constant."""
    return value if isinstance(value, Expr) else const(value)


def walk(*roots: Expr, leaves: Collection[Expr] = ()) -> list[Expr]:
    """Return every node under `roots` once, arguments before readers; not below `leaves`."""
    order: dict[Expr, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in order:
            continue
        if ready or node in leaves:
            order[node] = None
        else:
            stack.append((node, True))
            stack += [(argument, False) for argument in reversed(node.args)]
    return list(order)


def lengths(expr: Expr, timeframe: Timeframe | None = None) -> tuple[int, int]:
    """Return (warm-up, stable) in bars of `timeframe`, which only `at` needs."""
    known: dict[Expr, tuple[int, int]] = {}
    for node in walk(expr):
        if node.op == "at":
            known[node] = _coarse_lengths(node, timeframe)
        else:
            known[node] = _own_lengths(node, [known[argument] for argument in node.args])
    return known[expr]


def _own_lengths(node: Expr, read: list[tuple[int, int]]) -> tuple[int, int]:
    if node.op == "ta":
        from folkmoot.causal.ta import wait_and_fade

        wait, fade = wait_and_fade(node.params)
    else:
        operator = OPERATORS[node.op]
        wait, fade = operator.wait(node.params), operator.fade(node.params)
    warmup = max((first for first, _ in read), default=0) + wait
    stable = max((last for _, last in read), default=0) + wait + fade
    return warmup, min(stable, NEVER)


def _coarse_lengths(node: Expr, timeframe: Timeframe | None) -> tuple[int, int]:
    coarse = Timeframe.of(str(node.params[0]))
    if timeframe is None:
        raise UsageError(
            f"the lengths of an expression at {coarse} depend on the decision timeframe",
            where=str(node),
            allowed="compile(..., timeframe).warmup",
        )
    share = coarse.ms // timeframe.ms
    warmup, stable = lengths(node.args[0], coarse)
    return (warmup + 1) * share - 1, min((stable + 2) * share - 2, NEVER)


NAMES: dict[Expr, str] = {}
"""Compound inputs that are written by their own name, such as hlc3."""


LONGEST_TEXT, SHOWN = 200_000, 200
"""Characters: a text names a shared part each time it is read, and could double at each level."""


def _text(root: Expr, texts: dict[Expr, str]) -> str:
    for node in walk(root):
        read = [texts[a] for a in node.args]
        if sum(map(len, read)) > LONGEST_TEXT:
            read = [_cut(text) for text in read]
        texts[node] = NAMES.get(node) or _one_text(node, read)
    return texts[root]


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ... {len(text)} characters"


def _one_text(node: Expr, read: list[str]) -> str:
    spell: Mapping[str, Callable[[Params], str]] = {
        "const": lambda params: (
            f"{params[0]:g}" if params[0] == float(f"{params[0]:g}") else repr(params[0])
        ),
        "input": lambda params: (
            str(params[0]) if params[0] in COLUMNS else f"column({params[0]!r})"
        ),
        "clock": lambda params: str(params[0]),
        "gap": lambda params: "gap",
    }
    if node.op in spell:
        return spell[node.op](node.params)
    if node.op == "at":
        return f"at({node.params[0]}, {read[0]})"
    if node.op == "ta":
        return _ta_text(node.params, read)
    template = OPERATORS[node.op].text
    if template:
        return template.format(*read)
    parts = [*read, *(str(param) for param in node.params)]
    return f"{node.op}({', '.join(parts)})"


def _ta_text(params: Params, read: list[str]) -> str:
    name, output, *options = params
    pairs: list[Any] = [
        f"{key}={value}" for key, value in zip(options[::2], options[1::2], strict=True)
    ]
    chosen = [f"output={output}"] if output else []
    return f"ta({', '.join([str(name), *read, *chosen, *pairs])})"
