"""Gradient-boosted trees of three libraries as flat arrays, and one compiled walk over them.

1. A reader (`forest_lightgbm`, `forest_xgboost`, `forest_catboost`) turns a library's own text into
   nodes of sixteen bytes: x > threshold goes to the node after `left`, anything else to `left`.
2. A row is prepared once: every column is written down twice, so that an unknown x is greater than
   all thresholds in one place and less in the other, and a node reads the one that its tree means.
   A leaf reads a place that is less than everything, and so leads to itself.
3. Eight trees are walked side by side, each as many steps as the deepest needs, without a branch
   that depends on the data; the trees are taken in order of depth.
4. The leaves are added in the order of the trees, in the library's own precision.

The sum is the library's raw score to the bit.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

KEEP, UNKNOWN_IS_ZERO, ZERO_IS_UNKNOWN = 0, 1, 2
"""What is done to a column: nothing; NaN -> 0; near 0 -> NaN."""

ZERO = 1e-35
"""LightGBM calls anything nearer to zero than this zero."""

LARGEST = float(np.finfo(np.float64).max)
"""An infinite x counts as this, so that only an unknown one is greater than all thresholds."""

ABREAST = 8
MOST_NODES, MOST_COLUMNS = 2**24, 2**16
NODE = np.dtype([("value", np.float64), ("place", np.uint32), ("left", np.uint32)])
"""A threshold or a leaf's value; where the prepared row holds x; the node for x <= threshold."""

TREES, COLUMNS, NARROW, SINGLE, HEADER = 0, 1, 2, 3, 4
START, FACTOR, OFFSET, ENDS = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree as its library numbers it.

    `column[nodes]`, -1 for a leaf; `value[nodes]` a threshold, or a leaf's value; `left`, `right`
    node numbers; `unknown_left[nodes]` says where an unknown value goes.
    """

    column: npt.NDArray[np.int64]
    value: Floats
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    unknown_left: npt.NDArray[np.bool_]


class Forest(NamedTuple):
    """The nodes of all trees and how to walk them; few arrays, because each costs time a call.

    The first three of `nodes` hold where the sum starts, the factor and the offset that it gets at
    last. `layout`: number of trees, of columns, whether values have 32 bits (then an infinite one
    is unknown), whether sums have; then the root of each tree in order of depth, padded to a
    multiple of eight; the steps of each group of eight; the place of each tree in that order; what
    is done to each column.
    """

    columns: int
    nodes: npt.NDArray[np.void]
    layout: npt.NDArray[np.int64]


def treat(columns: int, kind: int = KEEP) -> npt.NDArray[np.int8]:
    """Return `treatment[columns]`; raises `DataError` for more columns than a text may claim."""
    if not 0 < columns <= MOST_COLUMNS:
        raise DataError(f"{columns} columns", where="forest", allowed=f"1 to {MOST_COLUMNS}")
    return np.full(columns, kind, dtype=np.int8)


def plant(
    trees: list[Tree],
    treatment: npt.NDArray[np.int8],
    ends: tuple[float, float, float] = (0.0, 1.0, 0.0),
    narrow: bool = False,
    single: bool = False,
) -> Forest:
    """Return the forest of these trees; raises `DataError` for trees that do not end in leaves."""
    if not trees:
        raise DataError("a forest has no tree", where="forest", allowed="1 or more")
    laid = [_lay(tree, len(treatment)) for tree in trees]
    sizes = np.array([len(nodes) for nodes, _ in laid])
    first, depth = ENDS + np.cumsum(sizes) - sizes, np.array([depth for _, depth in laid])
    if sizes.sum() > MOST_NODES:
        raise DataError(f"{sizes.sum()} nodes", where="forest", allowed=f"<= {MOST_NODES}")
    nodes = np.concatenate([np.zeros(ENDS, dtype=NODE), *(nodes for nodes, _ in laid)])
    nodes["value"][:ENDS] = ends
    nodes["left"][ENDS:] += np.repeat(first, sizes).astype(np.uint32)
    order = np.argsort(depth, kind="stable")
    groups = -(-len(trees) // ABREAST)
    root = np.full(groups * ABREAST, first[order[0]])
    root[: len(trees)] = first[order]
    steps = [depth[order[k * ABREAST : (k + 1) * ABREAST]].max() for k in range(groups)]
    header = [len(trees), len(treatment), int(narrow), int(single)]
    layout = np.concatenate((header, root, steps, np.argsort(order), treatment)).astype(np.int64)
    return Forest(len(treatment), nodes, layout)


def _lay(tree: Tree, columns: int) -> tuple[npt.NDArray[np.void], int]:
    """Number the nodes so that brothers are neighbours; return them and the tree's depth."""
    _check(tree, columns)
    order, level, left = [0], [0], []
    for place in range(len(tree.column)):
        if place == len(order):
            break
        node = order[place]
        leaf = tree.column[node] < 0
        left.append(place if leaf else len(order))
        if not leaf:
            order += [int(tree.left[node]), int(tree.right[node])]
            level += [level[place] + 1] * 2
    if len(left) != len(order) or len(set(order)) != len(order):
        raise DataError("a tree's nodes do not form a tree", where="forest", allowed="one parent")
    nodes = np.empty(len(order), dtype=NODE)
    column, at_left = tree.column[order], tree.unknown_left[order]
    nodes["value"], nodes["left"] = np.minimum(tree.value[order], LARGEST), left
    nodes["place"] = np.where(column < 0, columns, column + (columns + 1) * at_left)
    return nodes, max(level)


