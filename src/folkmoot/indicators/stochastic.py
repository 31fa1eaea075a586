"""Stochastic oscillator (Lane)."""

from folkmoot.causal import Expr, close, high, highest, low, lowest, mean
from folkmoot.indicators._checks import checked


@checked()
def stochastic(n: int = 14, smoothing: int = 1, d: int = 3) -> dict[str, Expr]:
    """Return the place of the close in the range of the last n bars, from 0 to 100.

    The keys are `k`, a mean over `smoothing` bars, and `d`, the mean of k over d bars; NaN where
    the range is empty.

    >>> {name: line.warmup for name, line in stochastic().items()}
    {'k': 13, 'd': 15}
    """
    floor = lowest(low, n)
    place = 100.0 * (close - floor) / (highest(high, n) - floor)
    k = place if smoothing == 1 else mean(place, smoothing)
    return {"k": k, "d": mean(k, d)}
