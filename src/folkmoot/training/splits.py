"""Which rows teach and which are asked, so that no label that taught is about the bars asked.

Sample i is decided at `t0[i]` and its label is known at `t1[i]`: it lives from `t0` to `t1`, both
included, in one unit throughout (rows, or any whole number that rises with them). Triple barriers
give `t1` as they are; a return over h bars from the next open has `t1 = t0 + h + 1`. A sample
teaches only if its life shares no instant with that of the samples asked.

Walk-forward is what a desk lives through. The folds of the other two are also taught by what came
after them: they estimate how far results scatter and choices overfit, and simulate nothing.

Lopez de Prado, Advances in Financial Machine Learning (2018), chapters 7 and 12.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError, UsageError

Index = npt.NDArray[np.int64]
Cut = tuple[Index, Index]


class Scheme(Protocol):
    """A way to split samples."""

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Cut]:
        """Yield (positions that teach, positions asked), split by split."""

    def paths(self) -> Index | None:
        """Return `[paths, parts]`: by which split each part of a path is asked, None if open."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One walk-forward split: positions that teach, that choose (early stopping), and asked."""

    train: Index
    validation: Index
    test: Index


@dataclass(frozen=True, slots=True)
class ExpandingWalkForward:
    """Ask block after block, taught by everything before.

    The first block begins at position `first`, each has `test` samples, a rest is not asked. What
    lives on in the block, and `gap` samples more before it, do not teach; of what is left the last
    `validation` samples choose, purged from what teaches in the same way.

    Assumes that samples are in the order of `t0`, and that whoever fits uses nothing else of what
    comes after. scikit-learn's `TimeSeriesSplit(gap=p)` for lives of p, where the blocks fill the
    series.
    """

    first: int
    test: int
    validation: int = 0
    gap: int = 0

    def __post_init__(self) -> None:
        _at_least(1, first=self.first, test=self.test)
        _at_least(0, validation=self.validation, gap=self.gap)

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Cut]:
        """Yield (positions that teach, positions asked); see `parts` for the third."""
        for part in self.parts(t0, t1):
            yield part.train, part.test

    def parts(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Parts]:
        """Yield what teaches, chooses and is asked; `DataError` where one of them is empty."""
        return _walk(self, *_lives(t0, t1), None)

    def paths(self) -> Index | None:
        """Return None: there is one path, of as many blocks as there are samples for."""
        return None


@dataclass(frozen=True, slots=True)
class RollingWalkForward:
    """Ask block after block, taught by the last `train` samples that may teach.

    As `ExpandingWalkForward` otherwise. Assumes besides that what is older misleads more than it
    helps. `TimeSeriesSplit(gap=p, max_train_size=train)` for lives of p.
    """

    train: int
    first: int
    test: int
    validation: int = 0
    gap: int = 0

    def __post_init__(self) -> None:
        _at_least(1, train=self.train, first=self.first, test=self.test)
        _at_least(0, validation=self.validation, gap=self.gap)

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Cut]:
        """Yield (positions that teach, positions asked); see `parts` for the third."""
        for part in self.parts(t0, t1):
            yield part.train, part.test

    def parts(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Parts]:
        """Yield what teaches, chooses and is asked; `DataError` where one of them is empty."""
        return _walk(self, *_lives(t0, t1), self.train)

    def paths(self) -> Index | None:
        """Return None: there is one path, of as many blocks as there are samples for."""
        return None


@dataclass(frozen=True, slots=True)
class PurgedKFold:
    """Ask each of `folds` contiguous folds once, taught by all others that share nothing with it.

    What lives in the fold's span does not teach, nor do the samples right after it, because later
    rows show the fold's bars. By default these are both the next hundredth of all samples (rounded
    up, counted by position from the first that is decided after the fold's last life) and what is
    decided within `memory` after that life: the longest look-back of a feature (a network's window,
    say), in units of `t0`. `embargo`, in units of `t0` too, takes the place of both.

    Assumes that what was learnt does not depend on the order of time: a fold is also taught by its
    future, so its figures are not what a desk would have earned. Folds are scikit-learn's `KFold`.
    """

    folds: int = 5
    memory: int = 0
    embargo: int | None = None

    def __post_init__(self) -> None:
        _at_least(2, folds=self.folds)
        _at_least(0, memory=self.memory, embargo=self.embargo or 0)

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Cut]:
        """Yield (positions that teach, positions asked); `DataError` where nothing teaches."""
        return _folded(self, *_lives(t0, t1), self.folds, 1)

    def paths(self) -> Index:
        """Return `[1, folds]`: every fold is asked once."""
        return np.arange(self.folds)[None, :]


