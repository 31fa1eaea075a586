"""Expressions over another market, whose bars were joined to ours as extra columns.

The joined columns of ETH/USDT are called `ETH/USDT.open`, ..., `ETH/USDT.volume`; where the other
market has no bar that closes with ours they are unknown.
"""

from folkmoot.causal.expr import Expr, Value, as_expr, walk
from folkmoot.core.errors import UsageError

CLOCK = frozenset({"open_time", "close_time"})
"""Joined bars open and close together."""

OWN = frozenset({"gap", "at"})
"""What counts our own bars, and so has no meaning on a market that is joined to them."""


def of(symbol: str, expr: Value) -> Expr:
    """Return `expr` over the bars of `symbol`, as known at our own close.

    Windows and means run over our bars: a bar of ours without one of theirs is unknown. Raises
    `UsageError` for `at` and `gap` inside, which count our own bars.

    >>> from folkmoot.causal import close, lag
    >>> sorted(of("ETH/USDT", close / lag(close)).inputs)
    ['ETH/USDT.close']
    """
    root = as_expr(expr)
    if not symbol or symbol != symbol.strip():
        raise UsageError(f"symbol is {symbol!r}", where="of", allowed="a market's name")
    made: dict[Expr, Expr] = {}
    for node in walk(root):
        if node.op in OWN:
            raise UsageError(
                f"{node.op} inside of()", where=str(root), allowed="expressions of bars"
            )
        made[node] = _moved(node, symbol, made)
    return made[root]


def joined_name(symbol: str, column: str) -> str:
    """Return what a column of another market is called among ours."""
    return f"{symbol}.{column}"


def of_others(expr: Expr) -> bool:
    """Whether an expression reads the joined bars of another market."""
    return any(node.op == "input" and "." in str(node.params[0]) for node in walk(expr))


def _moved(node: Expr, symbol: str, made: dict[Expr, Expr]) -> Expr:
    shared = node.op == "input" and (node.params[0] in CLOCK or "." in str(node.params[0]))
    if node.op == "input" and not shared:
        return Expr("input", (), (joined_name(symbol, str(node.params[0])),))
    return Expr(node.op, tuple(made[argument] for argument in node.args), node.params)
