"""From labels to what a network is taught, and from a network's raw numbers to a forecast.

A network answers 8 raw numbers a horizon: one for the direction, seven for the quantiles. Zeros
mean what an uninformed forecaster would say: the base rate, and the empirical quantiles of the
training rows' returns over their expected standard deviation.

    p_up          = sigmoid(base + raw[0])
    median        = shape[median] + bounded(raw[1 + median])
    gap to next   = gap of the shape x exp(bounded(raw)), so that quantiles rise by construction
"""

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Features
from folkmoot.models import rows, scaling, spread

MEDIAN = LEVELS.index(0.5)
WIDTH = 1 + len(LEVELS)
"""Raw numbers a horizon."""

BOUND = 3.0
SMALLEST_GAP = 1e-3
"""Of two neighbouring quantiles, in standard deviations, so that equal returns leave no zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Labels as networks are taught them; NaN is unknown.

    `z[rows, horizons]` float32: log return over its expected standard deviation; `up[rows,
    horizons]` float32: 1, 0, or NaN where the return is zero; `weights[rows]` float32; `shape`,
    `base`: the uninformed forecast; `rate[horizons]`: the share of rises.
    """

    z: Floats
    up: Floats
    weights: Floats
    shape: Floats
    base: Floats
    rate: Floats

    def alike(self) -> "Targets":
        """Return the targets for a fit in which rises and falls count alike: a base of one half."""
        return replace(self, base=np.zeros_like(self.base))


def targets(
    member: rows.Member, x: Features, y: Floats, weights: Floats, usable: rows.Rows
) -> Targets:
    """Return what rows teach; raises `DataError` as `rows.sample` does.

    Rows that are not usable have no weight, the others 1 on average.
    """
    found = rows.samples(member, np.empty((len(x), 0)), y, weights, usable)
    rate = np.array([sample.rate for sample in found])
    weights = scaling.even(np.where(usable, weights, 0.0))
    shape = spread.fit_shape(x, y, weights, member.horizons)
    spans = spread.scale(x, member.horizons)
    z = np.where(spans > 0.0, y, np.nan) / np.where(spans > 0.0, spans, 1.0)
    up = np.where(np.isfinite(y) & (y != 0.0), y > 0.0, np.nan)
    single = np.float32
    return Targets(
        z.astype(single),
        up.astype(single),
        weights.astype(single),
        shape,
        np.log(rate / (1.0 - rate)),
        rate,
    )


def gaps(shape: Floats) -> Floats:
    """Return `[horizons, levels - 1]`: the distance of each quantile from the one before."""
    return np.maximum(np.diff(shape, axis=1), SMALLEST_GAP)


def decode(raw: Floats, base: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Return (`p_up[rows, horizons]`, `quantiles[rows, horizons, levels]` standardised).

    `raw[rows, horizons x 8]`; the quantiles rise whatever it says.
    """
    parts = raw.astype(np.float64).reshape(len(raw), -1, WIDTH)
    p_up = 1.0 / (1.0 + np.exp(-(base + parts[:, :, 0])))
    bounded = BOUND * np.tanh(parts[:, :, 1:] / BOUND)
    quantiles = np.empty_like(bounded)
    _ladder(bounded, np.exp(bounded), shape, quantiles)
    return p_up, quantiles


@njit(cache=True, nogil=True)
def _ladder(bounded: Floats, grown: Floats, shape: Floats, quantiles: Floats) -> None:
    """Write the quantiles: from the median down and up, by the gaps times what they have grown."""
    levels = shape.shape[1]
    for i in range(len(bounded)):
        for h in range(len(shape)):
            middle = shape[h, MEDIAN] + bounded[i, h, MEDIAN]
            quantiles[i, h, MEDIAN] = middle
            reach = 0.0
            for k in range(MEDIAN - 1, -1, -1):
                gap = max(shape[h, k + 1] - shape[h, k], SMALLEST_GAP)
                reach += gap * grown[i, h, k]
                quantiles[i, h, k] = middle - reach
            reach = 0.0
            for k in range(MEDIAN + 1, levels):
                gap = max(shape[h, k] - shape[h, k - 1], SMALLEST_GAP)
                reach += gap * grown[i, h, k]
                quantiles[i, h, k] = middle + reach
