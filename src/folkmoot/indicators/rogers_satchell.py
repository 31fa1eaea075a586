"""Rogers and Satchell's volatility (1991)."""

from folkmoot.causal import Expr, close, high, log, low, mean, open_, sqrt
from folkmoot.indicators._checks import checked


@checked()
def rogers_satchell(n: int = 20) -> Expr:
    """Return the standard deviation of the log return per bar, which a drift does not disturb.

    >>> rogers_satchell(20).warmup
    19
    """
    above = (log(high) - log(close)) * (log(high) - log(open_))
    below = (log(low) - log(close)) * (log(low) - log(open_))
    return sqrt(mean(above + below, n))
