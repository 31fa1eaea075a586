"""QStick (Chande, 1995)."""

from folkmoot.causal import Expr, close, mean, open_
from folkmoot.indicators._checks import checked


@checked()
def qstick(n: int = 14) -> Expr:
    """Return the mean of close less open over n bars, in price units.

    >>> qstick(n=14).warmup
    13
    """
    return mean(close - open_, n)
