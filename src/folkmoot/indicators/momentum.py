"""Momentum."""

from folkmoot.causal import Expr, close, lag


def momentum(x: Expr = close, n: int = 10) -> Expr:
    """Return the change of x over n bars, in the unit of x.

    >>> momentum(n=10).warmup
    10
    """
    return x - lag(x, n)
