"""Ulcer Index (Martin, 1987)."""

from folkmoot.causal import Expr, close, highest, mean, sqrt
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def ulcer(x: Expr = close, n: int = 14) -> Expr:
    """Return the root mean square over n bars of the percentage below the high of n bars.

    From 0 to 100, in percent.

    >>> ulcer(n=14).warmup
    26
    """
    top = highest(x, n)
    drop = 100.0 * (x - top) / top
    return sqrt(mean(drop * drop, n))
