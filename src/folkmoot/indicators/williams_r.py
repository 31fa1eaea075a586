"""Williams %R (Williams, 1973)."""

from folkmoot.causal import Expr, close, high, highest, low, lowest
from folkmoot.indicators._checks import checked


@checked()
def williams_r(n: int = 14) -> Expr:
    """Return how far the close lies below the top of the last n bars' range, from -100 to 0.

    NaN where the range is empty.

    >>> williams_r(n=14).warmup
    13
    """
    top = highest(high, n)
    return 100.0 * (close - top) / (top - lowest(low, n))
