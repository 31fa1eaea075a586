"""Weighted moving average."""

from folkmoot.causal import Expr, close, weighted
from folkmoot.indicators._checks import checked


@checked()
def wma(x: Expr = close, n: int = 9) -> Expr:
    """Return the mean of the last n values with weights n for the newest down to 1, in its unit.

    >>> wma(n=9).warmup
    8
    """
    return weighted(x, [(n - i) * 2.0 / (n * (n + 1.0)) for i in range(n)])
