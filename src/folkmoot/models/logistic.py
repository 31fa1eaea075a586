"""Logistic regression on every column of the set: robust scores, an L2 penalty, Newton's method."""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, newton, rows, scaling, spread


class Logistic:
    """Answer a logistic function of the winsorised standard scores of all columns.

    `horizons`: bars ahead, rising; `c`: inverse strength of the L2 penalty on the slopes, as in
    scikit-learn; the default is the prior that one standard deviation of one column moves the log
    odds by about 0.05, 1.3 points of probability; `bound`: scores are held within +-bound.
    """

    levels = LEVELS
    lookback = 1
    needs: tuple[str, ...] = ()
    handles_missing = False

    def __init__(
        self, horizons: tuple[int, ...] = (1,), c: float = 0.0025, bound: float = 5.0
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.c = c
        self.bound = bound
        self.columns: tuple[str, ...] = ()
        self.learnt: memory.Arrays = {}

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Scale and solve; raises `DataError` on fewer than 30 rows with all columns known."""
        rows.check_shapes(self, x, y, weights)
        columns = rows.columns(x, self.needs)
        values = rows.take(x, columns)
        known = rows.known(values)
        used = known & np.isfinite(y).any(axis=1) & (weights > 0.0)
        # Asks for enough rows before their quantiles are taken.
        rows.samples(self, values[:, :0], y, weights, known)
        values, labels, weight = values[used], y[used], weights[used]
        centre, gain = scaling.fit_scaling(values)
        z = scaling.score(values, centre, gain, self.bound)
        beta = [
            newton.fit_logistic(s.values, s.up, s.weights, self.c)
            for s in rows.samples(self, z, labels, weight, np.ones(len(z), dtype=np.bool_))
        ]
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.columns = columns
        self.learnt = {"centre": centre, "gain": gain, "beta": np.array(beta), "shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        values = rows.take(x, self.columns)
        z = scaling.score(values, learnt["centre"], learnt["gain"], self.bound)
        p_up = np.column_stack([newton.probability(z, beta) for beta in learnt["beta"]])
        return rows.answer(self, x, p_up)

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


PLUGIN = Logistic
