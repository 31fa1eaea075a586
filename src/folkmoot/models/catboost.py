"""Gradient-boosted oblivious trees by CatBoost (Prokhorenkova et al. 2018), walked by us."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.models import boosting, forest, forest_catboost

OBJECTIVES = {boosting.UP: "Logloss", boosting.SCALE: "RMSE"}


class CatBoost(boosting.Boosted):
    """Answer with boosted trees that ask one question a level; a missing value is a value.

    `horizons`: bars ahead, rising; `trees` of `depth`, learning `rate`; `penalty` on squared leaf
    values, as a share of the training rows; `column_share`: columns that each level may choose
    from; `bins` of a column's histogram; `seed` of that choice; `stopping`: rounds without gain on
    the last 15 % of the training rows after which no tree is added, 0 for never.
    """

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        trees: int = 100,
        depth: int = 6,
        rate: float = 0.05,
        penalty: float = 0.005,
        column_share: float = 0.3,
        bins: int = 63,
        seed: int = 7,
        stopping: int = 0,
    ) -> None:
        self.trees, self.depth, self.rate = trees, depth, rate
        self.penalty, self.column_share = penalty, column_share
        self.bins, self.seed, self.stopping = bins, seed, stopping
        self.prepare(horizons)

    def read(self, text: bytes) -> forest.Forest:
        """Return the trees of CatBoost's JSON."""
        return forest_catboost.read_forest(text)

    def grow(
        self, lesson: boosting.Lesson, trees: int, check: boosting.Lesson | None
    ) -> boosting.Grown:
        """Grow so many trees by CatBoost; see `Boosted.grow`."""
        import catboost

        def pool(part: boosting.Lesson) -> Any:
            values = forest.narrow(part.values)
            return catboost.Pool(values, part.target, weight=part.weights, thread_count=1)

        with boosting.refusals("CatBoost", catboost.CatBoostError):
            extra: dict[str, Any] = {}
            if check is not None:
                extra = {"eval_set": pool(check), "early_stopping_rounds": self.stopping}
            taught = pool(lesson)
            model = catboost.train(taught, self._settings(lesson, trees), **extra)
            gain: Floats = np.asarray(model.get_feature_importance(taught, thread_count=1))
        best = model.get_best_iteration() + 1 if check is not None else trees
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trees.json"
            model.save_model(str(path), format="json")
            return boosting.Grown(path.read_bytes(), gain, best)

    def _settings(self, lesson: boosting.Lesson, trees: int) -> dict[str, Any]:
        return {
            "loss_function": OBJECTIVES[lesson.part],
            "iterations": trees,
            "depth": self.depth,
            "learning_rate": self.rate,
            "l2_leaf_reg": max(self.penalty * len(lesson.target), 1.0),
            "rsm": self.column_share,
            "border_count": self.bins,
            "random_seed": self.seed,
            "random_strength": 0.0,
            "bootstrap_type": "No",
            "boosting_type": "Plain",
            "leaf_estimation_iterations": 1,
            "nan_mode": "Min",
            "thread_count": 1,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }


PLUGIN = CatBoost
