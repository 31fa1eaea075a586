"""T3 moving average (Tillson, 1998)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked


@checked()
def t3(x: Expr = close, n: int = 5, factor: float = 0.7) -> Expr:
    """Return three generalised double exponential means in a row, in the unit of x.

    `factor` 0 is a triple exponential smoothing, 1 three double exponential means.

    >>> t3(n=5).warmup
    24
    """

    def generalised(y: Expr) -> Expr:
        once = ema(y, n)
        return (1.0 + factor) * once - factor * ema(once, n)

    return generalised(generalised(generalised(x)))
