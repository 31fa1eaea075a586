"""Keltner channels (Keltner, 1960; with Raschke's bands of true range)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators.atr import atr


@checked(width=number(least=0.0))
def keltner(x: Expr = close, n: int = 20, width: float = 2.0, range_n: int = 10) -> dict[str, Expr]:
    """Return an exponential mean with bands of `width` average true ranges around it.

    The keys are `middle`, `upper`, `lower` in the unit of x; `place` of x between the lower band
    (0) and the upper (1), NaN where nothing has moved.

    >>> keltner()["upper"].warmup
    19
    """
    middle, reach = ema(x, n), width * atr(range_n)
    upper, lower = middle + reach, middle - reach
    place = (x - lower) / (upper - lower)
    return {"middle": middle, "upper": upper, "lower": lower, "place": place}
