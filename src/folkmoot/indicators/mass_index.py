"""Mass Index (Dorsey, 1992)."""

from folkmoot.causal import Expr, ema, high, low, total
from folkmoot.indicators._checks import checked


@checked()
def mass_index(n: int = 10, smoothing: int = 9) -> Expr:
    """Return the sum over n bars of the smoothed range against its own mean: near n, no unit.

    NaN where bars have had no range within memory.

    >>> mass_index().warmup
    25
    """
    once = ema(high - low, smoothing)
    return total(once / ema(once, smoothing), n)
