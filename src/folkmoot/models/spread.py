"""How far the market may move: empirical quantiles of standardised returns, scaled by the row.

1. A label is divided by `ewma_vol` x sqrt(h), both known at the row.
2. The quantiles of the training rows' ratios are the member's `shape[horizons, levels]`.
3. A forecast multiplies the shape by the row's own `ewma_vol` x sqrt(h).

On hourly Bitcoin this beat direct quantile boosting at 1, 5, 15 and 30 bars.
"""

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.core.forecast import LEVELS, Features
from folkmoot.models import scaling


def scale(x: Features, horizons: tuple[int, ...]) -> Floats:
    """Return `[rows, horizons]`: the standard deviation expected of the log return."""
    if "ewma_vol" not in x.names:
        raise DataError("column ewma_vol is missing", where="features", allowed="the set bars")
    volatility = x.values[:, -1, x.names.index("ewma_vol")]
    return volatility[:, None] * np.sqrt(np.asarray(horizons, dtype=np.float64))


def fit_shape(x: Features, y: Floats, weights: Floats, horizons: tuple[int, ...]) -> Floats:
    """Return `shape[horizons, levels]` from labels `y[rows, horizons]`, zero returns included.

    Raises `DataError` where a horizon has no row with a known label and a known volatility.
    """
    return shape_of(scale(x, horizons), y, weights)


def shape_of(spans: Floats, y: Floats, weights: Floats) -> Floats:
    """Return `shape[horizons, levels]` of `y / spans`, both `[rows, horizons]`; see `fit_shape`."""
    shape = np.empty((spans.shape[1], len(LEVELS)))
    for k in range(spans.shape[1]):
        rows = np.isfinite(y[:, k]) & (spans[:, k] > 0.0) & (weights > 0.0)
        if not rows.any():
            raise DataError("no row has a known label and volatility", where="fit", allowed=">= 1")
        ratio = y[rows, k] / spans[rows, k]
        shares = scaling.even(weights[rows])
        shape[k] = np.quantile(ratio, LEVELS, weights=shares, method="inverted_cdf")
    return shape


def quantiles(shape: Floats, x: Features, horizons: tuple[int, ...]) -> Floats:
    """Return `[rows, horizons, levels]` quantiles of the log return; NaN without a volatility."""
    return stretch(shape, scale(x, horizons))


def stretch(shape: Floats, spans: Floats) -> Floats:
    """Return `[rows, horizons, levels]`: the shape times the spans `[rows, horizons]`."""
    return spans[:, :, None] * shape[None, :, :]
