"""Reading a CatBoost model in its JSON form: oblivious trees, 32-bit borders, 64-bit sums.

Every level of such a tree asks one question, x > border; the answers are the bits of the leaf's
number, the first question's the lowest. A missing value answers as its column was trained to.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from folkmoot.core.errors import DataError
from folkmoot.models import forest

DEEPEST = 16


def read_forest(dump: str | bytes) -> forest.Forest:
    """Return the trees of what `CatBoost.save_model(format="json")` wrote.

    Raises `DataError` for trees that are not oblivious or ask about anything but numbers.
    """
    try:
        model = orjson.loads(dump)
        found = model["features_info"]["float_features"]
        treatment = forest.treat(max(f["flat_feature_index"] for f in found) + 1)
        unknown_left = np.ones(len(treatment), dtype=np.bool_)
        for column in found:
            unknown_left[column["flat_feature_index"]] = column["nan_value_treatment"] != "AsTrue"
        places = {f["feature_index"]: f["flat_feature_index"] for f in found}
        trees = [_read_tree(tree, places, unknown_left) for tree in model["oblivious_trees"]]
        factor, (offset,) = model["scale_and_bias"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"not a model of oblivious trees: {error!r}", where="forest", allowed="CatBoost's JSON"
        ) from error
    return forest.plant(trees, treatment, ends=(0.0, float(factor), float(offset)), narrow=True)


def _read_tree(
    tree: dict[str, Any], places: dict[int, int], unknown_left: npt.NDArray[np.bool_]
) -> forest.Tree:
    splits, leaves = tree["splits"] or [], np.array(tree["leaf_values"], dtype=np.float64)
    depth = len(splits)
    if depth > DEEPEST or len(leaves) != 2**depth:
        raise DataError("a tree's leaves do not fit its splits", where="forest", allowed="2^depth")
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise DataError("a split is not of a number", where="forest", allowed="FloatFeature")
    inner = len(leaves) - 1
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    # The last question is asked at the root, so that leaves come out in order of their number.
    asked = [splits[depth - 1 - k] for k in level]
    column = np.array([places[split["float_feature_index"]] for split in asked], dtype=np.int64)
    border = np.array([split["border"] for split in asked], dtype=np.float32).astype(np.float64)
    node, end = np.arange(inner), np.zeros(len(leaves), dtype=np.int64)
    return forest.Tree(
        np.concatenate((column, end - 1)),
        np.concatenate((border, leaves)),
        np.concatenate((2 * node + 1, end)),
        np.concatenate((2 * node + 2, end)),
        np.concatenate((unknown_left[column], end > 0)),
    )
