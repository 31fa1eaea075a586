"""Average True Range (Wilder, 1978)."""

from folkmoot.causal import Expr, true_range, wilder
from folkmoot.indicators._checks import checked


@checked()
def atr(n: int = 14) -> Expr:
    """Return Wilder's mean of the true range, in price units.

    The first bar counts with its own range, as in TradingView's `ta.atr`.

    >>> atr(14).warmup
    13
    """
    return wilder(true_range("range"), n)
