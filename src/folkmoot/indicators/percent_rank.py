"""Percent rank."""

from folkmoot.causal import Expr, close, rank
from folkmoot.indicators._checks import checked


@checked()
def percent_rank(x: Expr = close, n: int = 100) -> Expr:
    """Return the percentage of the n values before that lie below x, a tie counting half.

    From 0 to 100. TradingView counts a tie whole.

    >>> percent_rank(n=100).warmup
    100
    """
    return (100.0 / n) * ((n + 1.0) * rank(x, n + 1) - 0.5)
