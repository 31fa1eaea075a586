"""Adaptive conformal inference (Gibbs and Candes, 2021) on the consensus' 90 % interval.

1. Score of a row: by how many raw interval widths its outcome lay outside (negative: inside).
2. Margin: the ceil((n + 1)(1 - alpha))-th smallest of the latest scores, `WINDOW` of them at a
   horizon of one bar; the interval is widened by that many raw widths on either side.
3. When a row's outcome is known, and not earlier: alpha += GAMMA / h (0.1 - miss). alpha stays
   within [0, 1]. Where the rank exceeds n the theory asks for an infinite interval; the worst score
   of the window stands in for it, so that a quantile remains a number.

Outcomes over h bars overlap, so that h misses in a row are one piece of news: a step is divided by
h, and the window holds h times as many scores, up to `LONGEST` times.
"""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats

MISS_RATE = 0.1
GAMMA = 0.01
WINDOW = 500
FIRST_SCORES = 100
LONGEST = 8


def window(horizon: int) -> int:
    """Return how many scores are kept at a horizon in bars.

    >>> window(1), window(30)
    (500, 4000)
    """
    return WINDOW * min(horizon, LONGEST)


@njit(cache=True)
def score(y: float, low: float, high: float) -> float:
    """Return the distance of `y` outside [low, high] in widths; negative inside."""
    return max(low - y, y - high) / max(high - low, 1e-12)


@njit(cache=True)
def margin(ordered: Floats, seen: int, alpha: float) -> float:
    """Return how many widths to add on either side, from the window's sorted scores.

    `seen` counts all scores so far; the window holds the latest `len(ordered)` of them.
    """
    n = min(seen, len(ordered))
    if n < FIRST_SCORES * len(ordered) // WINDOW:
        return 0.0
    rank = math.ceil((n + 1) * (1.0 - alpha))
    return float(ordered[min(max(rank, 1), n) - 1])


@njit(cache=True)
def remember(ring: Floats, ordered: Floats, seen: int, value: float) -> None:
    """Put a score into the window: `ring` in order of time, `ordered` sorted; drop the oldest."""
    n = min(seen, len(ring))
    slot = seen % len(ring)
    if seen >= len(ring):
        gone = np.searchsorted(ordered[:n], ring[slot])
        for i in range(gone, n - 1):
            ordered[i] = ordered[i + 1]
        n -= 1
    ring[slot] = value
    i = n
    while i > 0 and ordered[i - 1] > value:
        ordered[i] = ordered[i - 1]
        i -= 1
    ordered[i] = value


@njit(cache=True)
def adapted(alpha: float, miss: bool, horizon: int) -> float:
    """Return the next alpha, given whether the outcome missed the issued interval."""
    step = GAMMA / horizon
    return min(max(alpha + step * (MISS_RATE - (1.0 if miss else 0.0)), 0.0), 1.0)
