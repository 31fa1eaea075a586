"""Arnaud Legoux moving average (Legoux and Kouzis-Loukas, 2009)."""

import math

from folkmoot.causal import Expr, close, weighted
from folkmoot.core.errors import UsageError
from folkmoot.indicators._checks import checked, number


@checked(offset=number(0.0, 1.0), sigma=number(above=0.0))
def alma(x: Expr = close, n: int = 9, offset: float = 0.85, sigma: float = 6.0) -> Expr:
    """Return a mean with Gaussian weights around a place `offset`: 0 is oldest, 1 newest.

    In the unit of x; the bell is n / sigma bars wide. Raises `UsageError` for
    one so narrow that no bar is under it.

    >>> alma(n=9).warmup
    8
    """
    middle, width = (1.0 - offset) * (n - 1), n / sigma
    bell = [math.exp(-((i - middle) ** 2) / (2.0 * width * width)) for i in range(n)]
    whole_bell = math.fsum(bell)
    if not whole_bell > 0.0:
        given = f"sigma={sigma}, offset={offset}"
        raise UsageError(given, where="alma", allowed="a bell that some bar is under")
    return weighted(x, [weight / whole_bell for weight in bell])
