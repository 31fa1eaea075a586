"""Relative Volatility Index (Dorsey, 1993)."""

from folkmoot.causal import Expr, close, ema, lag, std, where
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def relative_volatility(x: Expr = close, n: int = 10, smoothing: int = 14) -> Expr:
    """Return the share of the standard deviation that stood on rising bars, from 0 to 100.

    As on TradingView a bar on which x is unchanged counts among the falling ones. NaN where x has
    not moved within memory.

    >>> relative_volatility().warmup
    22
    """
    change, size = x - lag(x), std(x, n)
    rise = ema(where(change > 0.0, size, 0.0 * size), smoothing)
    fall = ema(where(change > 0.0, 0.0 * size, size), smoothing)
    return 100.0 * rise / (rise + fall)
