"""AR(1) in log odds: the next direction from the size of the last standardised return."""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, newton, rows, spread

BOUND = 5.0


class Ar1:
    """Answer a logistic function of the last return over its `ewma_vol`, held within +-5.

    `horizons`: bars ahead, rising; `c`: inverse strength of the L2 penalty on the one slope, as in
    scikit-learn; 1.0 is next to none.
    """

    levels = LEVELS
    lookback = 2
    needs: tuple[str, ...] = ("log_close", "ewma_vol")
    handles_missing = False

    def __init__(self, horizons: tuple[int, ...] = (1,), c: float = 1.0) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.c = c
        self.learnt: memory.Arrays = {}
        if not 0.0 < c < np.inf:
            raise UsageError(f"c is {c}", where="ar1", allowed="above zero, finite")

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Solve for intercept and slope; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        z = _score(x)
        beta = [
            newton.fit_logistic(s.values, s.up, s.weights, self.c)
            for s in rows.samples(self, z, y, weights, np.isfinite(z[:, 0]))
        ]
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.learnt = {"beta": np.array(beta), "shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        betas, z = rows.learnt(self)["beta"], _score(x)
        p_up = np.column_stack([newton.probability(z, beta) for beta in betas])
        return rows.answer(self, x, p_up)

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        horizons = len(self.horizons)
        return {"beta": memory.Form((horizons, 2)), "shape": memory.quantiles(horizons)}

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


def _score(x: Features) -> Floats:
    """Return `[rows, 1]`: the last return in units of `ewma_vol`; NaN where that is 0."""
    volatility = rows.take(x, ("ewma_vol",))[:, 0]
    known = volatility > 0.0
    score = rows.last_return(x) / np.where(known, volatility, 1.0)
    return np.where(known, np.clip(score, -BOUND, BOUND), np.nan)[:, None]


PLUGIN = Ar1
