"""Vertical Horizontal Filter (White, 1991)."""

from folkmoot.causal import Expr, close, highest, lag, lowest, total
from folkmoot.indicators._checks import checked


@checked()
def vertical_horizontal(x: Expr = close, n: int = 28) -> Expr:
    """Return the range of n values as a share of the way of n changes, from 0 to 1.

    High in a trend, low in a range; NaN where x stood still.

    >>> vertical_horizontal(n=28).warmup
    28
    """
    return (highest(x, n) - lowest(x, n)) / total(abs(x - lag(x)), n)
