"""Parabolic stop and reverse (Wilder, 1978)."""

from folkmoot.causal import Expr, ta
from folkmoot.indicators._checks import checked


@checked()
def psar(step: float = 0.02, most: float = 0.2) -> Expr:
    """Return the price at which a position would be closed and turned, in price units.

    It is TA-Lib's `SAR`: the acceleration begins at `step`, grows by it, and is at most `most`.

    >>> psar().warmup
    1
    """
    return ta("SAR", acceleration=step, maximum=most)
