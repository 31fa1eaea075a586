"""A name for what an expression computes, as long as it is however deep it is."""

import hashlib

from folkmoot.causal.expr import Expr, walk


def signature(expr: Expr) -> str:
    """Return the SHA-256 of an expression's operators, parameters and shape.

    A part that occurs many times is read once, where its text would be written each time.

    >>> from folkmoot.causal import close, lag
    >>> signature(close - lag(close)) == signature(close - lag(close)) != signature(close)
    True
    """
    known: dict[Expr, str] = {}
    for node in walk(expr):
        below = ",".join(known[argument] for argument in node.args)
        body = f"{node.op}|{node.params!r}|{below}"
        known[node] = hashlib.sha256(body.encode()).hexdigest()
    return known[expr]
