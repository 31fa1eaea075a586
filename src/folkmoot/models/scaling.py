"""Robust standard scores (median and quartiles, winsorised), and weights whose mean is 1."""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats

QUARTILES_TO_SD = 1.3489795003921634
"""The distance between the quartiles of a standard normal variable."""


def fit_scaling(values: Floats) -> tuple[Floats, Floats]:
    """Return `(centre[columns], gain[columns])` of `values[rows, columns]`, all known.

    `gain` is 1.349 over the distance between the quartiles; of a column that rests on one value on
    more than half of the rows (an event, a flag) one over the standard deviation; of a constant
    column 0, so that its score is 0.
    """
    low, centre, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    spread = (high - low) / QUARTILES_TO_SD
    flat = ~(spread > 0.0)
    centre[flat] = values[:, flat].mean(axis=0)
    spread[flat] = values[:, flat].std(axis=0)
    constant = values.max(axis=0) == values.min(axis=0)
    gain = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
    return centre, gain


def even(weights: Floats) -> Floats:
    """Return the weights over the mean of those above zero: only their ratios say something.

    A row of weight 1 is the unit of everything that is told in rows: pseudo-counts, penalties, the
    least weight of a leaf. Weights that are all one stay as they are, bit for bit.

    >>> even(np.array([0.5, 0.0, 2.0, 1.5])).tolist()
    [0.375, 0.0, 1.5, 1.125]
    """
    largest = weights.max(initial=0.0)
    if not largest > 0.0:
        return weights
    # By the largest first, so that no sum overflows.
    shares: Floats = weights / largest
    mean = float(shares[shares > 0.0].mean())
    return shares / mean


@njit(cache=True)
def score(values: Floats, centre: Floats, gain: Floats, bound: float) -> Floats:
    """Return standard scores clipped to +-bound, NaN where the value is not finite."""
    rows, columns = values.shape
    z = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            value = values[i, j]
            if math.isfinite(value):
                z[i, j] = min(max((value - centre[j]) * gain[j], -bound), bound)
            else:
                z[i, j] = np.nan
    return z
