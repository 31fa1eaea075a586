"""Garman and Klass's volatility (1980)."""

import math

from folkmoot.causal import Expr, close, high, log, low, mean, open_, sqrt
from folkmoot.indicators._checks import checked


@checked()
def garman_klass(n: int = 20) -> Expr:
    """Return the standard deviation of the log return per bar, from the range and the body.

    >>> garman_klass(20).warmup
    19
    """
    span, body = log(high) - log(low), log(close) - log(open_)
    return sqrt(mean(0.5 * (span * span) - (2.0 * math.log(2.0) - 1.0) * (body * body), n))
