"""Labels of the three questions against loops that follow their definitions word by word."""

import math

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.features import UNKNOWN_AT, labels
from folkmoot.features.barriers import triple_barrier
from folkmoot.features.image_labels import (
    HEADS,
    fit_thresholds,
    image_classes,
    outlook,
)

WALK = random_walk(1500)
HORIZON = 24
FOUND = outlook(WALK, HORIZON)


def by_the_book(t: int) -> tuple[float, float, float]:
    past = np.log(WALK.close[t - 500 : t + 1])
    path = np.log(WALK.open[t + 1 : t + 2 + HORIZON])
    steps = [path[k + 1] - path[k] for k in range(HORIZON)]
    leaps = [path[k + 4] - path[k] for k in range(HORIZON - 3)]
    usual = math.sqrt(np.mean(np.diff(past) ** 2))
    volatility = math.sqrt(np.mean(np.square(steps))) / usual
    efficiency = abs(path[-1] - path[0]) / sum(abs(step) for step in steps)
    return volatility, efficiency, np.var(leaps) / (4.0 * np.var(steps))


def test_every_measure_follows_its_definition() -> None:
    barrier = triple_barrier(WALK, HORIZON**0.5, HORIZON**0.5, 100, HORIZON)
    for t in range(500, 1500 - HORIZON - 1):
        volatility, efficiency, ratio = by_the_book(t)
        assert FOUND.volatility[t] == pytest.approx(volatility, rel=1e-10)
        assert FOUND.efficiency[t] == pytest.approx(efficiency, rel=1e-10)
        assert FOUND.ratio[t] == pytest.approx(ratio, rel=1e-9)
        assert FOUND.barrier[t] == barrier.label[t]
        assert FOUND.known_at[t] == WALK.close_time[t + 1 + HORIZON]


def test_a_random_walk_goes_each_way_about_a_third_of_the_time() -> None:
    walk = outlook(random_walk(20_000), HORIZON)
    shares = [(walk.barrier[walk.known] == side).mean() for side in (1.0, -1.0, 0.0)]
    np.testing.assert_allclose(shares, 1.0 / 3.0, atol=0.07)


def test_what_is_not_known_yet_is_unknown() -> None:
    known = np.flatnonzero(FOUND.known)
    assert (known[0], known[-1]) == (500, 1500 - HORIZON - 2)
    assert (FOUND.known_at[~FOUND.known] == UNKNOWN_AT).all()
    np.testing.assert_array_equal(FOUND.known_at[known], labels(WALK, HORIZON).known_at[known])


def test_every_class_follows_from_thresholds_and_priority() -> None:
    training = np.arange(1500) < 1000
    cuts = fit_thresholds(FOUND, training)
    made = image_classes(FOUND, cuts)
    for t in range(1500):
        if not FOUND.known[t]:
            assert (made[t] == -1).all()
            continue
        v, e, r = FOUND.volatility[t], FOUND.efficiency[t], FOUND.ratio[t]
        level = sum(v > cut for cut in (cuts.calm, cuts.normal, cuts.elevated))
        quiet = "mean_reverting" if r < cuts.reverting else "quiet"
        regime = "trending" if e > cuts.trending else quiet
        regime = "volatile" if level == 3 else regime
        way = {1.0: "bullish", -1.0: "bearish", 0.0: "neutral"}[FOUND.barrier[t]]
        words = [names[k] for names, k in zip(HEADS.values(), made[t], strict=True)]
        assert words == [regime, way, HEADS["volatility"][level]]


def test_thresholds_are_quartiles_of_the_training_rows_alone() -> None:
    training = np.arange(1500) < 1000
    cuts = fit_thresholds(FOUND, training)
    expected = np.quantile(FOUND.volatility[500:1000], (0.25, 0.5, 0.75))
    np.testing.assert_allclose([cuts.calm, cuts.normal, cuts.elevated], expected)
    assert cuts.trending == pytest.approx(np.quantile(FOUND.efficiency[500:1000], 0.75))
    assert cuts.reverting == pytest.approx(np.quantile(FOUND.ratio[500:1000], 0.25))
    made = image_classes(FOUND, cuts)[500:1000]
    assert np.bincount(made[:, 2]).tolist() == [125, 125, 125, 125]
    assert set(cuts.as_dict()) == {"calm", "normal", "elevated", "trending", "reverting"}


def test_bars_that_come_later_change_no_known_label() -> None:
    early = outlook(WALK.until(1000), HORIZON)
    for name in ("volatility", "efficiency", "ratio", "barrier", "known_at"):
        late = getattr(FOUND, name)[:1000][early.known]
        np.testing.assert_array_equal(getattr(early, name)[early.known], late)


def test_missing_bars_end_what_is_known_and_still_ones_are_quiet() -> None:
    keep = np.ones(1500, dtype=bool)
    keep[700:705] = False
    columns = [getattr(WALK, name)[keep] for name in ("open", "high", "low", "close", "volume")]
    found = outlook(Bars(WALK.symbol, WALK.timeframe, WALK.open_time[keep], *columns), HORIZON)
    unknown = np.flatnonzero(~found.known[500 : 1495 - HORIZON - 1]) + 500
    assert unknown.tolist() == list(range(699 - HORIZON, 699))
    level = np.r_[WALK.close[:700], np.full(100, WALK.close[699])]
    still = Bars(WALK.symbol, WALK.timeframe, WALK.open_time[:800], *[level] * 4, np.ones(800))
    found = outlook(still, HORIZON)
    row = image_classes(found, fit_thresholds(found, found.known))[720]
    assert row.tolist() == [3, 2, 0]


def test_too_short_a_horizon_and_too_few_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="horizon is 7"):
        outlook(WALK, 7)
    with pytest.raises(DataError, match="29 rows"):
        fit_thresholds(FOUND, np.arange(1500) < 529)
    assert not outlook(WALK.until(0)).known.any()
