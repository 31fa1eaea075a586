"""No label that teaches shares an instant with what is asked, whatever the lives are.

`skfolio_splits.json` was made once by skfolio 1.12.2 on rows of one fixed life; it says how.
"""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.model_selection import KFold, TimeSeriesSplit

from folkmoot.core.errors import DataError, UsageError
from folkmoot.training.splits import (
    CombinatorialPurgedCV,
    ExpandingWalkForward,
    Parts,
    PurgedKFold,
    RollingWalkForward,
    Scheme,
)

Index = npt.NDArray[np.int64]

SKFOLIO = json.loads((Path(__file__).parent / "skfolio_splits.json").read_text())
SCHEMES: tuple[Scheme, ...] = (
    ExpandingWalkForward(120, 40, validation=20, gap=2),
    RollingWalkForward(60, 120, 40),
    PurgedKFold(5, memory=7),
    PurgedKFold(4, embargo=0),
    CombinatorialPurgedCV(6, 2),
    CombinatorialPurgedCV(6, 3, memory=9),
)


def lives(seed: int, n: int = 300) -> tuple[Index, Index]:
    """Samples on some of the rows, of random lives, one in fifty of them long."""
    rng = np.random.default_rng(seed)
    t0 = np.sort(rng.choice(2 * n, n, replace=True))
    life = np.where(rng.random(n) < 0.02, rng.integers(20, 40, n), rng.integers(0, 9, n))
    return t0, t0 + life


def alive(t0: Index, t1: Index, rows: Index) -> set[int]:
    return {moment for i in rows for moment in range(t0[i], t1[i] + 1)}


def runs(rows: list[list[int]]) -> Index:
    return np.concatenate([np.arange(*run) for run in rows])


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_no_label_that_teaches_lives_while_one_that_is_asked_does(
    scheme: Scheme, seed: int
) -> None:
    t0, t1 = lives(seed)
    for train, test in scheme.split(t0, t1):
        assert len(train)
        assert not set(train) & set(test)
        assert not alive(t0, t1, train) & alive(t0, t1, test)


@pytest.mark.parametrize("scheme", SCHEMES[2:], ids=repr)
def test_folds_leave_out_what_they_must_and_nothing_else(
    scheme: PurgedKFold | CombinatorialPurgedCV,
) -> None:
    t0, t1 = lives(9)
    count, reach = (3, scheme.memory) if scheme.embargo is None else (0, scheme.embargo)
    for train, test in scheme.split(t0, t1):
        groups = np.split(test, np.flatnonzero(np.diff(test) > 1) + 1)
        parts = getattr(scheme, "groups", None) or scheme.folds
        whole = [g for g in np.array_split(np.arange(300), parts) if np.isin(g, test).all()]
        assert sum(map(len, groups)) == sum(map(len, whole))
        out = set[int]().union(*(touched(t0, t1, g, count, reach) for g in whole))
        assert set(train) == set(range(300)) - out


def touched(t0: Index, t1: Index, group: Index, count: int, reach: int) -> set[int]:
    """Return who lives in the group's span, the next `count`, and who is decided within `reach`."""
    first, last = min(t0[group]), max(t1[group])
    lives_in = {i for i in range(len(t0)) if t0[i] <= last and t1[i] >= first}
    after = [i for i in range(len(t0)) if t0[i] > last]
    return lives_in | set(after[:count]) | {i for i in after if t0[i] <= last + reach}


HOUR, BEGIN = 3_600_000, 1_609_459_200_000


@pytest.mark.parametrize("memory", [0, 9])
@pytest.mark.parametrize(
    ("scale", "start"), [(10, 0), (HOUR, BEGIN), (60_000, BEGIN)], ids=["apart", "hours", "minutes"]
)
def test_the_unit_of_time_and_its_beginning_change_no_split(
    scale: int, start: int, memory: int
) -> None:
    for seed in range(3):
        t0, t1 = lives(seed)
        for kind in (PurgedKFold, CombinatorialPurgedCV):
            rows = kind(memory=memory).split(t0, t1)
            moments = kind(memory=memory * scale).split(start + scale * t0, start + scale * t1)
            assert equal(rows, moments)


@pytest.mark.parametrize("scale", [1, 10, HOUR])
def test_the_share_of_the_embargo_is_a_count_of_samples(scale: int) -> None:
    t0 = scale * np.arange(1_001)
    without = list(PurgedKFold(7, embargo=0).split(t0, t0 + 4 * scale))
    withheld = [
        set(most) - set(train)
        for (train, _), (most, _) in zip(
            PurgedKFold(7).split(t0, t0 + 4 * scale), without, strict=True
        )
    ]
    ends = [143 * fold + 4 for fold in range(1, 7)]
    # Eleven are a hundredth of 1,001, rounded up; after the last fold nobody is left.
    assert withheld == [set(range(end, end + 11)) for end in ends] + [set()]


def test_what_walks_forward_is_taught_by_the_past_alone() -> None:
    t0, t1 = lives(3)
    for part in ExpandingWalkForward(120, 40, validation=20).parts(t0, t1):
        assert in_order(t0, t1, part)
        assert len(part.validation) == 20
    rolled = list(RollingWalkForward(60, 120, 40, validation=10).parts(t0, t1))
    assert [len(part.train) for part in rolled] == [60] * 4
    assert all(in_order(t0, t1, part) for part in rolled)


def in_order(t0: Index, t1: Index, part: Parts) -> bool:
    """Each part's lives end before the next part's begin."""
    return all(
        t1[one].max() < t0[other].min()
        for one, other in pairwise((part.train, part.validation, part.test))
        if len(one)
    )


