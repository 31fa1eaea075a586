"""Corwin and Schultz's spread (2012)."""

import math

from folkmoot.causal import Expr, exp, high, lag, log, low, maximum, mean, minimum, relu, sqrt
from folkmoot.indicators._checks import checked

ROOT = 3.0 - 2.0 * math.sqrt(2.0)


@checked()
def corwin_schultz(n: int = 20) -> Expr:
    """Return the bid-ask spread as a share of the price, from the ranges of pairs of bars.

    A pair whose estimate is negative counts 0, as in the paper; no correction for jumps between
    sessions is made. From 0 on.

    >>> corwin_schultz(20).warmup
    20
    """
    span = log(high) - log(low)
    joint = log(maximum(high, lag(high))) - log(minimum(low, lag(low)))
    single = sqrt(span * span + lag(span) * lag(span))
    alpha = ((math.sqrt(2.0) - 1.0) / ROOT) * single - joint / math.sqrt(ROOT)
    return mean(relu(2.0 * (exp(alpha) - 1.0) / (1.0 + exp(alpha))), n)