@dataclass(frozen=True, slots=True)
class CombinatorialPurgedCV:
    """Ask every choice of `tests` of `groups` contiguous groups, taught by the others.

    Purge and embargo as in `PurgedKFold`, at every boundary of every group asked. Each group is
    asked as often as there are paths: (groups choose tests) x tests / groups of them.

    Assumes what `PurgedKFold` does. The paths share their training samples and are far from
    independent: their spread understates what another history would have shown.

    >>> scheme = CombinatorialPurgedCV(6, 2)
    >>> scheme.splits, scheme.paths().shape
    (15, (5, 6))
    """

    groups: int = 6
    tests: int = 2
    memory: int = 0
    embargo: int | None = None

    def __post_init__(self) -> None:
        _at_least(2, groups=self.groups)
        _at_least(1, tests=self.tests)
        _at_least(0, memory=self.memory, embargo=self.embargo or 0)
        if self.tests >= self.groups:
            raise UsageError(
                f"{self.tests} of {self.groups} groups are asked",
                where="splits",
                allowed="fewer than there are",
            )

    @property
    def splits(self) -> int:
        """How many splits there are."""
        return math.comb(self.groups, self.tests)

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[Cut]:
        """Yield (positions that teach, positions asked); `DataError` where nothing teaches."""
        return _folded(self, *_lives(t0, t1), self.groups, self.tests)

    def paths(self) -> Index:
        """Return `[paths, groups]`: the split in which each group is asked for the j-th time."""
        chosen = list(itertools.combinations(range(self.groups), self.tests))
        asked = [[k for k, choice in enumerate(chosen) if g in choice] for g in range(self.groups)]
        return np.array(asked).T


def _walk(
    scheme: ExpandingWalkForward | RollingWalkForward, t0: Index, t1: Index, most: int | None
) -> Iterator[Parts]:
    if scheme.first + scheme.test > len(t0):
        raise DataError(
            f"{len(t0)} samples end before the first block of {scheme.test} does",
            where=type(scheme).__name__,
            allowed=f"{scheme.first + scheme.test} or more",
        )
    for start in range(scheme.first, len(t0) - scheme.test + 1, scheme.test):
        before = _settled(t0, t1, start, scheme.gap)
        chooses = before[len(before) - scheme.validation :] if scheme.validation else before[:0]
        train = before
        if len(chooses):
            train = _settled(t0, t1, int(chooses[0]), scheme.gap)
        train = train if most is None else train[-most:]
        _not_empty(scheme, start, train, chooses, scheme.validation)
        yield Parts(train, chooses, np.arange(start, start + scheme.test))


def _settled(t0: Index, t1: Index, start: int, gap: int) -> Index:
    """Return the positions before `start`, less the gap, whose life has ended by then."""
    reach = max(start - gap, 0)
    return np.flatnonzero(t1[:reach] < t0[start])


def _folded(
    scheme: PurgedKFold | CombinatorialPurgedCV, t0: Index, t1: Index, groups: int, tests: int
) -> Iterator[Cut]:
    if len(t0) < groups:
        raise DataError(
            f"{len(t0)} samples", where=type(scheme).__name__, allowed=f"{groups} or more"
        )
    parts = np.array_split(np.arange(len(t0)), groups)
    teaches = np.stack([_apart(t0, t1, part, scheme) for part in parts])
    for choice in itertools.combinations(range(groups), tests):
        train = np.flatnonzero(teaches[list(choice)].all(axis=0))
        _not_empty(scheme, int(parts[choice[0]][0]), train, train[:0], 0)
        yield train, np.concatenate([parts[group] for group in choice])


def _apart(
    t0: Index, t1: Index, part: Index, scheme: PurgedKFold | CombinatorialPurgedCV
) -> npt.NDArray[np.bool_]:
    """Return which samples may teach about `part`, none of them its own."""
    first, last = t0[part].min(), t1[part].max()
    free: npt.NDArray[np.bool_] = (t0 > last) | (t1 < first)
    free[_embargo(scheme, t0, last)] = False
    return free


def _embargo(scheme: PurgedKFold | CombinatorialPurgedCV, t0: Index, last: np.int64) -> slice:
    """Return the positions right after `last` that may not teach."""
    start = int(np.searchsorted(t0, last, side="right"))
    distance = scheme.memory if scheme.embargo is None else scheme.embargo
    stop = int(np.searchsorted(t0, last + distance, side="right"))
    # A share of the samples is a count of them: how far apart they are must not matter.
    share = 0 if scheme.embargo is not None else -(-len(t0) // 100)
    return slice(start, max(stop, start + share))


def _lives(t0: npt.ArrayLike, t1: npt.ArrayLike) -> Cut:
    """Return both as whole numbers, or raise `UsageError` for what are no lives in order."""
    begin, end = np.asarray(t0), np.asarray(t1)
    whole = np.issubdtype(begin.dtype, np.integer) and np.issubdtype(end.dtype, np.integer)
    if not whole or begin.shape != end.shape or begin.ndim != 1 or not len(begin):
        raise UsageError(
            f"t0 is {begin.dtype}{begin.shape} and t1 {end.dtype}{end.shape}",
            where="splits",
            allowed="two whole-numbered arrays of one length, not empty",
        )
    if (np.diff(begin) < 0).any():
        raise UsageError("t0 falls somewhere", where="splits", allowed="samples in order of t0")
    if (end < begin).any():
        raise UsageError(
            "a label is known before it is asked for, or never",
            where="splits",
            allowed="t1 >= t0; leave samples out whose label is unknown",
        )
    return begin.astype(np.int64), end.astype(np.int64)


def _at_least(least: int, **given: int) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(f"{name} is {value!r}", where="splits", allowed=f">= {least}, whole")


def _not_empty(scheme: Scheme, start: int, train: Index, chooses: Index, wanted: int) -> None:
    if not len(train) or len(chooses) < wanted:
        raise DataError(
            f"no sample is left to teach about the block at {start}",
            where=type(scheme).__name__,
            allowed="more samples before it, shorter lives, or a smaller embargo",
        )
