"""Bollinger bands (Bollinger, 1983)."""

from folkmoot.causal import Expr, close, mean, std
from folkmoot.indicators._checks import checked, number, whole


@checked(n=whole(2), width=number(above=0.0))
def bollinger(x: Expr = close, n: int = 20, width: float = 2.0) -> dict[str, Expr]:
    """Return a mean with bands of `width` population standard deviations around it.

    The keys are `middle`, `upper`, `lower` in the unit of x; `percent_b`, the place of x between
    the lower band (0) and the upper (1), NaN where x did not move; `width`, the distance of the
    bands in percent of the middle.

    >>> bollinger()["percent_b"].warmup
    19
    """
    middle = mean(x, n)
    reach = width * std(x, n)
    upper, lower = middle + reach, middle - reach
    return {
        "middle": middle,
        "upper": upper,
        "lower": lower,
        "percent_b": (x - lower) / (upper - lower),
        "width": 100.0 * (upper - lower) / middle,
    }
