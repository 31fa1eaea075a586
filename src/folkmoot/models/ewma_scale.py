"""What members share that foretell how far, not which way: EWMA, GARCH and HAR-RV.

Such a member answers the base rate, and quantiles that are its own scale times the empirical shape
of the training rows' returns over that scale. Volatilities run over the row's own window, so that
a row needs nothing but itself; a bar of the window whose return is unknown is passed over.
"""

from typing import Any, Self

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, scaling, spread


class ScaleMember:
    """The part of such a member that does not depend on how its scale comes about."""

    levels = LEVELS
    handles_missing = False
    learns_direction = False

    needs: tuple[str, ...]
    horizons: tuple[int, ...]
    learnt: memory.Arrays

    def fit_scale(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        """Learn the scale; a row that is not to be learnt from has no weight and no label."""
        raise NotImplementedError

    def scale(self, x: Features, learnt: memory.Arrays) -> Floats:
        """Return `[rows, horizons]`: the scale of the log return."""
        raise NotImplementedError

    def scale_form(self) -> memory.Forms:
        """Return what the arrays that `fit_scale` leaves must be."""
        raise NotImplementedError

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Learn base rate, scale and shape; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        known = rows.known(rows.take(x, self.needs))
        nothing = np.empty((len(x), 0))
        rates = [sample.rate for sample in rows.samples(self, nothing, y, weights, known)]
        used = known & (weights > 0.0) & np.isfinite(y).any(axis=1)
        # Rows are marked, not taken: that would copy their windows.
        y, weights = np.where(used[:, None], y, np.nan), scaling.even(np.where(used, weights, 0.0))
        learnt = self.fit_scale(x, y, weights)
        shape = spread.shape_of(self.scale(x, learnt), y, weights)
        self.learnt = {"rate": np.array(rates), "shape": shape, **learnt}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        known = rows.known(rows.take(x, self.needs))[:, None]
        spans = np.where(known, self.scale(x, learnt), np.nan)
        return rows.answer(self, x, np.tile(learnt["rate"], (len(x), 1)), spans)

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        horizons = len(self.horizons)
        rate, shape = memory.Form((horizons,), 0.0, 1.0), memory.quantiles(horizons)
        return {"rate": rate, "shape": shape, **self.scale_form()}

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


def closes(x: Features) -> Floats:
    """Return the log closes `[rows, lookback]`, a view."""
    return x.values[:, :, x.names.index("log_close")]


def pinball(y: Floats, quantiles: Floats, weights: Floats) -> float:
    """Return the mean pinball loss of `quantiles[rows, levels]` at rows whose `y` is known."""
    known = np.isfinite(y) & np.isfinite(quantiles).all(axis=1) & (weights > 0.0)
    error = y[known, None] - quantiles[known]
    levels = np.asarray(LEVELS)
    loss = np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)
    return float(np.average(loss, weights=weights[known]))


@njit(cache=True)
def decayed(closes: Floats, decay: float) -> Floats:
    """Return each row's root mean square return, a bar weighing `decay` of the bar after it."""
    found = np.full(len(closes), np.nan)
    for i in range(len(closes)):
        total, weight = 0.0, 0.0
        for k in range(1, closes.shape[1]):
            move = closes[i, k] - closes[i, k - 1]
            if np.isfinite(move):
                total = decay * total + move * move
                weight = decay * weight + 1.0
        if weight > 0.0:
            found[i] = np.sqrt(total / weight)
    return found
