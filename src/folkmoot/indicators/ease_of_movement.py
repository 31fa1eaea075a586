"""Ease of Movement (Arms)."""

from folkmoot.causal import Expr, high, hl2, lag, low, mean, volume
from folkmoot.indicators._checks import checked, number


@checked(divisor=number(above=0.0))
def ease_of_movement(n: int = 14, divisor: float = 10_000.0) -> Expr:
    """Return how far the middle of the bar moves per volume, as a mean over n bars.

    In squared price units per `divisor` of volume; NaN for n bars after one without volume.

    >>> ease_of_movement(n=14).warmup
    14
    """
    return mean(divisor * (hl2 - lag(hl2)) * (high - low) / volume, n)
