"""Arnaud Legoux moving average (Legoux and Kouzis-Loukas, 2009)."""

import math

from folkmoot.causal import Expr, close, weighted


def alma(x: Expr = close, n: int = 9, offset: float = 0.85, sigma: float = 6.0) -> Expr:
    """Return a mean with Gaussian weights around a place `offset`: 0 is oldest, 1 newest.

    In the unit of x; the bell is n / sigma bars wide.

    >>> alma(n=9).warmup
    8
    """
    middle, width = (1.0 - offset) * (n - 1), n / sigma
    bell = [math.exp(-((i - middle) ** 2) / (2.0 * width * width)) for i in range(n)]
    return weighted(x, [weight / sum(bell) for weight in bell])
