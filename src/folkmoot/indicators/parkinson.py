"""Parkinson's volatility (1980)."""

import math

from folkmoot.causal import Expr, high, log, low, mean, sqrt
from folkmoot.indicators._checks import checked


@checked()
def parkinson(n: int = 20) -> Expr:
    """Return the standard deviation of the log return per bar, from the range of high and low.

    >>> parkinson(20).warmup
    19
    """
    span = log(high) - log(low)
    return sqrt(mean(span * span, n) * (1.0 / (4.0 * math.log(2.0))))
