"""Reading a LightGBM text dump: 64 bits, and a missing value is what each column says it is."""

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError
from folkmoot.models import forest

TREATMENT = np.array([forest.UNKNOWN_IS_ZERO, forest.ZERO_IS_UNKNOWN, forest.KEEP, forest.KEEP])
"""By LightGBM's missing type of a column: none, zero, NaN."""

LEFT = 2
"""The bit of a decision type that sends what is missing to the left."""


def read_forest(dump: str) -> forest.Forest:
    """Return the trees of a LightGBM text dump.

    Raises `DataError` for a tree with categorical splits or linear leaves, and for a text that is
    no such dump.
    """
    head, *blocks = dump.split("\nTree=")
    if not blocks:
        raise DataError("no tree in the text", where="forest", allowed="LightGBM's text dump")
    blocks[-1] = blocks[-1].split("\nend of trees")[0]
    try:
        columns = int(_fields(head)["max_feature_idx"]) + 1
        trees, kinds = zip(*(_read_tree(block) for block in blocks), strict=True)
    except (KeyError, ValueError) as error:
        raise DataError(
            f"not a dump of plain trees: {error!r}", where="forest", allowed="LightGBM's text dump"
        ) from error
    return forest.plant(list(trees), _treatment(columns, kinds))


def _treatment(
    columns: int, kinds: tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], ...]
) -> npt.NDArray[np.int8]:
    """Return what is done to each column; `kinds` are the columns and decision types by tree."""
    treatment = forest.treat(columns)
    column, kind = (np.concatenate(parts) for parts in zip(*kinds, strict=True))
    if len(column) and not 0 <= column.min() <= column.max() < columns:
        raise DataError("a tree splits an unknown column", where="forest", allowed=f"< {columns}")
    missing = TREATMENT[(kind >> 2) & 3]
    treatment[column] = missing
    if (treatment[column] != missing).any():
        raise DataError("trees differ in what a column's missing value is", where="forest")
    return treatment


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _read_tree(
    block: str,
) -> tuple[forest.Tree, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    fields = _fields(block)
    if fields["num_cat"] != "0" or fields["is_linear"] != "0":
        raise DataError("categorical splits or linear leaves", where="forest", allowed="neither")
    leaves = np.array(fields["leaf_value"].split(), dtype=np.float64)
    inner = len(leaves) - 1
    column, kind, left, right = (
        forest.whole(fields.get(name, ""))
        for name in ("split_feature", "decision_type", "left_child", "right_child")
    )
    threshold = np.array(fields.get("threshold", "").split(), dtype=np.float64)
    end = np.zeros(len(leaves), dtype=np.int64)
    tree = forest.Tree(
        np.concatenate((column, end - 1)),
        np.concatenate((threshold, leaves)),
        # LightGBM numbers leaf k as ~k; here leaves follow the inner nodes.
        np.concatenate((np.where(left < 0, inner + ~left, left), end)),
        np.concatenate((np.where(right < 0, inner + ~right, right), end)),
        np.concatenate(((kind & LEFT) != 0, end > 0)),
    )
    return tree, (column, kind)
