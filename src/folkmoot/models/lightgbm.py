"""Gradient-boosted trees by LightGBM, read back through our own walk over its trees.

A hundred and twenty shallow trees with large leaves: on an hour of a market most structure is
noise, and a leaf of one row in two hundred cannot remember it.
"""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import forest, memory, newton, rows, spread


class LightGBM:
    """Answer with boosted trees on every column of the set; a missing value is a value.

    `horizons`: bars ahead, rising; `trees`, `leaves` of each, learning `rate`; `smallest_leaf`:
    share of the training rows that a leaf must hold, 50 rows at least; `column_share`: columns that
    each tree may use; `bins` of a column's histogram; `seed` of the choice of columns.
    """

    levels = LEVELS
    lookback = 1
    needs: tuple[str, ...] = ()
    handles_missing = True

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        trees: int = 120,
        leaves: int = 15,
        rate: float = 0.04,
        smallest_leaf: float = 0.005,
        column_share: float = 0.3,
        bins: int = 63,
        seed: int = 7,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.trees, self.leaves, self.rate = trees, leaves, rate
        self.smallest_leaf, self.column_share = smallest_leaf, column_share
        self.bins, self.seed = bins, seed
        self.columns: tuple[str, ...] = ()
        self.dumps: list[str] = []
        self.learnt: memory.Arrays = {}
        self._forests: list[forest.Forest] = []

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Grow the trees; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        columns = rows.columns(x, self.needs)
        values = rows.take(x, columns)
        known = np.ones(len(x), dtype=np.bool_)
        found = rows.samples(self, values, y, weights, known)
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self._plant([self._grow(sample) for sample in found])
        self.columns = columns
        self.learnt = {"shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        rows.learnt(self)
        values = rows.take(x, self.columns)
        scores = (forest.raw_score(values, trees) for trees in self._forests)
        return rows.answer(self, x, np.column_stack([newton.squash(score) for score in scores]))

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt: arrays, and JSON facts with LightGBM's own text of each horizon.

        The text can be read by LightGBM: `lightgbm.Booster(model_str=facts["dumps"][0])`.
        """
        arrays, facts = memory.save(self)
        return arrays, {**facts, "dumps": self.dumps}

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state; needs no LightGBM."""
        model = memory.load(cls, arrays, facts)
        if len(facts["dumps"]) != len(model.horizons):
            raise DataError("one dump a horizon is needed", where="lightgbm", allowed="as saved")
        model._plant(facts["dumps"])
        return model

    def _plant(self, dumps: list[str]) -> None:
        self.dumps = list(dumps)
        self._forests = [forest.read_forest(dump) for dump in dumps]

    def _grow(self, sample: rows.Sample) -> str:
        # Imported here: it brings scikit-learn and pandas, which a prediction does not need.
        import lightgbm

        data = lightgbm.Dataset(sample.values, sample.up, weight=sample.weights)
        booster = lightgbm.train(self._settings(len(sample.up)), data, self.trees)
        return str(booster.model_to_string())

    def _settings(self, count: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": max(50, int(count * self.smallest_leaf)),
            "feature_fraction": self.column_share,
            "max_bin": self.bins,
            "bin_construct_sample_cnt": 20_000,
            "seed": self.seed,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


PLUGIN = LightGBM
