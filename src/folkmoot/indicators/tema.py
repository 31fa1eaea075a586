"""Triple exponential moving average (Mulloy, 1994)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked


@checked()
def tema(x: Expr = close, n: int = 9) -> Expr:
    """Return the exponential mean freed of the lag of its first two smoothings, in the unit of x.

    >>> tema(n=9).warmup
    24
    """
    once = ema(x, n)
    twice = ema(once, n)
    return 3.0 * (once - twice) + ema(twice, n)
