"""Zero-lag exponential moving average (Ehlers and Way, 2010)."""

from folkmoot.causal import Expr, close, ema, lag
from folkmoot.indicators._checks import checked


@checked()
def zlema(x: Expr = close, n: int = 20) -> Expr:
    """Return the exponential mean of x plus its change over half the length, in the unit of x.

    >>> zlema(n=20).warmup
    28
    """
    return ema(x + (x - lag(x, (n - 1) // 2)), n)
