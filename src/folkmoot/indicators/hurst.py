"""Hurst exponent from the growth of absolute moves with their length (Di Matteo, 2007)."""

import math

from folkmoot.causal import Expr, close, const, lag, log, mean
from folkmoot.indicators._checks import checked, whole

PRICE = log(close)
MOST_SCALES = 16
"""The longest lag is then 32,768 bars."""


@checked(scales=whole(2, MOST_SCALES))
def hurst(x: Expr = PRICE, n: int = 100, scales: int = 5) -> Expr:
    """Return the generalised Hurst exponent of order 1: mostly 0 to 1, a random walk 0.5.

    It is the least-squares slope of log mean |x - x[q]| over n bars against log q, for q = 1, 2,
    4 .. 2 ** (scales - 1), 2 to 16 of them; no rescaled range. NaN where x stood still.

    >>> hurst().warmup
    115
    """
    middle = (scales - 1) / 2.0
    spread = math.log(2.0) * sum((k - middle) ** 2 for k in range(scales))
    found = const(0.0)
    for k in range(scales):
        found = found + ((k - middle) / spread) * log(mean(abs(x - lag(x, 2**k)), n))
    return found
