"""Connors RSI (Connors, 2012)."""

from folkmoot.causal import Expr, barssince, close, lag, where
from folkmoot.indicators._checks import checked
from folkmoot.indicators.percent_rank import percent_rank
from folkmoot.indicators.roc import roc
from folkmoot.indicators.rsi import rsi


@checked()
def connors_rsi(x: Expr = close, n: int = 3, streak_n: int = 2, rank_n: int = 100) -> Expr:
    """Return the mean of an RSI, the RSI of the streak and the rank of the last move, 0 to 100.

    The streak is the number of rises in a row, negative for falls; it begins with the first turn.

    >>> connors_rsi().warmup
    101
    """
    change = x - lag(x)
    rises, falls = barssince(change <= 0.0), barssince(change >= 0.0)
    streak = where(change > 0.0, rises, where(change < 0.0, -falls, 0.0))
    return (rsi(x, n) + rsi(streak, streak_n) + percent_rank(roc(x, 1), rank_n)) / 3.0
