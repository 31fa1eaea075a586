"""The error of a mean whose terms overlap: labels of horizon h share h - 1 bars with the next.

Newey and West's Bartlett weights shrink just those covariances that the overlap makes (a sixth of
the variance is missed at 2 h lags), and a normal or t(n - 1) law ignores that the rest is noisy.
Instead, after Lazarus, Lewis, Stock and Watson (2018), equal-weighted cosines:

1. Project the deviations on the first B cosines of half-periods j = 1..B over the n rows.
2. The long-run variance is the mean of the B squared projections: never below zero.
3. The mean over its error follows Student's t with B degrees of freedom, not n - 1.

B = floor(0.4 n^(2/3)), the authors' rule, but at most n / (3 h): beyond that the spectrum of a sum
over h bars falls away, and the variance would be found too low.
"""

import math
from dataclasses import dataclass

import numpy as np

from folkmoot.core.bars import Floats


@dataclass(frozen=True, slots=True)
class LongRun:
    """A long-run variance of one term, and the degrees of freedom it was estimated with."""

    variance: float
    freedom: int


def cosines(n: int, horizon: int) -> int:
    """Return B, the number of cosines, at least 1.

    >>> cosines(800, 5), cosines(800, 24)
    (34, 11)
    """
    return max(1, min(math.floor(0.4 * math.pow(n, 2.0 / 3.0)), n // (3 * horizon)))


def long_run(x: Floats, horizon: int) -> LongRun:
    """Return the long-run variance of `x[n]`, n >= 2, whose terms overlap for `horizon` bars."""
    from scipy import fft

    n = len(x)
    count = min(cosines(n, horizon), n - 1)
    projected = fft.dct(x - x.mean(), type=2)[1 : count + 1] / math.sqrt(2.0 * n)
    return LongRun(float(np.mean(projected * projected)), count)


def inflation(x: Floats, horizon: int) -> LongRun:
    """Return by how much the variance of the mean of `x` exceeds that of independent terms.

    At least 1. A series that never varies says nothing about itself: its terms then count as
    independent only from one horizon to the next, and the factor is the horizon.
    """
    found = long_run(x, horizon)
    spread = float(np.mean((x - x.mean()) ** 2))
    factor = found.variance / spread if spread > 0.0 else float(horizon)
    return LongRun(max(1.0, factor), found.freedom)
