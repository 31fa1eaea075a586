"""Any scheme asks a member only of what it was not taught, directly or through a label."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models.conftest import make

from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.features import labels
from folkmoot.features.barriers import triple_barrier, uniqueness
from folkmoot.market import world
from folkmoot.training import (
    CombinatorialPurgedCV,
    Crossed,
    ExpandingWalkForward,
    PurgedKFold,
    RollingWalkForward,
    Samples,
    cross_validate,
)
from folkmoot.training.splits import Scheme

BARS = world("planted", seed=3, n=2400).bars
SCHEMES: list[Scheme] = [
    ExpandingWalkForward(first=800, test=400),
    RollingWalkForward(first=800, train=700, test=400),
    PurgedKFold(4),
    CombinatorialPurgedCV(5, 2),
]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda one: type(one).__name__)


def test_samples_are_the_labels_that_are_known_and_weigh_their_uniqueness() -> None:
    samples = Samples.of(BARS, horizons=(1, 5))
    y = np.column_stack([labels(BARS, h).y for h in (1, 5)])
    np.testing.assert_array_equal(samples.rows, np.flatnonzero(np.isfinite(y[:, 1])))
    np.testing.assert_array_equal(samples.y, y[samples.rows])
    np.testing.assert_array_equal(samples.t1, samples.rows + 6)
    inside = samples.weights[10:-10]
    assert np.ptp(inside) < 1e-12
    assert samples.weights[0] > inside[0]


def test_samples_of_barriers_live_until_one_is_met() -> None:
    told = {"upper": 2.0, "lower": 1.0, "horizon": 20}
    samples, found = Samples.of(BARS, barriers=told), triple_barrier(BARS, **told)
    known = np.flatnonzero(found.t1 >= 0)
    np.testing.assert_array_equal(samples.rows, known)
    np.testing.assert_array_equal(samples.y[:, 0], found.y[known])
    np.testing.assert_array_equal(samples.weights, uniqueness(known + 1, found.t1[known]))
    assert samples.horizons == (20,)
    assert np.ptp(samples.weights) > 0.1
    with pytest.raises(UsageError, match="wide"):
        Samples.of(BARS, barriers={"wide": 2.0})
    with pytest.raises(UsageError, match="beside"):
        Samples.of(BARS, horizons=(1, 5), barriers=told)


def asked_of(found: Crossed) -> np.ndarray:
    return np.isfinite(found.p_up[:, :, 0])


@every_scheme
def test_every_sample_that_is_due_is_asked_once_a_path(scheme: Scheme) -> None:
    samples = Samples.of(BARS)
    found = cross_validate("base_rate", samples, scheme)
    paths = scheme.paths()
    assert found.p_up.shape == (1 if paths is None else len(paths), len(samples), 1)
    assert found.quantiles.shape == (*found.p_up.shape, len(LEVELS))
    if paths is None:
        due = np.concatenate([asked for _, asked in scheme.split(samples.rows, samples.t1)])
        np.testing.assert_array_equal(np.flatnonzero(asked_of(found)[0]), due)
    else:
        assert asked_of(found)[:, 200:].all()


@every_scheme
@pytest.mark.parametrize("barriers", [None, {"horizon": 20}], ids=["returns", "barriers"])
def test_labels_that_touch_what_is_asked_teach_nothing(
    scheme: Scheme, barriers: dict[str, float] | None
) -> None:
    samples = Samples.of(BARS, barriers=barriers)
    first = cross_validate("logistic", samples, scheme)
    for taught, asked in scheme.split(samples.rows, samples.t1):
        lives = np.zeros(len(BARS), dtype=bool)
        for place in asked:
            lives[samples.rows[place] : samples.t1[place] + 1] = True
        shared = np.cumsum(np.r_[0, lives])
        touching = shared[samples.t1[taught] + 1] - shared[samples.rows[taught]]
        assert not touching.any()
    # What the asked samples themselves became changes no forecast of them.
    _, asked = next(iter(scheme.split(samples.rows, samples.t1)))
    turned = samples.y.copy()
    turned[asked] *= -3.0
    second = cross_validate("logistic", replace(samples, y=turned), scheme)
    group = asked[: len(asked) // 4] if scheme.paths() is not None else asked
    np.testing.assert_array_equal(first.p_up[0, group], second.p_up[0, group])


@every_scheme
def test_a_planted_edge_is_found_and_weights_have_their_say(scheme: Scheme) -> None:
    market = make(2400)
    rows = np.flatnonzero(np.isfinite(market.y[:, 0]))
    y, ones = market.y[rows, :1], np.ones(len(rows))
    samples = Samples(market.table, rows, y, rows + 2, ones, (1,))
    found = cross_validate("logistic", samples, scheme)
    known = asked_of(found)[0]
    right = (found.p_up[0, known, 0] > 0.5) == (y[known, 0] > 0.0)
    assert right.mean() > 0.74
    heavy = np.where(y[:, 0] > 0.0, 5.0, 1.0)
    more = cross_validate("logistic", replace(samples, weights=heavy), scheme)
    assert np.nanmean(more.p_up) > np.nanmean(found.p_up) + 0.1


def test_a_window_is_kept_apart_from_what_is_asked() -> None:
    pytest.importorskip("torch", reason="needs the extra neural")
    quick = {"lookback": 16, "training": {"epochs": 1, "windows": 128, "batch": 64}}
    told: list[int] = []
    samples = Samples.of(BARS)
    found = cross_validate("dlinear", samples, PurgedKFold(3), quick, told.append)
    assert told == [1, 2, 3]
    bound = cross_validate("dlinear", samples, PurgedKFold(3, memory=24), quick)
    np.testing.assert_array_equal(found.p_up, bound.p_up)  # a hundredth of the samples is more
    apart = cross_validate("dlinear", samples, PurgedKFold(3, memory=200), quick)
    assert not np.array_equal(found.p_up, apart.p_up)
