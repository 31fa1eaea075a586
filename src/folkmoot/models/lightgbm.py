"""Gradient-boosted trees by LightGBM, read back through our own walk over its trees.

A hundred and twenty shallow trees with large leaves: on an hour of a market most structure is
noise, and a leaf of one row in two hundred cannot remember it.
"""

from typing import Any

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.models import boosting, forest, forest_lightgbm

OBJECTIVES = {boosting.UP: "binary", boosting.SCALE: "regression"}
END = b"\n\npandas_categorical:null\n"


class LightGBM(boosting.Boosted):
    """Answer with boosted trees on every column of the set; a missing value is a value.

    `horizons`: bars ahead, rising; `trees`, `leaves` of each, learning `rate`; `smallest_leaf`:
    share of the training rows that a leaf must hold, 50 rows at least; `column_share`: columns that
    each tree may use; `bins` of a column's histogram; `seed` of the choice of columns; `stopping`:
    rounds without gain on the last 15 % of the training rows after which no tree is added, 0 for
    never. (The usual 100 trees of 31 leaves are `trees=100, leaves=31`.)
    """

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
        stopping: int = 0,
    ) -> None:
        self.trees, self.leaves, self.rate = trees, leaves, rate
        self.smallest_leaf, self.column_share = smallest_leaf, column_share
        self.bins, self.seed, self.stopping = bins, seed, stopping
        self.prepare(horizons)

    def read(self, text: bytes) -> forest.Forest:
        """Return the trees of LightGBM's text dump; raises `DataError` for one that is cut."""
        if not text.endswith(END):
            raise DataError("the text is cut", where="lightgbm", allowed="LightGBM's text dump")
        return forest_lightgbm.read_forest(text.decode("ascii", "replace"))

    def grow(
        self, lesson: boosting.Lesson, trees: int, check: boosting.Lesson | None
    ) -> boosting.Grown:
        """Grow so many trees by LightGBM; see `Boosted.grow`."""
        # Imported here: it brings scikit-learn and pandas, which a prediction does not need.
        import lightgbm

        with boosting.refusals("LightGBM", lightgbm.basic.LightGBMError):
            data = lightgbm.Dataset(lesson.values, lesson.target, weight=lesson.weights)
            extra: dict[str, Any] = {}
            if check is not None:
                held = data.create_valid(check.values, check.target, weight=check.weights)
                stop = lightgbm.early_stopping(self.stopping, verbose=False)
                extra = {"valid_sets": [held], "callbacks": [stop]}
            booster = lightgbm.train(self._settings(lesson), data, trees, **extra)
        gain: Floats = booster.feature_importance("gain")
        best = booster.best_iteration if check is not None else trees
        return boosting.Grown(booster.model_to_string().encode("ascii"), gain, best)

    def _settings(self, lesson: boosting.Lesson) -> dict[str, Any]:
        return {
            "objective": OBJECTIVES[lesson.part],
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": max(50, int(len(lesson.target) * self.smallest_leaf)),
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
