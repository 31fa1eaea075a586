"""Awesome Oscillator (Williams)."""

from folkmoot.causal import Expr, hl2, mean
from folkmoot.indicators._checks import checked


@checked()
def awesome(x: Expr = hl2, fast: int = 5, slow: int = 34) -> Expr:
    """Return the gap between a fast and a slow mean of the middle of the bar, in the unit of x.

    >>> awesome().warmup
    33
    """
    return mean(x, fast) - mean(x, slow)
