"""A member fitted and asked by any scheme of `splits`, on returns ahead or on triple barriers.

    samples = Samples.of(bars, horizons=(1, 5))                       # log returns ahead
    samples = Samples.of(bars, barriers={"upper": 2.0, "lower": 1.0}) # to the first barrier
    found = cross_validate("lightgbm", samples, CombinatorialPurgedCV(6, 2))

Labels whose lives share bars say much the same twice. Each sample therefore weighs its uniqueness:
the mean, over the bars of its life, of one over the lives under way. Of returns over one fixed
horizon these are alike but for the ends and for holes; of barriers they are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot import models
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.features import FeatureSet, Table, feature_set, labels, windows
from folkmoot.features.barriers import triple_barrier, uniqueness
from folkmoot.training.splits import CombinatorialPurgedCV, PurgedKFold, Scheme

Index = npt.NDArray[np.int64]
LONGEST = 48
"""Bars after which a position ends that met neither barrier, unless `barriers` says otherwise."""

APART = 64
"""Bars between two samples that are not asked in one go."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Bars whose label is known, in the order of time.

    `table` holds the columns of all bars, `rows[n]` the bars that are decided on, `y[n, horizons]`
    their log returns, `t1[n]` the rows of the bars in which the labels were known, `weights[n]`
    their uniqueness.
    """

    table: Table
    rows: Index
    y: Floats
    t1: Index
    weights: Floats
    horizons: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(
        cls,
        bars: Bars,
        features: str | FeatureSet = "core",
        *,
        horizons: tuple[int, ...] = (1,),
        barriers: Mapping[str, Any] | None = None,
    ) -> "Samples":
        """Return the samples of `bars`: returns over `horizons`, or to the first of three barriers.

        `barriers`: options of `triple_barrier`, whose `horizon` is then the member's; returns over
        several horizons live as long as the longest.

        Raises `UsageError` for options that do not exist, or both `horizons` and `barriers`.
        """
        if barriers is not None and tuple(horizons) != (1,):
            raise UsageError(
                f"horizons {horizons} beside barriers", where="samples", allowed="one of the two"
            )
        columns = features if isinstance(features, FeatureSet) else _set(features, bars)
        table = columns.plus(feature_set("bars", bars.timeframe)).matrix(bars)
        if barriers is None:
            y = np.column_stack([labels(bars, horizon).y for horizon in horizons])
            t1 = np.arange(len(bars)) + max(horizons) + 1
        else:
            y, t1, horizons = _to_a_barrier(bars, barriers)
        known = np.isfinite(y[:, -1]) & (t1 >= 0)
        rows = np.flatnonzero(known)
        weights = uniqueness(rows + 1, t1[rows])
        return cls(table, rows, y[rows], t1[rows], weights, tuple(horizons))

    def fit(self, member: Any, taught: Index) -> Any:
        """Fit a member on the samples at these places and return it.

        It is shown every bar, but told labels of these alone: the rest teach nothing.
        """
        x = windows(self.table, member.lookback)
        rows = self.rows[taught] - (member.lookback - 1)
        y, weights = np.full((len(x), len(self.horizons)), np.nan), np.zeros(len(x))
        y[rows], weights[rows] = self.y[taught], self.weights[taught]
        return member.fit(x, y, weights)

    def ask(self, member: Any, asked: Index) -> tuple[Floats, Floats]:
        """Return `p_up[asked, horizons]` and `quantiles[asked, horizons, levels]`."""
        x = windows(self.table, member.lookback)
        rows = self.rows[asked] - (member.lookback - 1)
        found = []
        # A run of neighbours is a view; picked rows would copy their windows.
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > APART) + 1):
            said = member.predict(x.rows(slice(int(run[0]), int(run[-1]) + 1)))
            found.append((said.p_up[run - run[0]], said.quantiles[run - run[0]]))
        p_up, quantiles = zip(*found, strict=True)
        return np.concatenate(p_up), np.concatenate(quantiles)


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """What was forecast of each sample by fits that had not seen it; NaN where nobody was asked.

    `p_up[paths, samples, horizons]`, `quantiles[paths, samples, horizons, levels]`: walk-forward
    and k-fold have one path, combinatorial cross-validation several, which share training samples.
    """

    p_up: Floats
    quantiles: Floats
    horizons: tuple[int, ...]
    levels: tuple[float, ...] = LEVELS


def cross_validate(
    model: str,
    samples: Samples,
    scheme: Scheme,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Crossed:
    """Return the forecasts of a member fitted anew for every split of `scheme`.

    `options` of the member, horizons apart; `progress` is told how many splits are done. Samples
    live from the row decided on to `t1`, so `memory` of the scheme is in rows; it is the member's
    window at least, unless an `embargo` is given.

    Raises what the member's constructor and its `fit` raise, `DataError` where nothing teaches.
    """
    given = {**(options or {}), "horizons": samples.horizons}
    lookback = models.build(model, **given).lookback
    if isinstance(scheme, PurgedKFold | CombinatorialPurgedCV) and scheme.embargo is None:
        scheme = replace(scheme, memory=max(scheme.memory, lookback))
    fits = np.flatnonzero(samples.rows >= lookback - 1)
    kept = _at(samples, fits)
    answers = []
    for done, (taught, asked) in enumerate(scheme.split(kept.rows, kept.t1), 1):
        member = kept.fit(models.build(model, **given), taught)
        answers.append((asked, *kept.ask(member, asked)))
        if progress is not None:
            progress(done)
    p_up, quantiles = _along_paths(answers, scheme.paths(), len(kept))
    return Crossed(_spread(p_up, fits, samples), _spread(quantiles, fits, samples), kept.horizons)


def _set(name: str, bars: Bars) -> FeatureSet:
    return feature_set(name, bars.timeframe)


def _to_a_barrier(bars: Bars, barriers: Mapping[str, Any]) -> tuple[Floats, Index, tuple[int, ...]]:
    given = {"horizon": LONGEST, **barriers}
    unknown = sorted(given.keys() - {"upper", "lower", "span", "horizon"})
    if unknown:
        raise UsageError(
            f"barriers have no {', '.join(unknown)}",
            where="samples",
            allowed=["upper", "lower", "span", "horizon"],
        )
    found = triple_barrier(bars, **given)
    return found.y[:, None], found.t1, (int(given["horizon"]),)


def _at(samples: Samples, places: Index) -> Samples:
    y, t1, weights = samples.y[places], samples.t1[places], samples.weights[places]
    return Samples(samples.table, samples.rows[places], y, t1, weights, samples.horizons)


def _along_paths(
    answers: list[tuple[Index, Floats, Floats]], paths: Index | None, n: int
) -> tuple[Floats, Floats]:
    """Return what each path was told of every sample: its parts from the splits that it names."""
    many = 1 if paths is None else len(paths)
    made = tuple(np.full((many, n, *part.shape[1:]), np.nan) for part in answers[0][1:])
    if paths is None:
        for asked, *said in answers:
            for whole, part in zip(made, said, strict=True):
                whole[0, asked] = part
        return made[0], made[1]
    groups = np.array_split(np.arange(n), paths.shape[1])
    for path, splits in enumerate(paths):
        for group, split in zip(groups, splits, strict=True):
            asked, *said = answers[split]
            places = np.searchsorted(asked, group)
            for whole, part in zip(made, said, strict=True):
                whole[path, group] = part[places]
    return made[0], made[1]


def _spread(part: Floats, places: Index, samples: Samples) -> Floats:
    """Return `[paths, samples, ...]`: NaN for samples whose window is not full."""
    whole = np.full((part.shape[0], len(samples), *part.shape[2:]), np.nan)
    whole[:, places] = part
    return whole
