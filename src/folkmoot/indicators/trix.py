"""TRIX, the change of a triple exponential mean (Hutson, 1983)."""

from folkmoot.causal import Expr, close, ema, lag, log
from folkmoot.indicators._checks import checked

PRICE = log(close)


@checked()
def trix(x: Expr = PRICE, n: int = 18) -> Expr:
    """Return ten thousand times the change of x smoothed three times: basis points a bar.

    TradingView's form, on the logarithm of the close; TA-Lib's `TRIX` is the relative change of
    a smoothed close in percent.

    >>> trix(n=18).warmup
    52
    """
    smooth = ema(ema(ema(x, n), n), n)
    return 10_000.0 * (smooth - lag(smooth))
