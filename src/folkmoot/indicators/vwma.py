"""Volume-weighted moving average."""

from folkmoot.causal import Expr, close, total, volume
from folkmoot.indicators._checks import checked


@checked()
def vwma(x: Expr = close, n: int = 20) -> Expr:
    """Return the mean of the last n values, each weighted by its bar's volume, in the unit of x.

    NaN where no volume was traded in n bars.

    >>> vwma(n=20).warmup
    19
    """
    return total(x * volume, n) / total(volume, n)
