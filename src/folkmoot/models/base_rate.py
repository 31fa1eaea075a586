"""Climatology: the share of training rows that went up, whatever the market does now."""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, spread


class BaseRate:
    """Answer every row with the base rate of the training rows.

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
        """Learn one rate a horizon; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        values = rows.take(x, self.needs)
        known = rows.known(values)
        rate = [s.rate for s in rows.samples(self, values, y, weights, known)]
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.learnt = {"rate": np.array(rate), "shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        rate = rows.learnt(self)["rate"]
        return rows.answer(self, x, np.tile(rate, (len(x), 1)))

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        horizons = len(self.horizons)
        return {"rate": memory.Form((horizons,), 0.0, 1.0), "shape": memory.quantiles(horizons)}

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


PLUGIN = BaseRate
