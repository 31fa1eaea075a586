"""Realised volatility of closes."""

from folkmoot.causal import Expr, close, lag, log, mean, sqrt
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def close_to_close(n: int = 20) -> Expr:
    """Return the root mean square of n log returns, per bar; no mean is taken off.

    >>> close_to_close(20).warmup
    20
    """
    change = log(close) - lag(log(close))
    return sqrt(mean(change * change, n))
