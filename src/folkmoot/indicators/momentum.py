"""Momentum."""

from folkmoot.causal import Expr, close, lag
from folkmoot.indicators._checks import checked


@checked()
def momentum(x: Expr = close, n: int = 10) -> Expr:
    """Return the change of x over n bars, in the unit of x.

    >>> momentum(n=10).warmup
    10
    """
    return x - lag(x, n)
