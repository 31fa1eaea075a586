"""Force Index (Elder, 1993)."""

from folkmoot.causal import Expr, close, ema, lag, volume
from folkmoot.indicators._checks import checked


@checked()
def force_index(x: Expr = close, n: int = 13) -> Expr:
    """Return the exponential mean of change times volume, in price units times volume.

    >>> force_index(n=13).warmup
    13
    """
    return ema((x - lag(x)) * volume, n)
