"""Hull moving average (Hull, 2005)."""

import math

from folkmoot.causal import Expr, close
from folkmoot.indicators._checks import checked
from folkmoot.indicators.wma import wma


@checked()
def hull(x: Expr = close, n: int = 9) -> Expr:
    """Return a weighted mean over the root of n of twice a half-length mean less the whole one.

    In the unit of x; it can lie outside the range of x.

    >>> hull(n=9).warmup
    10
    """
    return wma(2.0 * wma(x, max(n // 2, 1)) - wma(x, n), math.isqrt(n))
