"""Labels against a loop that follows their definition word by word."""

import math

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.features import UNKNOWN_AT, labels


def with_gaps(walk: Bars, missing: tuple[tuple[int, int], ...]) -> Bars:
    keep = np.ones(len(walk), dtype=bool)
    for start, length in missing:
        keep[start : start + length] = False
    columns = (walk.open, walk.high, walk.low, walk.close, walk.volume)
    times = walk.open_time[keep]
    return Bars(walk.symbol, walk.timeframe, times, *(column[keep] for column in columns))


def by_the_book(bars: Bars, t: int, h: int) -> tuple[float, int]:
    if t + 1 + h >= len(bars):
        return math.nan, UNKNOWN_AT
    for earlier in range(t + 1, t + 1 + h):
        hole = bars.open_time[earlier + 1] - bars.close_time[earlier]
        if hole > bars.timeframe.ms:
            return math.nan, UNKNOWN_AT
    return math.log(bars.open[t + 1 + h] / bars.open[t + 1]), int(bars.close_time[t + 1 + h])


@pytest.mark.parametrize("horizon", [1, 2, 4, 15])
def test_every_label_follows_its_definition(horizon: int, walk: Bars) -> None:
    bars = with_gaps(walk.until(400), ((50, 1), (100, 2), (103, 1), (200, 30), (397, 2)))
    made = labels(bars, horizon)
    for t in range(len(bars)):
        value, known_at = by_the_book(bars, t, horizon)
        assert made.y[t] == pytest.approx(value, abs=1e-15, nan_ok=True), t
        assert made.known_at[t] == known_at, t


def test_one_missing_bar_is_no_gap_and_two_are(walk: Bars) -> None:
    assert np.isnan(labels(with_gaps(walk, ((50, 1),)), 1).y[:-2]).sum() == 0
    assert np.flatnonzero(np.isnan(labels(with_gaps(walk, ((50, 2),)), 1).y[:-2])).tolist() == [48]


def test_a_return_of_zero_stays_zero(walk: Bars) -> None:
    level = np.full(20, 100.0)
    still = Bars(walk.symbol, walk.timeframe, walk.open_time[:20], *[level] * 5)
    made = labels(still, 3)
    assert (made.y[:16] == 0.0).all()
    assert np.isnan(made.y[16:]).all()


def test_no_label_is_known_before_the_open_it_ends_on(walk: Bars) -> None:
    made = labels(walk, 4)
    known = ~np.isnan(made.y)
    assert known.sum() == len(walk) - 5
    delay = made.known_at[known] - walk.close_time[known]
    assert (delay == 5 * walk.timeframe.ms).all()


def test_bars_that_come_later_change_no_known_label(walk: Bars) -> None:
    early, late = labels(walk.until(500), 4), labels(walk, 4)
    known = ~np.isnan(early.y)
    np.testing.assert_array_equal(early.y[known], late.y[:500][known])
    np.testing.assert_array_equal(early.known_at[known], late.known_at[:500][known])


@pytest.mark.parametrize("rows", [0, 1, 4, 5])
def test_a_series_too_short_for_a_label_has_none(rows: int, walk: Bars) -> None:
    made = labels(walk.until(rows), 4)
    assert len(made) == rows
    assert np.isnan(made.y).all()
    assert (made.known_at == UNKNOWN_AT).all()


def test_a_horizon_below_one_is_refused(walk: Bars) -> None:
    with pytest.raises(UsageError, match="horizon is 0"):
        labels(walk, 0)