def _check(tree: Tree, columns: int) -> None:
    parts = (tree.value, tree.left, tree.right, tree.unknown_left)
    if any(part.shape != tree.column.shape for part in parts) or tree.column.ndim != 1:
        raise DataError("a tree's nodes are of several numbers", where="forest", allowed="one")
    inner = tree.column >= 0
    sons = np.concatenate((tree.left[inner], tree.right[inner]))
    if len(sons) and (sons.min() < 0 or sons.max() >= len(tree.column)):
        raise DataError("a node points outside its tree", where="forest", allowed="its own nodes")
    if len(tree.column) == 0 or tree.column.max() >= columns:
        raise DataError("a tree splits an unknown column", where="forest", allowed=f"< {columns}")
    if not np.isfinite(tree.value[~inner]).all() or np.isnan(tree.value[inner]).any():
        raise DataError("a threshold or leaf is not a number", where="forest", allowed="finite")


def raw_score(values: Floats, forest: Forest) -> Floats:
    """Return the library's raw score of each row of `values[rows, columns]`.

    Raises `DataError` for rows of fewer columns than the trees were grown on.
    """
    columns, nodes, layout = forest
    if values.shape[1] < columns:
        raise DataError(f"{values.shape[1]} columns", where="forest", allowed=f">= {columns}")
    scores: Floats = walk(values, nodes, layout)
    return scores


@njit(cache=True)
def walk(values: Floats, nodes: npt.NDArray[np.void], layout: npt.NDArray[np.int64]) -> Floats:
    """Return the sum of the leaves that each row falls into; see the module and `Forest`."""
    trees, columns = layout[TREES], layout[COLUMNS]
    groups = (trees + ABREAST - 1) // ABREAST
    root, rest = layout[HEADER:], layout[HEADER + groups * ABREAST :]
    place, treatment = rest[groups : groups + trees], rest[groups + trees :]
    scores, row = np.empty(len(values)), np.empty(2 * columns + 2)
    found = np.empty(groups * ABREAST)
    greater, less = row[: columns + 1], row[columns + 1 :]
    greater[columns] = -np.inf
    for i in range(len(values)):
        if layout[NARROW] != 0:
            _prepare_narrow(values[i], greater, less)
        else:
            _prepare(values[i], treatment, greater, less)
        for group in range(groups):
            _descend(row, nodes, root, found, group * ABREAST, rest[group])
        scores[i] = _total(found, place, nodes, layout[SINGLE] != 0)
    return scores


