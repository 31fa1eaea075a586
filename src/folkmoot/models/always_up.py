"""The call of everyone who is simply invested: up."""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import calls, memory, rows


class AlwaysUp:
    """Call every row up; its accuracy counts, its probability is no more than a side.

    `horizons`: bars ahead, rising.
    """

    levels = LEVELS
    lookback = 1
    needs: tuple[str, ...] = ("ewma_vol",)
    handles_missing = False

    def __init__(self, horizons: tuple[int, ...] = (1,)) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.learnt: memory.Arrays = {}

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Learn the hit rate; raises `DataError` on fewer than 30 known labels."""
        self.learnt = {**calls.fit_calls(self, x, np.ones(len(x)), y, weights)}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        edge = rows.learnt(self)["edge"]
        return rows.answer(self, x, calls.probability(np.ones(len(x)), edge))

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        horizons = len(self.horizons)
        return {"edge": memory.Form((horizons,), 0.0, 0.5), "shape": memory.quantiles(horizons)}

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


PLUGIN = AlwaysUp
