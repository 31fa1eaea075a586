"""Amihud's illiquidity (2002)."""

from folkmoot.causal import Expr, close, lag, mean, volume
from folkmoot.indicators._checks import checked, number


@checked(per=number(above=0.0))
def amihud(n: int = 20, per: float = 1e6) -> Expr:
    """Return the mean absolute relative move per `per` of turnover (close x volume), from 0 on.

    NaN for n bars after one without volume.

    >>> amihud(20).warmup
    20
    """
    before = lag(close)
    return mean(per * abs((close - before) / before) / (close * volume), n)
