"""Choppiness Index (Dreiss, 1993)."""

import math

from folkmoot.causal import Expr, high, highest, log, low, lowest, total, true_range
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def choppiness(n: int = 14) -> Expr:
    """Return how much of the walked distance went nowhere, from 0 (a line) to 100.

    NaN where the range of n bars is empty. Overnight jumps at the window's edge can lift it
    above 100.

    >>> choppiness(n=14).warmup
    13
    """
    walked, span = total(true_range("range"), n), highest(high, n) - lowest(low, n)
    return (100.0 / math.log(n)) * log(walked / span)
