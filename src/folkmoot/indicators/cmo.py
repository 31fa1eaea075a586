"""Chande Momentum Oscillator (Chande, 1994)."""

from folkmoot.causal import Expr, close, lag, relu, total
from folkmoot.indicators._checks import checked


@checked()
def cmo(x: Expr = close, n: int = 9) -> Expr:
    """Return the net change over n bars as a share of all changes, from -100 to 100.

    Sums are plain, as Chande's and TradingView's; TA-Lib's `CMO` smooths. NaN where x stood
    still.

    >>> cmo(n=9).warmup
    9
    """
    change = x - lag(x)
    rise, fall = total(relu(change), n), total(relu(-change), n)
    return 100.0 * (rise - fall) / (rise + fall)
