"""Between which numbers an expression must lie, found from its operators alone.

Interval arithmetic: it is never too narrow, and often wide, because it does not know that two
parts of a formula move together. A column that knows better says so.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from folkmoot.causal import Expr
from folkmoot.causal.expr import walk

Range = tuple[float, float]

ANY: Range = (-math.inf, math.inf)
EVENT: Range = (0.0, 1.0)
POSITIVE: Range = (0.0, math.inf)
EVENTS = frozenset({"lt", "le", "equal", "both", "either", "negate", "starts"})
COUNTS = frozenset({"barssince", "gap", "true_range", "std", "deviation"})
# What these write is a value, or a mean of values, of their last argument.
KEPT = frozenset({"mean", "ema", "wilder", "decay", "highest", "lowest", "lag", "at", "hold"})
KEPT_BY_FAMILIES = frozenset(
    {"quantile", "highest_since", "lowest_since", "highest_ever", "lowest_ever", "valuewhen"}
    | {"steady", "blend"}
)


def bounds(expr: Expr) -> Range:
    """Return the lowest and the highest value that `expr` can have on bars of positive prices.

    >>> from folkmoot.causal import close, rank, volume
    >>> bounds(rank(close, 9) - 0.5), bounds(close * volume)
    ((-0.5, 0.5), (0.0, inf))
    """
    known: dict[Expr, Range] = {}
    for node in walk(expr):
        known[node] = _bounds(node, [known[argument] for argument in node.args])
    return known[expr]


def _bounds(node: Expr, read: Sequence[Range]) -> Range:
    op = node.op
    if op in EVENTS:
        return EVENT
    if op in COUNTS:
        return POSITIVE
    if op in KEPT or op in KEPT_BY_FAMILIES:
        return read[-1]
    if op in FIXED:
        return FIXED[op]
    if op in WITH_PARAMETERS:
        return WITH_PARAMETERS[op](node, read)
    return RULES[op](*read) if op in RULES else ANY


def _constant(node: Expr, read: Sequence[Range]) -> Range:
    return float(node.params[0]), float(node.params[0])


def _input(node: Expr, read: Sequence[Range]) -> Range:
    return POSITIVE if node.params[0] in PRICED else ANY


def _summed(node: Expr, read: Sequence[Range]) -> Range:
    n = float(node.params[0])
    return n * read[0][0], n * read[0][1]


def _leaked(node: Expr, read: Sequence[Range]) -> Range:
    """Return what a sum can reach that keeps a share of itself on every bar."""
    (low, high), share = read[0], node.args[1]
    kept = float(share.params[0]) if share.op == "const" else 1.0
    if not 0.0 <= kept < 1.0:
        return ANY
    return min(low / (1.0 - kept), low), max(high / (1.0 - kept), high)


def _times(a: Range, b: Range) -> Range:
    corners = [x * y if x and y else 0.0 for x in a for y in b]
    return min(corners), max(corners)


def _over(a: Range, b: Range) -> Range:
    if b[0] <= 0.0 <= b[1]:
        return POSITIVE if a[0] >= 0.0 and b[0] >= 0.0 else ANY
    return _times(a, (1.0 / b[1], 1.0 / b[0]))


def _size(a: Range) -> Range:
    if a[0] <= 0.0 <= a[1]:
        return 0.0, max(-a[0], a[1])
    return min(abs(a[0]), abs(a[1])), max(abs(a[0]), abs(a[1]))


def _log(a: Range) -> Range:
    return (
        math.log(a[0]) if a[0] > 0.0 else -math.inf,
        math.log(a[1]) if 0.0 < a[1] < math.inf else math.inf,
    )


PRICED = frozenset({"open", "high", "low", "close", "volume"})
FIXED: Mapping[str, Range] = {
    "candle": (-200.0, 200.0),
    "rank": (0.0, 1.0),
    "correlation": (-1.0, 1.0),
    "fit": (0.0, 1.0),
    "entropy": (0.0, 1.0),
    "sign": (-1.0, 1.0),
    "sin": (-1.0, 1.0),
    "cos": (-1.0, 1.0),
    "tanh": (-1.0, 1.0),
    "exp": POSITIVE,
    "sqrt": POSITIVE,
    "since_highest": POSITIVE,
    "since_lowest": POSITIVE,
}
WITH_PARAMETERS: Mapping[str, Callable[[Expr, Sequence[Range]], Range]] = {
    "const": _constant,
    "input": _input,
    "total": _summed,
    "leak": _leaked,
}
RULES: Mapping[str, Callable[..., Range]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "mul": _times,
    "div": _over,
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "where": lambda event, a, b: (min(a[0], b[0]), max(a[1], b[1])),
    "otherwise": lambda a, b: (min(a[0], b[0]), max(a[1], b[1])),
    "neg": lambda a: (-a[1], -a[0]),
    "abs": _size,
    "relu": lambda a: (max(a[0], 0.0), max(a[1], 0.0)),
    "log": _log,
}
