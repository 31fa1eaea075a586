"""Statistics against scipy, textbook values, and their own promised error rates."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from folkmoot.core.errors import DataError
from folkmoot.proof.bootstrap import resampled, sharpe_interval
from folkmoot.proof.overlap import inflation
from folkmoot.proof.reliability import calibration, reliability
from folkmoot.proof.sharpe import (
    bars_a_year,
    deflated,
    deflated_sharpe,
    expected_max_sharpe,
    exposure,
    max_drawdown,
    position_changes,
    probabilistic_sharpe,
    shape,
    sharpe_ratio,
    turnover,
)
from folkmoot.proof.statistics import (
    accuracy,
    bound_accuracy,
    brier,
    diebold_mariano,
    gross_bp,
    holm,
    log_loss,
    long_run_variance,
    mean_interval,
    newey_west_lags,
    share_interval,
    share_z,
    weighted_accuracy,
    wilson,
)

DIGEST = "7f" * 32


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (530, 1000), (10, 10)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    interval = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)


def test_scores_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    p = rng.uniform(0.01, 0.99, 500)
    up = (rng.random(500) < p).astype(float)
    assert log_loss(p, up) == pytest.approx(metrics.log_loss(up, p), rel=1e-12)
    assert brier(p, up) == pytest.approx(metrics.brier_score_loss(up, p), rel=1e-12)
    assert accuracy(p, up) == metrics.accuracy_score(up, p > 0.5)


def test_certainty_is_clipped_and_never_infinitely_wrong() -> None:
    assert log_loss(np.array([1.0]), np.array([0.0])) == pytest.approx(-math.log(1e-4))
    assert brier(np.array([0.0]), np.array([1.0])) == pytest.approx((1.0 - 1e-4) ** 2)


def test_accuracy_by_size_and_gross_gain_see_what_accuracy_hides() -> None:
    p = np.array([0.6, 0.6, 0.6, 0.4])
    returns = np.array([0.001, 0.001, -0.01, -0.001])
    assert accuracy(p, (returns > 0).astype(float)) == 0.75
    assert weighted_accuracy(p, returns) == pytest.approx(0.003 / 0.013)
    assert gross_bp(p, returns) == pytest.approx(-17.5)


def test_the_long_run_variance_of_an_average_is_that_of_theory() -> None:
    rng = np.random.default_rng(5)
    e = rng.standard_normal(200_001)
    assert long_run_variance(e[1:] + 0.5 * e[:-1], 60) == pytest.approx(2.25, rel=0.03)
    x = np.array([1.0, 2.0, 4.0, 3.0])
    by_hand = (2.25 + 0.25 + 2.25 + 0.25 + 2 * 0.5 * (0.75 - 0.75 + 0.75)) / 4
    assert long_run_variance(x, 1) == pytest.approx(by_hand)
    assert [newey_west_lags(n) for n in (100, 20_000)] == [4, 12]


def test_diebold_mariano_is_a_t_test_where_nothing_is_correlated() -> None:
    rng = np.random.default_rng(2)
    gain = rng.standard_normal(60) + 0.2
    test = diebold_mariano(-gain, np.zeros(60))
    variance = long_run_variance(gain, 3) / 60
    expected = gain.mean() / math.sqrt(variance) * math.sqrt((60 + 1 - 2) / 60)
    assert newey_west_lags(60) == 3
    assert test.freedom == 59
    assert test.statistic == pytest.approx(expected, rel=1e-12)
    assert test.p == pytest.approx(stats.t.sf(expected, 59), rel=1e-9)


def test_diebold_mariano_of_equal_losses_finds_nothing() -> None:
    assert diebold_mariano(np.ones(50), np.ones(50)).p == 1.0
    with pytest.raises(DataError, match="at least 10"):
        diebold_mariano(np.ones(9), np.ones(9))
    with pytest.raises(DataError, match="1 of them unknown"):
        diebold_mariano(np.array([np.nan, *[1.0] * 20]), np.ones(21))


@pytest.mark.parametrize(("horizon", "n"), [(1, 800), (2, 800), (5, 800), (24, 800), (24, 8_000)])
def test_diebold_mariano_errs_no_more_often_than_it_says(horizon: int, n: int) -> None:
    rejected = [diebold_mariano(-g, np.zeros(n), horizon).p <= 0.05 for g in sums(horizon, n)]
    assert 0.035 <= np.mean(rejected) <= 0.065


@pytest.mark.parametrize("horizon", [1, 5, 24])
def test_the_interval_of_a_mean_covers_as_often_as_it_says(horizon: int) -> None:
    found = [mean_interval(gain, horizon) for gain in sums(horizon, 800)]
    inside = [low <= 0.0 <= high for _, low, high in found]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_a_mean_at_horizon_1_allows_for_correlation() -> None:
    e = np.random.default_rng(4).standard_normal((1_000, 601))
    inside = [low <= 0.0 <= high for _, low, high in map(mean_interval, e[:, 1:] + 0.3 * e[:, :-1])]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


# Always up, a side kept for 100 bars on average, a fresh side on every bar.
@pytest.mark.parametrize("flips", [0.0, 0.01, 0.5])
@pytest.mark.parametrize("horizon", [1, 5, 24])
def test_the_interval_of_an_accuracy_covers_as_often_as_it_says(horizon: int, flips: float) -> None:
    rng = np.random.default_rng(3)
    inside, z = [], []
    for gain in sums(horizon, 2_000):
        side = np.where(np.cumsum(rng.random(2_000) < flips) % 2, -1.0, 1.0)
        right = (side * gain > 0.0).astype(float)
        low, high = share_interval(right, horizon)
        inside.append(low <= 0.5 <= high)
        z.append(abs(share_z(right, horizon)))
    assert np.mean(inside) >= 0.93
    assert np.mean(np.array(z) > 3.29) <= 0.003


def test_an_accuracy_at_horizon_1_is_a_plain_share() -> None:
    right = np.array([1.0] * 55 + [0.0] * 45)
    assert share_interval(right) == wilson(55, 100)
    assert share_z(right) == pytest.approx(1.0)


def test_a_run_of_luck_counts_for_as_many_rows_as_do_not_overlap() -> None:
    assert inflation(np.ones(240), 24).variance == 24.0
    low, high = share_interval(np.ones(240), 24)
    assert low < wilson(10, 10)[0]
    assert high == 1.0
    assert share_z(np.full(240, 0.5), 24) == 0.0
    assert inflation(np.resize([0.0, 1.0], 240), 5).variance == 1.0


def sums(horizon: int, n: int, tries: int = 1_000) -> np.ndarray:
    """Sums of `horizon` independent steps, each row overlapping the next: no gain on average."""
    steps = np.random.default_rng(horizon).standard_normal((tries, n + horizon))
    np.cumsum(steps, axis=1, out=steps)
    return steps[:, horizon:] - steps[:, :-horizon]


def test_holm_agrees_with_its_definition_and_keeps_names() -> None:
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}
    expected = {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    assert holm(p) == pytest.approx(expected)
    assert holm([]) == []


def test_no_test_detects_less_than_the_bound() -> None:
    n = 5_352
    assert bound_accuracy(n, alpha=0.05, power=0.9) == pytest.approx(0.52, abs=1e-4)
    bound = bound_accuracy(2_000)
    critical = stats.binom.isf(0.005, 2_000, 0.5)
    assert stats.binom.sf(critical, 2_000, bound) == pytest.approx(0.8, abs=0.015)
    assert bound_accuracy(0) == 1.0
    assert bound_accuracy(3) == 1.0


def test_bootstrap_blocks_are_of_the_mean_length_asked_for() -> None:
    n = 20_000
    steps = np.zeros(n)
    steps[::2] = 1.0
    sums = resampled(steps, 400, 50.0, np.uint64(1))[:, 0] / n
    assert sums.mean() == pytest.approx(0.5, abs=1e-3)
    iid = np.random.default_rng(1).standard_normal(n)
    spread = resampled(iid, 4_000, 1.0, np.uint64(2))[:, 0] / n
    assert spread.std() == pytest.approx(iid.std() / math.sqrt(n), rel=0.05)
    assert spread.mean() == pytest.approx(iid.mean(), abs=5e-4)


def test_bootstrapped_sharpe_bounds_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    inside = above = 0
    for i in range(1_000):
        found = sharpe_interval(
            rng.standard_normal(1_000) + 0.05, 1.0, f"{i:064x}", mean_block=10.0, draws=400
        )
        inside += found.interval[0] <= 0.05 <= found.interval[1]
        above += found.lower > 0.05
    assert inside / 1_000 == pytest.approx(0.95, abs=0.02)
    assert above / 1_000 == pytest.approx(0.05, abs=0.02)


def test_the_same_hash_draws_the_same_bounds() -> None:
    returns = np.random.default_rng(9).standard_normal(5_000) * 0.01 + 0.0003
    one, two = (sharpe_interval(returns, 8_766.0, DIGEST) for _ in range(2))
    assert one == two
    assert one != sharpe_interval(returns, 8_766.0, "0" * 64)
    assert one.sharpe == pytest.approx(sharpe_ratio(returns, 8_766.0))
    assert one.interval[0] < one.lower < one.sharpe < one.upper < one.interval[1]
    assert sharpe_interval(np.zeros(50), 8_766.0, DIGEST).upper == 0.0


def test_deflated_sharpe_reproduces_the_published_example() -> None:
    year = 250.0
    assert expected_max_sharpe(100, 0.5 / year) == pytest.approx(0.1132, abs=5e-5)
    found = deflated_sharpe(2.5 / math.sqrt(year), 1_250, 100, 0.5 / year, -3.0, 10.0)
    assert found == pytest.approx(0.9004, abs=5e-5)


def test_the_best_of_many_noise_strategies_does_not_pass() -> None:
    rng = np.random.default_rng(3)
    trials = rng.standard_normal((200, 1_000))
    ratios = np.array([sharpe_ratio(t) for t in trials])
    best = trials[ratios.argmax()]
    assert probabilistic_sharpe(float(ratios.max()), 1_000, *shape(best)) > 0.98
    assert deflated(best, 200) < 0.95
    assert ratios.max() == pytest.approx(expected_max_sharpe(200, ratios.var()), rel=0.25)
    assert expected_max_sharpe(1, 1.0) == 0.0


def test_moments_agree_with_scipy() -> None:
    x = np.random.default_rng(1).lognormal(size=400)
    assert shape(x) == pytest.approx((stats.skew(x), stats.kurtosis(x, fisher=False)), rel=1e-12)
    assert shape(np.ones(5)) == (0.0, 3.0)


def test_a_year_has_the_bars_it_really_has() -> None:
    sessions = np.array([d * 86_400_000 + h * 3_600_000 for d in range(366) for h in range(7)])
    assert bars_a_year(sessions) == pytest.approx(7 * 365.25, rel=0.005)


def test_what_a_backtest_reports() -> None:
    weights = np.array([0.0, 0.5, 0.5, -0.5])
    assert turnover(weights) == pytest.approx(1.5 / 4)
    assert position_changes(weights) == 2
    assert exposure(weights) == 0.75
    assert max_drawdown(np.array([1.0, 0.5, 2.0, 1.5])) == 0.5


def test_reliability_bins_have_equal_mass_and_name_their_counts() -> None:
    rng = np.random.default_rng(7)
    p = rng.uniform(0.3, 0.7, 1_003)
    up = (rng.random(1_003) < p).astype(float)
    table = reliability(p, up)
    assert [b.n for b in table] == [101] * 3 + [100] * 7
    assert sum(b.n * b.share for b in table) == pytest.approx(up.sum())
    assert all(a.p < b.p for a, b in pairwise(table))
    assert reliability(p[:0], up[:0]) == ()


@pytest.mark.parametrize("n", [500, 5_000])
def test_a_right_forecaster_passes_its_own_null_and_a_wrong_one_does_not(n: int) -> None:
    rng = np.random.default_rng(n)
    passed = []
    for _ in range(100):
        p = np.clip(rng.normal(0.5, 0.05, n), 0.05, 0.95)
        up = (rng.random(n) < p).astype(float)
        found = calibration(p, up, DIGEST, simulations=200)
        passed.append(found.error <= found.null_95)
    assert np.mean(passed) > 0.88
    assert calibration(p, up, DIGEST).null_95 == pytest.approx(
        {500: 0.079, 5_000: 0.026}[n], rel=0.1
    )
    boastful = calibration(np.where(p > 0.5, 0.65, 0.35), up, DIGEST)
    assert boastful.error > boastful.null_95
    assert boastful.p_value < 0.01
