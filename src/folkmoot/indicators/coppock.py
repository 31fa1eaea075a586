"""Coppock curve (Coppock, 1962)."""

from folkmoot.causal import Expr, close
from folkmoot.indicators._checks import checked
from folkmoot.indicators.roc import roc
from folkmoot.indicators.wma import wma


@checked()
def coppock(x: Expr = close, n: int = 10, long: int = 14, short: int = 11) -> Expr:
    """Return the weighted mean of the sum of two rates of change, in percent.

    >>> coppock().warmup
    23
    """
    return wma(roc(x, long) + roc(x, short), n)
