"""Chaikin volatility (Chaikin)."""

from folkmoot.causal import Expr, ema, high, lag, low
from folkmoot.indicators._checks import checked


@checked()
def chaikin_volatility(n: int = 10, over: int = 10) -> Expr:
    """Return the change over some bars of the exponential mean of the range, in percent.

    NaN where bars had no range.

    >>> chaikin_volatility().warmup
    19
    """
    span = ema(high - low, n)
    before = lag(span, over)
    return 100.0 * (span - before) / before
