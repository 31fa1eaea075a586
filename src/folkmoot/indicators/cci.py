"""Commodity Channel Index (Lambert, 1980)."""

from folkmoot.causal import Expr, deviation, hlc3, mean
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def cci(x: Expr = hlc3, n: int = 20) -> Expr:
    """Return the distance of x from its mean in units of 1.5 % of its mean absolute deviation.

    About three quarters of the values lie within 100 of zero; NaN where x did not move for n bars.

    >>> cci(n=20).warmup
    19
    """
    return (x - mean(x, n)) / (0.015 * deviation(x, n))
