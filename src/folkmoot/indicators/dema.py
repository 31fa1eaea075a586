"""Double exponential moving average (Mulloy, 1994)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked


@checked()
def dema(x: Expr = close, n: int = 9) -> Expr:
    """Return twice the exponential mean less the exponential mean of that, in the unit of x.

    >>> dema(n=9).warmup
    16
    """
    once = ema(x, n)
    return 2.0 * once - ema(once, n)
