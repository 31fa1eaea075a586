"""Detrended Price Oscillator."""

from folkmoot.causal import Expr, close, lag, mean
from folkmoot.indicators._checks import checked


@checked()
def dpo(x: Expr = close, n: int = 21) -> Expr:
    """Return x less its mean as of n // 2 + 1 bars ago, in the unit of x.

    TradingView's form that is not centred; the centred one reads later bars.

    >>> dpo(n=21).warmup
    31
    """
    return x - lag(mean(x, n), n // 2 + 1)