@pytest.mark.parametrize("life", [0, 1, 6])
def test_indices_are_scikit_learns_where_they_mean_the_same(life: int) -> None:
    t0 = np.arange(200)
    for most in (None, 50):
        theirs = TimeSeriesSplit(n_splits=4, test_size=30, gap=life, max_train_size=most)
        ours = ExpandingWalkForward(80, 30) if most is None else RollingWalkForward(50, 80, 30)
        assert equal(ours.split(t0, t0 + life), theirs.split(t0))
    folds = PurgedKFold(7, embargo=0)
    assert equal(folds.split(t0, t0), KFold(7).split(t0))


@pytest.mark.parametrize("given", SKFOLIO["combinatorial"], ids=lambda g: f"{g['groups']}")
def test_combinations_and_paths_are_skfolios(given: dict) -> None:
    t0 = np.arange(given["rows"])
    scheme = CombinatorialPurgedCV(given["groups"], given["tests"], embargo=given["embargo"])
    theirs = ((runs(s["train"]), runs(s["test"])) for s in given["splits"])
    assert equal(scheme.split(t0, t0 + given["life"]), theirs)
    assert scheme.paths().tolist() == given["paths"]


@pytest.mark.parametrize("given", SKFOLIO["walk"], ids=lambda g: f"{g['expanding']}")
def test_walks_are_skfolios(given: dict) -> None:
    t0, size, life = np.arange(given["rows"]), given["train"], given["life"]
    first = size + life
    ours = ExpandingWalkForward(first, given["test"])
    scheme = ours if given["expanding"] else RollingWalkForward(size, first, given["test"])
    theirs = ((runs(s["train"]), runs(s["test"])) for s in given["splits"])
    assert equal(scheme.split(t0, t0 + life), theirs)


def equal(ours: Iterator[tuple[Index, Index]], theirs: Iterator[tuple[Index, Index]]) -> bool:
    pairs = list(zip(ours, theirs, strict=True))
    return all(
        np.array_equal(mine, other)
        for one, two in pairs
        for mine, other in zip(one, two, strict=True)
    )


@pytest.mark.parametrize(
    ("groups", "tests", "splits", "paths"),
    [(6, 2, 15, 5), (10, 2, 45, 9), (8, 2, 28, 7), (10, 8, 45, 36)],
)
def test_every_path_asks_every_group_once(groups: int, tests: int, splits: int, paths: int) -> None:
    scheme = CombinatorialPurgedCV(groups, tests, embargo=0)
    t0 = np.arange(groups * 10)
    asked = [set(test // 10) for _, test in scheme.split(t0, t0)]
    found = scheme.paths()
    assert (scheme.splits, len(asked), found.shape) == (splits, splits, (paths, groups))
    for group in range(groups):
        assert len(set(found[:, group])) == paths
        assert all(group in asked[split] for split in found[:, group])


def bombed(scheme: PurgedKFold, life: int, seed: int) -> float:
    """Return the accuracy of whoever looks a label up in the column of the training rows.

    The column is the label itself, `life` rows later: known at its row, and a copy of the answer.
    """
    steps = np.random.default_rng(seed).standard_normal(6_000 + life)
    walk = np.concatenate(([0.0], np.cumsum(steps)))
    label = walk[life:] - walk[:-life]
    bomb, t0 = np.concatenate((np.full(life, np.nan), label[:-life])), np.arange(len(label))
    right = []
    for train, test in scheme.split(t0, t0 + life):
        train = train[train >= life]
        nearest = train[np.clip(np.searchsorted(train, test + life), 0, len(train) - 1)]
        right.append(np.sign(bomb[nearest]) == np.sign(label[test]))
    return float(np.concatenate(right).mean())


def test_a_time_bomb_goes_off_without_a_purge_and_gives_chance_with_it() -> None:
    life, seeds = 20, range(5)
    armed = [bombed(Unpurged(300), life, seed) for seed in seeds]
    purged = [bombed(PurgedKFold(300, memory=life), life, seed) for seed in seeds]
    assert min(armed) > 0.95
    # Overlapping labels count as 300 independent ones a seed.
    assert abs(np.mean(purged) - 0.5) < 3.0 * 0.5 / np.sqrt(300 * len(seeds))


class Unpurged(PurgedKFold):
    """The popular mistake: folds that keep every other sample."""

    def split(self, t0: npt.ArrayLike, t1: npt.ArrayLike) -> Iterator[tuple[Index, Index]]:
        del t1
        return KFold(self.folds).split(t0)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: PurgedKFold(1),
        lambda: PurgedKFold(5, embargo=-1),
        lambda: CombinatorialPurgedCV(6, 6),
        lambda: ExpandingWalkForward(0, 10),
        lambda: RollingWalkForward(0, 10, 10),
        lambda: next(PurgedKFold().split([0, 2, 1], [3, 3, 3])),
        lambda: next(PurgedKFold().split([0, 1, 2], [3, -1, 3])),
        lambda: next(PurgedKFold().split([0.0, 1.0], [1.0, 2.0])),
        lambda: next(PurgedKFold().split([], [])),
    ],
)
def test_what_is_no_scheme_and_no_life_is_refused(mistake: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        mistake()


def test_too_few_samples_to_teach_are_refused_by_name() -> None:
    t0 = np.arange(30)
    with pytest.raises(DataError, match="30 samples end before"):
        list(ExpandingWalkForward(25, 10).split(t0, t0))
    with pytest.raises(DataError, match="no sample is left to teach"):
        list(ExpandingWalkForward(10, 10).split(t0, t0 + 25))
    with pytest.raises(DataError, match="no sample is left to teach"):
        list(CombinatorialPurgedCV(5, 4, memory=30).split(t0, t0))
    with pytest.raises(DataError, match="3 samples"):
        list(PurgedKFold(5).split([0, 1, 2], [1, 2, 3]))