@njit(cache=True)
def _total(
    found: Floats, place: npt.NDArray[np.int64], ends: npt.NDArray[np.void], single: bool
) -> float:
    if single:
        narrow = np.float32(ends[START].value)
        for tree in range(len(place)):
            narrow = np.float32(narrow + np.float32(found[place[tree]]))
        return float(narrow)
    wide = float(ends[START].value)
    for tree in range(len(place)):
        wide += found[place[tree]]
    return wide * float(ends[FACTOR].value) + float(ends[OFFSET].value)


@njit(cache=True)
def _prepare(
    values: Floats, treatment: npt.NDArray[np.int64], greater: Floats, less: Floats
) -> None:
    """Write the row down twice: an unknown value above all others, and below."""
    for j in range(len(treatment)):
        x, kind = values[j], treatment[j]
        unknown = math.isnan(x)
        zero = (kind == UNKNOWN_IS_ZERO) & unknown
        unknown = (unknown & (not zero)) | ((kind == ZERO_IS_UNKNOWN) & (abs(x) <= ZERO))
        x = 0.0 if zero else min(x, LARGEST)
        greater[j] = math.inf if unknown else x
        less[j] = -math.inf if unknown else x


@njit(cache=True)
def _prepare_narrow(values: Floats, greater: Floats, less: Floats) -> None:
    """Write the row down twice, in 32 bits; what is not finite there is unknown."""
    for j in range(len(greater) - 1):
        x = np.float64(np.float32(values[j]))
        known = abs(x) < math.inf
        greater[j] = x if known else math.inf
        less[j] = x if known else -math.inf


@njit(cache=True, inline="always")
def _next(row: Floats, nodes: npt.NDArray[np.void], at: np.uint64) -> np.uint64:
    node = nodes[at]
    return np.uint64(node.left) + np.uint64(row[node.place] > node.value)


@njit(cache=True)
def _descend(
    row: Floats,
    nodes: npt.NDArray[np.void],
    root: npt.NDArray[np.int64],
    found: Floats,
    first: int,
    steps: int,
) -> None:
    """Write the values of the leaves that eight trees, from `root[first]` on, lead to."""
    # Eight names keep eight places in registers, and the processor works on them at once; an
    # unsigned place needs no test for counting from the end.
    a, b = np.uint64(root[first]), np.uint64(root[first + 1])
    c, d = np.uint64(root[first + 2]), np.uint64(root[first + 3])
    e, f = np.uint64(root[first + 4]), np.uint64(root[first + 5])
    g, h = np.uint64(root[first + 6]), np.uint64(root[first + 7])
    for _ in range(steps):
        a, b = _next(row, nodes, a), _next(row, nodes, b)
        c, d = _next(row, nodes, c), _next(row, nodes, d)
        e, f = _next(row, nodes, e), _next(row, nodes, f)
        g, h = _next(row, nodes, g), _next(row, nodes, h)
    found[first], found[first + 1] = nodes[a].value, nodes[b].value
    found[first + 2], found[first + 3] = nodes[c].value, nodes[d].value
    found[first + 4], found[first + 5] = nodes[e].value, nodes[f].value
    found[first + 6], found[first + 7] = nodes[g].value, nodes[h].value


def narrow(values: Floats) -> npt.NDArray[np.float32]:
    """Return the values in 32 bits as a narrow walk reads them: NaN what is not finite there."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return np.where(np.isfinite(single), single, np.float32(np.nan))


def whole(text: str) -> npt.NDArray[np.int64]:
    """Return the whole numbers of a line of text."""
    return np.array(text.split(), dtype=np.int64)
