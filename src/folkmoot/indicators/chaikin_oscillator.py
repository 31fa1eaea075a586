"""Chaikin oscillator (Chaikin)."""

from folkmoot.causal import Expr, ema, running
from folkmoot.indicators._checks import checked
from folkmoot.indicators._money import money_flow


@checked()
def chaikin_oscillator(fast: int = 3, slow: int = 10) -> Expr:
    """Return the gap between two exponential means of the accumulation line, in units of volume.

    >>> chaikin_oscillator().warmup
    9
    """
    line = running(money_flow())
    return ema(line, fast) - ema(line, slow)
