"""Efficiency ratio (Kaufman, 1995)."""

from folkmoot.causal import Expr, close, lag, total
from folkmoot.indicators._checks import checked


@checked()
def efficiency_ratio(x: Expr = close, n: int = 20) -> Expr:
    """Return the net change over n bars as a share of the way, from 0 to 1.

    NaN where x stood still.

    >>> efficiency_ratio(n=20).warmup
    20
    """
    return abs(x - lag(x, n)) / total(abs(x - lag(x)), n)
