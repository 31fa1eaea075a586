"""Which columns tell anything about the next return, how steadily, and which repeat others.

1. The rows are cut into folds through time; in each, a column's information coefficient is
   Spearman's rank correlation with the log return over the horizon, on rows where both are known.
2. A column's t-value is that of the fold coefficients' mean; its q-value is Benjamini and
   Hochberg's over all columns, because the best of many useless columns looks useful.
3. Columns whose ranks correlate beyond 0.9 (average linkage) form a cluster.
4. Drift is the population stability index of the last third against the first, in ten bins.

Nothing is fitted and no column is chosen here: choosing by these figures and then scoring on the
same rows is a trial like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError
from folkmoot.features.feature_set import FeatureSet
from folkmoot.features.labels import labels

SHORTEST_FOLD = 100
REPEATS = 0.9
PROBE = 4_000
"""Rows, evenly spaced, on which the clusters are found."""
TINY = 1e-4
"""The share of an empty bin, so that its logarithm exists."""

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found about one column; `coefficients` by fold, NaN where a fold knew too little."""

    name: str
    known: float
    coefficients: tuple[float, ...]
    ic: float
    t: float
    q: float
    same_sign: float
    drift: float
    cluster: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Screening:
    """The columns, strongest |t| first, and what to compare them with."""

    columns: tuple[Screened, ...]
    rows: int
    horizon: int
    folds: int
    chance: float
    clusters: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "rows": self.rows,
            "horizon": self.horizon,
            "folds": self.folds,
            "columns": [column.as_dict() for column in self.columns],
            "beyond_5_percent": sum(_beyond(column, self.folds) for column in self.columns),
            "expected_by_chance": self.chance,
            "clusters": self.clusters,
        }


def screen(
    columns: FeatureSet, bars: Bars, *, horizon: int = 1, folds: int = 5, tell: Tell | None = None
) -> Screening:
    """Screen every column of a set on `bars`, from the row on which the whole set is stable.

    A set with columns that never forget their start is screened from its warm-up on. Raises
    `DataError` for fewer than 100 rows a fold.
    """
    table, found = columns.matrix(bars), labels(bars, horizon)
    first = min(columns.stable, columns.warmup + len(bars) // 4)
    values, y = table.values[first:], found.y[first:]
    if len(y) < folds * SHORTEST_FOLD:
        raise DataError(
            f"{len(y)} rows follow the warm-up of {first}",
            where="screen",
            allowed=f"at least {folds * SHORTEST_FOLD} for {folds} folds",
        )
    coefficients = _coefficients(values, y, folds, tell)
    t = _t(coefficients)
    q = _q(_p(t, folds))
    groups = clusters(values)
    made = [
        Screened(
            name,
            float(np.isfinite(values[:, j]).mean()),
            tuple(coefficients[:, j].tolist()),
            float(_mean(coefficients[:, j])),
            float(t[j]),
            float(q[j]),
            float(_mean(np.sign(coefficients[:, j]) == np.sign(_mean(coefficients[:, j])))),
            _drift(values[:, j]),
            int(groups[j]),
        )
        for j, name in enumerate(table.names)
    ]
    made.sort(key=lambda column: -abs(column.t) if column.t == column.t else 0.0)
    chance = 0.05 * int(np.isfinite(t).sum())
    return Screening(tuple(made), len(y), horizon, folds, chance, int(groups.max()))


def _coefficients(values: Floats, y: Floats, folds: int, tell: Tell | None) -> Floats:
    from scipy.stats import rankdata

    found = np.full((folds, values.shape[1]), np.nan)
    for fold, rows in enumerate(np.array_split(np.arange(len(y)), folds)):
        if tell is not None:
            tell("correlating ranks", fold / folds)
        for j in range(values.shape[1]):
            x, target = values[rows, j], y[rows]
            known = np.isfinite(x) & np.isfinite(target)
            if known.sum() >= SHORTEST_FOLD // 2:
                found[fold, j] = _pearson(rankdata(x[known]), rankdata(target[known]))
    return found


def _pearson(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0.0 else np.nan


def _mean(values: Floats) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else np.nan


def _t(coefficients: Floats) -> Floats:
    """Return the t-value of each column's mean; NaN unless every fold has a coefficient."""
    folds = len(coefficients)
    middle = coefficients.mean(axis=0)
    spread = coefficients.std(axis=0, ddof=1) if folds > 1 else np.full(len(middle), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t: Floats = middle / (spread / np.sqrt(folds))
    return np.where(np.isfinite(t), t, np.nan)


def _p(t: Floats, folds: int) -> Floats:
    from scipy.stats import t as student

    p: Floats = 2.0 * student.sf(np.abs(t), folds - 1)
    return p


def _q(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values."""
    q = np.full(len(p), np.nan)
    order = np.argsort(np.where(np.isfinite(p), p, np.inf))[: int(np.isfinite(p).sum())]
    raw = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum.accumulate(raw[::-1])[::-1].clip(max=1.0)
    return q


def _beyond(column: Screened, folds: int) -> bool:
    return bool(_p(np.array([column.t]), folds)[0] < 0.05)


def clusters(values: Floats) -> Floats:
    """Return each column's cluster, numbered from 1; an unknown column is alone."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    rows = values[:: max(len(values) // PROBE, 1)]
    middle = np.nanmedian(np.where(np.isfinite(rows).any(axis=0), rows, 0.0), axis=0)
    ranks = rankdata(np.where(np.isfinite(rows), rows, middle), axis=0)
    ranks -= ranks.mean(axis=0)
    size = np.sqrt((ranks * ranks).sum(axis=0))
    ranks /= np.where(size > 0.0, size, 1.0)
    apart = 1.0 - np.abs(ranks.T @ ranks)
    np.fill_diagonal(apart, 0.0)
    if len(apart) < 2:
        return np.ones(len(apart))
    tree = linkage(squareform(np.maximum(apart, 0.0), checks=False), "average")
    found: Floats = fcluster(tree, 1.0 - REPEATS, "distance")
    return found


def _drift(x: Floats) -> float:
    """Return the population stability index of the last third against the first."""
    third = len(x) // 3
    early, late = x[:third], x[-third:]
    early, late = early[np.isfinite(early)], late[np.isfinite(late)]
    if len(early) < SHORTEST_FOLD // 2 or len(late) < SHORTEST_FOLD // 2:
        return np.nan
    edges = np.unique(np.quantile(early, np.linspace(0.1, 0.9, 9)))
    shares = [
        np.bincount(np.searchsorted(edges, part, "right"), minlength=len(edges) + 1) / len(part)
        for part in (early, late)
    ]
    before, after = (np.maximum(share, TINY) for share in shares)
    return float(((after - before) * np.log(after / before)).sum())
