"""Reading an XGBoost model in its JSON form: 32-bit values, thresholds and sums.

XGBoost goes left where x < t; among 32-bit numbers that is x <= the number before t.
"""

import math
from typing import Any

import numpy as np
import orjson

from folkmoot.core.errors import DataError
from folkmoot.models import forest

LOGISTIC = "binary:logistic"


def read_forest(dump: str | bytes) -> forest.Forest:
    """Return the trees of what `Booster.save_raw("json")` wrote.

    Raises `DataError` for another booster than plain trees with one output and no categories.
    """
    try:
        learner = orjson.loads(dump)["learner"]
        model = learner["gradient_booster"]["model"]
        facts = learner["learner_model_param"]
        columns, start = int(facts["num_feature"]), _margin(facts, learner["objective"]["name"])
        trees = [_read_tree(tree) for tree in model["trees"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"not a model of plain trees: {error!r}", where="forest", allowed="XGBoost's JSON"
        ) from error
    treatment = forest.treat(columns)
    return forest.plant(trees, treatment, ends=(start, 1.0, 0.0), narrow=True, single=True)


def _margin(facts: dict[str, str], objective: str) -> float:
    (base,) = np.array(facts["base_score"].strip("[]").split(","), dtype=np.float32)
    if objective == LOGISTIC:
        one = np.float32(1.0)
        # The library's logf rounds the true logarithm; numpy's for float32 misses it by a bit.
        return float(np.float32(-math.log(float(one / base - one))))
    return float(base)


def _read_tree(tree: dict[str, Any]) -> forest.Tree:
    if (
        tree["categories"]
        or any(tree["split_type"])
        or tree["tree_param"]["size_leaf_vector"] != "1"
    ):
        raise DataError("categories or several outputs", where="forest", allowed="neither")
    left, right, column = (
        np.array(tree[name], dtype=np.int64)
        for name in ("left_children", "right_children", "split_indices")
    )
    value = np.array(tree["split_conditions"], dtype=np.float32)
    leaf = left < 0
    before = np.nextafter(value, np.float32(-np.inf))
    return forest.Tree(
        np.where(leaf, -1, column),
        np.where(leaf, value, before).astype(np.float64),
        left,
        right,
        np.array(tree["default_left"], dtype=np.bool_),
    )
