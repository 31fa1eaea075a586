"""Donchian channels (Donchian, 1960)."""

from folkmoot.causal import Expr, close, high, highest, low, lowest
from folkmoot.indicators._checks import checked


@checked()
def donchian(n: int = 20) -> dict[str, Expr]:
    """Return the highest high and the lowest low of the last n bars, the present one included.

    The keys are `upper`, `lower`, `middle` in price units, and `place` of the close between the
    lower (0) and the upper (1), NaN where the range is empty. A breakout is a comparison with
    `lag(upper)`.

    >>> donchian()["place"].warmup
    19
    """
    upper, lower = highest(high, n), lowest(low, n)
    place = (close - lower) / (upper - lower)
    return {"upper": upper, "lower": lower, "middle": (upper + lower) / 2.0, "place": place}
