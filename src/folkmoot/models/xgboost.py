"""Gradient-boosted trees by XGBoost (Chen & Guestrin 2016), read back through our own walk."""

from typing import Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.models import boosting, forest, forest_xgboost

OBJECTIVES = {boosting.UP: "binary:logistic", boosting.SCALE: "reg:squarederror"}
CURVATURE = {boosting.UP: 0.25, boosting.SCALE: 1.0}
"""The second derivative of the loss that one row of weight 1 adds to a leaf, at most."""


class XGBoost(boosting.Boosted):
    """Answer with boosted trees on every column of the set; a missing value is a value.

    `horizons`: bars ahead, rising; `trees` of `depth`, learning `rate`; `smallest_leaf`: share of
    the training rows' weight that a leaf must hold, 50 rows at least; `penalty` on squared leaf
    values, as a share of the same; `column_share`: columns that each tree may use; `bins` of a
    column's histogram; `seed` of the choice of columns; `stopping`: rounds without gain on the last
    15 % of the training rows after which no tree is added, 0 for never.
    """

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        trees: int = 100,
        depth: int = 6,
        rate: float = 0.05,
        smallest_leaf: float = 0.005,
        penalty: float = 0.005,
        column_share: float = 0.3,
        bins: int = 64,
        seed: int = 7,
        stopping: int = 0,
    ) -> None:
        self.trees, self.depth, self.rate = trees, depth, rate
        self.smallest_leaf, self.penalty, self.column_share = smallest_leaf, penalty, column_share
        self.bins, self.seed, self.stopping = bins, seed, stopping
        self.prepare(horizons)

    def read(self, text: bytes) -> forest.Forest:
        """Return the trees of XGBoost's JSON."""
        return forest_xgboost.read_forest(text)

    def grow(
        self, lesson: boosting.Lesson, trees: int, check: boosting.Lesson | None
    ) -> boosting.Grown:
        """Grow so many trees by XGBoost; see `Boosted.grow`."""
        import xgboost

        def matrix(part: boosting.Lesson) -> Any:
            values = forest.narrow(part.values)
            return xgboost.DMatrix(values, part.target, weight=part.weights, nthread=1)

        with boosting.refusals("XGBoost", xgboost.core.XGBoostError):
            extra: dict[str, Any] = {}
            if check is not None:
                extra = {"evals": [(matrix(check), "last")], "early_stopping_rounds": self.stopping}
            booster = xgboost.train(
                self._settings(lesson), matrix(lesson), trees, verbose_eval=False, **extra
            )
        found = booster.get_score(importance_type="total_gain")
        gain: Floats = np.array([found.get(f"f{j}", 0.0) for j in range(lesson.values.shape[1])])
        best = booster.best_iteration + 1 if check is not None else trees
        return boosting.Grown(bytes(booster.save_raw("json")), gain, best)

    def _settings(self, lesson: boosting.Lesson) -> dict[str, Any]:
        weight = CURVATURE[lesson.part] * float(lesson.weights.sum())
        fewest = 50.0 * weight / len(lesson.target)
        return {
            "objective": OBJECTIVES[lesson.part],
            "max_depth": self.depth,
            "learning_rate": self.rate,
            "min_child_weight": max(fewest, self.smallest_leaf * weight),
            "reg_lambda": self.penalty * weight,
            "colsample_bytree": self.column_share,
            "max_bin": self.bins,
            "tree_method": "hist",
            "seed": self.seed,
            "nthread": 1,
            "verbosity": 0,
        }


PLUGIN = XGBoost
