"""Elder Ray, or bull and bear power (Elder, 1989)."""

from folkmoot.causal import Expr, close, ema, high, low
from folkmoot.indicators._checks import checked


@checked()
def elder_ray(n: int = 13) -> dict[str, Expr]:
    """Return how far the bar reaches above and below the exponential mean of the close.

    The keys are `bull` and `bear`, in price units.

    >>> elder_ray()["bull"].warmup
    12
    """
    centre = ema(close, n)
    return {"bull": high - centre, "bear": low - centre}
