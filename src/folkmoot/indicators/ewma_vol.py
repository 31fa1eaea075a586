"""Exponentially weighted volatility (RiskMetrics, 1994)."""

from folkmoot.causal import Expr, close, decay, lag, log, sqrt
from folkmoot.indicators._checks import checked


@checked()
def ewma_vol(lam: float = 0.97) -> Expr:
    """Return the root of the exponentially weighted mean of squared close-to-close log returns.

    >>> ewma_vol().warmup
    1
    """
    change = log(close) - lag(log(close))
    return sqrt(decay(change * change, lam))
