"""Slope of the on-balance volume."""

from folkmoot.causal import Expr, close, lag, mean, sign, volume
from folkmoot.indicators._checks import checked
from folkmoot.indicators._money import slope_of_sum


@checked()
def obv_slope(x: Expr = close, n: int = 20) -> Expr:
    """Return the least-squares slope of `obv` over n bars, in mean volumes of those bars.

    Mostly within 1 of 0; it does not depend on where the history begins. NaN where nothing was
    traded in n bars.

    >>> obv_slope(n=20).warmup
    19
    """
    return slope_of_sum(sign(x - lag(x)) * volume, n) / mean(volume, n)
