"""Which columns a network is shown: the strongest that do not repeat each other.

1. The training rows are cut into folds through time; a column's strength is the t-value of its fold
   correlations with the direction, or with the size, of the standardised label, the larger of both.
2. Strongest first, a column is taken unless it correlates beyond 0.95 with one already taken.
3. What repeats others fills the places that are left.

A set that is not larger than the places is taken whole.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

FOLDS = 5
REPEATS = 0.95
FEWEST = 20

Index = npt.NDArray[np.int64]


def choose(
    scores: Floats, y: Floats, names: tuple[str, ...], most: int
) -> tuple[Index, dict[str, Any]]:
    """Return the positions of at most `most` columns, in the set's order, and the report.

    `scores[rows, columns]` robust scores of the training rows, `y[rows, horizons]` their
    `standardised` labels, NaN where unknown.
    The report tells how many were offered and kept, and `stability`: the mean share of folds, taken
    alone, whose own choice holds a kept column. It is 1 for a set taken whole.

    Raises `DataError` if no fold would have 20 rows.
    """
    offered = scores.shape[1]
    if offered <= most:
        return np.arange(offered), {"offered": offered, "kept": offered, "stability": 1.0}
    folds = [fold for fold in np.array_split(np.arange(len(scores)), FOLDS) if len(fold) >= FEWEST]
    if not folds:
        raise DataError(
            f"{len(scores)} rows are too few to choose {most} of {offered} columns on",
            where="select",
            allowed=f"{FOLDS * FEWEST} rows or more, or a smaller feature set",
        )
    strength = np.stack([_strength(scores[fold], y[fold]) for fold in folds])
    order = np.argsort(-_combined(strength), kind="stable")
    kept = np.sort(_apart(scores, order, most))
    alone = [np.argsort(-np.abs(fold).max(axis=0), kind="stable")[:most] for fold in strength]
    stability = float(np.mean([np.isin(kept, choice).mean() for choice in alone]))
    dropped = [names[place] for place in range(offered) if place not in set(kept.tolist())]
    report = {"offered": offered, "kept": most, "stability": stability, "dropped": dropped}
    return kept, report


def standardised(y: Floats, spans: Floats) -> Floats:
    """Return labels over their expected standard deviation, both `[rows, horizons]`.

    NaN where that is unknown or zero. Undivided, a size is mostly what volatility was already
    known to be, and columns that repeat it would take every place.
    """
    good = spans > 0.0
    return np.where(good, y, np.nan) / np.where(good, spans, 1.0)


def _strength(scores: Floats, y: Floats) -> Floats:
    """Return `[2, columns]`: correlation with the label's side and size, over the horizons."""
    known = np.isfinite(y)
    sides = np.where(known, np.sign(y), 0.0)
    sizes = np.where(known, np.abs(y), 0.0)
    sizes = np.where(known, np.log(sizes + _usual(sizes)), 0.0)
    found = [
        [_correlation(scores, label[:, k], known[:, k]) for k in range(y.shape[1])]
        for label in (sides, sizes)
    ]
    both: Floats = np.array(found).mean(axis=1)
    return np.where(np.isfinite(both), both, 0.0)


def _usual(sizes: Floats) -> Floats:
    """Return `[horizons]`: the median size that is not zero, 1 where all are.

    A market that stood still half of a fold has a median of zero, whose logarithm is no number.
    """
    moved = [size[size > 0.0] for size in sizes.T]
    return np.array([np.median(size) if len(size) else 1.0 for size in moved])


def _correlation(scores: Floats, label: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    if known.sum() < FEWEST:
        return np.zeros(scores.shape[1])
    x = scores[known] - scores[known].mean(axis=0)
    target = label[known] - label[known].mean()
    scale = np.sqrt((x * x).sum(axis=0) * (target @ target))
    found: Floats = (x.T @ target) / np.where(scale > 0.0, scale, np.inf)
    return found


def _combined(strength: Floats) -> Floats:
    """Return `[columns]`: the larger t-value, of side and size, of the fold correlations."""
    mean, deviation = strength.mean(axis=0), strength.std(axis=0, ddof=min(1, len(strength) - 1))
    t: Floats = (np.abs(mean) / (deviation / np.sqrt(len(strength)) + 1e-3)).max(axis=0)
    return t


def _apart(scores: Floats, order: Index, most: int) -> Index:
    centred = scores - scores.mean(axis=0)
    norm = np.sqrt((centred * centred).sum(axis=0))
    unit = centred / np.where(norm > 0.0, norm, 1.0)
    taken: list[int] = []
    passed: list[int] = []
    for place in order:
        if len(taken) == most:
            break
        repeats = bool(taken) and np.abs(unit[:, taken].T @ unit[:, place]).max() > REPEATS
        (passed if repeats else taken).append(int(place))
    return np.array([*taken, *passed][:most])
