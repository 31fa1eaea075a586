"""A table of three rows: how often the market rose after a fall, after no move, after a rise."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, spread

SIGNS = (-1, 0, 1)


class Persistence:
    """Answer P(up | sign of the last bar), counted on the training rows.

    `horizons`: bars ahead, rising; `pseudo_counts`: rows at the base rate that each count starts
    with, so that a rare sign stays near it.
    """

    levels = LEVELS
    lookback = 2
    needs: tuple[str, ...] = ("log_close", "ewma_vol")
    handles_missing = False

    def __init__(self, horizons: tuple[int, ...] = (1,), pseudo_counts: float = 50.0) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.pseudo_counts = pseudo_counts
        self.learnt: memory.Arrays = {}
        if not 0.0 < pseudo_counts < np.inf:
            raise UsageError(
                f"pseudo_counts is {pseudo_counts}", where="persistence", allowed="above zero"
            )

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Count; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        move = rows.last_return(x)
        known = rows.known(rows.take(x, self.needs)) & np.isfinite(move)
        found = rows.samples(self, move[:, None], y, weights, known)
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.learnt = {"table": np.array([self._count(s) for s in found]), "shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        table = rows.learnt(self)["table"]
        move = rows.last_return(x)
        p_up = table[:, _state(move)].T
        return rows.answer(self, x, np.where(np.isfinite(move)[:, None], p_up, np.nan))

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        horizons = len(self.horizons)
        table = memory.Form((horizons, len(SIGNS)), 0.0, 1.0)
        return {"table": table, "shape": memory.quantiles(horizons)}

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)

    def _count(self, sample: rows.Sample) -> list[float]:
        sign = np.sign(sample.values[:, 0])
        prior = self.pseudo_counts
        table = []
        for state in SIGNS:
            weights = sample.weights * (sign == state)
            ups = float((weights * sample.up).sum())
            table.append((ups + prior * sample.rate) / (float(weights.sum()) + prior))
        return table


def _state(move: Floats) -> npt.NDArray[np.int64]:
    """Return the table's row of each move; an unknown move reads the middle one."""
    return (move > 0.0).astype(np.int64) - (move < 0.0).astype(np.int64) + 1


PLUGIN = Persistence
