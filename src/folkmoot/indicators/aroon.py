"""Aroon (Chande, 1995)."""

from folkmoot.causal import Expr, high, low, since_highest, since_lowest
from folkmoot.indicators._checks import checked


@checked()
def aroon(n: int = 14) -> dict[str, Expr]:
    """Return how recent the high and the low of the last n + 1 bars are, each from 0 to 100.

    The keys are `up`, `down` and `oscillator`, up less down; the newest of equals counts.

    >>> aroon()["up"].warmup
    14
    """
    up = (100.0 / n) * (n - since_highest(high, n + 1))
    down = (100.0 / n) * (n - since_lowest(low, n + 1))
    return {"up": up, "down": down, "oscillator": up - down}
