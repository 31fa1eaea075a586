"""Triple barriers and uniqueness against loops that follow their definitions word by word."""

import math

import numpy as np
import pandas as pd
import pytest
from tests.conftest import random_walk

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.features import UNKNOWN_AT, labels
from folkmoot.features.barriers import ewm_deviation, triple_barrier, uniqueness

WALK = random_walk(900)


def gapped(seed: int = 3) -> Bars:
    """Return a walk with opens away from the close before, wide bars, and three missing spells."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(0.006 * rng.standard_normal(900)))
    open_ = np.r_[100.0, close[:-1]] * np.exp(0.006 * rng.standard_normal(900))
    high = np.maximum(open_, close) * np.exp(0.01 * rng.random(900))
    low = np.minimum(open_, close) * np.exp(-0.01 * rng.random(900))
    keep = np.ones(900, dtype=bool)
    keep[[300, 400, 401, 600, 601, 602]] = False
    columns = (c[keep] for c in (open_, high, low, close, np.ones(900)))
    return Bars("GAP/USD", WALK.timeframe, WALK.open_time[keep], *columns)


def by_the_book(bars: Bars, s: np.ndarray, t: int, a: float, b: float, h: int) -> tuple:
    unknown = (math.nan, math.nan, -1, UNKNOWN_AT, False)
    if t + 1 >= len(bars) or not s[t] > 0.0:
        return unknown
    entry = bars.open[t + 1]
    high, low = entry * (1 + a * s[t]), entry * (1 - b * s[t])
    for k in range(t + 1, t + 2 + h):
        if k >= len(bars):
            return unknown
        if k > t + 1 and bars.open_time[k] - bars.close_time[k - 1] > bars.timeframe.ms:
            return unknown
        at_open = bars.open[k] if k > t + 1 else entry
        stop, goal = bars.low[k] <= low, bars.high[k] >= high
        if at_open >= high or at_open <= low or k == t + 1 + h:
            label, fill, both = float(at_open >= high) - float(at_open <= low), at_open, False
        elif stop or goal:
            label, fill, both = (-1.0, low, bool(goal)) if stop else (1.0, high, False)
        else:
            continue
        return label, math.log(fill / entry), k, int(bars.close_time[k]), both
    raise AssertionError


@pytest.mark.parametrize("bars", [WALK, gapped()], ids=["walk", "gapped"])
@pytest.mark.parametrize(("a", "b", "h"), [(2.0, 2.0, 48), (1.0, 3.0, 7), (0.8, 0.8, 1)])
def test_every_label_follows_its_definition(bars: Bars, a: float, b: float, h: int) -> None:
    made = triple_barrier(bars, a, b, 50, h)
    s = pd.Series(bars.close).pct_change().ewm(span=50, min_periods=50).std().to_numpy()
    for t in range(len(bars)):
        label, y, t1, known_at, both = by_the_book(bars, s, t, a, b, h)
        assert made.label[t] == pytest.approx(label, nan_ok=True), t
        assert made.y[t] == pytest.approx(y, abs=1e-12, nan_ok=True), t
        assert (made.t1[t], made.known_at[t], made.both[t]) == (t1, known_at, both), t


def test_all_three_barriers_gaps_and_both_in_one_bar_occur() -> None:
    made = triple_barrier(gapped(), 1.5, 1.5, 50, 2)
    assert {-1.0, 0.0, 1.0} <= set(made.label[np.isfinite(made.label)].tolist())
    assert made.both.any()
    assert (made.label[made.both] == -1.0).all()
    goal = np.log1p(1.5 * ewm_deviation(gapped().close, 50))
    assert (made.y > goal + 1e-9)[made.label == 1.0].any(), "no gap was filled at its open"


def test_the_deviation_is_the_one_of_pandas() -> None:
    close = WALK.close.copy()
    close[[200, 333]] = np.nan
    change = pd.Series(close).pct_change(fill_method=None)
    wanted = change.ewm(span=30, min_periods=30).std()
    np.testing.assert_allclose(ewm_deviation(close, 30), wanted, rtol=1e-10)


def test_barriers_that_are_never_met_leave_the_return_of_the_horizon() -> None:
    made, wanted = triple_barrier(WALK, 1e6, 1e6, 2, 5), labels(WALK, 5)
    known = np.isfinite(made.label)
    assert known.sum() > 800
    np.testing.assert_array_equal(made.label[known], 0.0)
    np.testing.assert_allclose(made.y[known], wanted.y[known], atol=1e-15)
    np.testing.assert_array_equal(made.known_at[known], wanted.known_at[known])
    np.testing.assert_array_equal(made.signs[known], np.sign(wanted.y[known]))


def test_bars_that_come_later_change_no_known_label() -> None:
    early, late = triple_barrier(WALK.until(500)), triple_barrier(WALK)
    known = early.t1 >= 0
    assert known.sum() > 300
    for name in ("label", "y", "t1", "known_at"):
        np.testing.assert_array_equal(getattr(early, name)[known], getattr(late, name)[:500][known])
    assert (late.known_at[:500][~known] >= WALK.close_time[500]).all() or not (~known).any()


def test_uniqueness_is_the_mean_share_of_every_bar_of_a_life() -> None:
    made = triple_barrier(gapped(), 2.0, 2.0, 50, 24)
    start = np.arange(len(made)) + 1
    weights = uniqueness(start, made.t1)
    known = made.t1 >= 0
    alive = np.zeros(len(made) + 1)
    for first, last in zip(start[known], made.t1[known], strict=True):
        alive[first : last + 1] += 1
    for row in np.flatnonzero(known):
        expected = (1.0 / alive[start[row] : made.t1[row] + 1]).mean()
        assert weights[row] == pytest.approx(expected, rel=1e-9)
    assert np.isnan(weights[~known]).all()


def test_labels_apart_are_unique_and_equal_ones_share() -> None:
    np.testing.assert_allclose(uniqueness([0, 5, 9], [4, 8, 9]), 1.0)
    np.testing.assert_allclose(uniqueness([3, 3, 3, 3], [7, 7, 7, 7]), 0.25)
    assert len(uniqueness([], [])) == 0


@pytest.mark.parametrize(
    "given", [{"upper": 0.0}, {"lower": -1.0}, {"lower": math.nan}, {"span": 1}, {"horizon": 0}]
)
def test_impossible_barriers_are_refused(given: dict) -> None:
    with pytest.raises(UsageError):
        triple_barrier(WALK, **given)


def test_impossible_lives_are_refused() -> None:
    for start, t1 in (([3], [2]), ([-1], [2]), ([1, 2], [3]), ([[1]], [[2]])):
        with pytest.raises(UsageError):
            uniqueness(start, t1)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_series_too_short_for_a_label_has_none(rows: int) -> None:
    made = triple_barrier(WALK.until(rows))
    assert len(made) == rows
    assert np.isnan(made.label).all()
    assert (made.known_at == UNKNOWN_AT).all()
