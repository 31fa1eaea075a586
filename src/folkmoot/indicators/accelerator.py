"""Accelerator Oscillator (Williams)."""

from folkmoot.causal import Expr, hl2, mean
from folkmoot.indicators._checks import checked
from folkmoot.indicators.awesome import awesome


@checked()
def accelerator(x: Expr = hl2, fast: int = 5, slow: int = 34, smoothing: int = 5) -> Expr:
    """Return the awesome oscillator less its own mean, in the unit of x.

    >>> accelerator().warmup
    37
    """
    line = awesome(x, fast, slow)
    return line - mean(line, smoothing)
