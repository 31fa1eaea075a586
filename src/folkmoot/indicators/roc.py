"""Rate of change."""

from folkmoot.causal import Expr, close, lag
from folkmoot.indicators._checks import checked


@checked()
def roc(x: Expr = close, n: int = 9) -> Expr:
    """Return the change of x over n bars in percent of where it was.

    >>> roc(n=9).warmup
    9
    """
    before = lag(x, n)
    return 100.0 * (x - before) / before
