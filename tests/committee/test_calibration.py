"""Calibrators against scikit-learn, and the choice between them."""

import math

import numpy as np
import pytest

from folkmoot.committee import Calibrator, calibrate, deliberate
from folkmoot.committee.calibration import (
    ISOTONIC_ROWS,
    extend_order,
    isotonic,
    knot_room,
    platt,
    platt_line,
)
from folkmoot.committee.consensus import posterior_line
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.training import Ballots


def outcomes(n: int, seed: int, slope: float = 1.0, level: float = 0.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n) * 0.7
    up = (rng.random(n) < 1.0 / (1.0 + np.exp(-(slope * x + level)))).astype(float)
    return x, up


@pytest.mark.parametrize("seed", range(5))
def test_platt_agrees_with_scikit_learn(seed: int) -> None:
    reference = pytest.importorskip("sklearn.calibration")._SigmoidCalibration()
    x, up = outcomes(800, seed, slope=0.4 * seed + 0.1, level=0.3)
    reference.fit(x, up)
    fit = platt(x, up)
    ours = np.array([fit(v) for v in x])
    np.testing.assert_allclose(ours, reference.predict(x), atol=2e-5)


@pytest.mark.parametrize("seed", range(5))
def test_platt_agrees_with_logistic_regression_on_its_targets(seed: int) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x, up = outcomes(800, seed, slope=0.4 * seed + 0.1, level=0.3)
    high, low = (up.sum() + 1.0) / (up.sum() + 2.0), 1.0 / ((1.0 - up).sum() + 2.0)
    share = np.where(up > 0.5, high, low)
    both = linear.LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    both.fit(
        np.concatenate((x, x))[:, None],
        np.repeat([1, 0], len(x)),
        np.concatenate((share, 1.0 - share)),
    )
    fit = platt(x, up)
    assert fit.slope == pytest.approx(both.coef_[0, 0], abs=1e-6)
    assert fit.intercept == pytest.approx(both.intercept_[0], abs=1e-6)


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize("seed", range(3))
def test_isotonic_agrees_with_scikit_learn(seed: int, decimals: int) -> None:
    reference = pytest.importorskip("sklearn.isotonic")
    x, up = outcomes(3_000, seed)
    x = np.round(x, decimals)
    edge = 1.0 / (len(x) + 2.0)
    theirs = reference.IsotonicRegression(
        y_min=edge, y_max=1.0 - edge, increasing=True, out_of_bounds="clip"
    ).fit(x, up)
    fit = isotonic(x, up)
    probes = np.concatenate((x, np.linspace(-5.0, 5.0, 401)))
    np.testing.assert_allclose([fit(p) for p in probes], theirs.predict(probes), atol=1e-9)
    assert fit.knot_x is not None
    assert len(fit.knot_x) <= knot_room(len(x))


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    x, up = outcomes(5_000, 3, slope=0.5)
    sums = np.array([x.sum(), (x * x).sum(), (x * up).sum(), up.sum()])
    cold = platt_line(x, len(x), sums, True, 0.0, 0.0)
    for start in ((0.6, 0.1), (30.0, -20.0), (-5.0, 3.0)):
        assert platt_line(x, len(x), sums, True, *start) == pytest.approx(cold, abs=1e-9)


def test_a_forecast_that_never_moves_is_shifted_and_not_stretched() -> None:
    x, up = np.full(600, 0.4), np.zeros(600)
    up[:150] = 1.0
    fit = platt(x, up)
    assert fit.slope == 1.0
    assert fit(0.4) == pytest.approx(0.25, abs=0.002)
    one_sided = platt(np.array([1.0, 2.0]), np.ones(2))
    assert 0.5 < one_sided(1.5) < 1.0


def test_few_rows_get_platt_and_many_get_what_a_later_quarter_prefers() -> None:
    rng = np.random.default_rng(0)
    n = 4 * ISOTONIC_ROWS
    x = rng.uniform(-1.0, 1.0, n)
    stairs = (rng.random(n) < np.where(np.abs(x) < 0.8, 0.5, np.where(x > 0, 0.9, 0.1))) * 1.0
    assert calibrate(x[: ISOTONIC_ROWS - 1], stairs[: ISOTONIC_ROWS - 1]).kind == "platt"
    assert calibrate(x, stairs).kind == "isotonic"
    assert calibrate(*outcomes(n, 1)).kind == "platt"


def test_a_sort_order_grows_as_a_stable_sort_does() -> None:
    x = np.round(np.random.default_rng(2).standard_normal(2_000), 1)
    order = np.zeros(2_000, np.int64)
    done = 0
    for n in (1, 3, 500, 501, 2_000):
        extend_order(x, order, done, n)
        np.testing.assert_array_equal(order[:n], np.argsort(x[:n], kind="stable"))
        done = n


def test_the_posterior_of_the_consensus_is_its_prior_before_any_outcome() -> None:
    line, covariance = np.array([1.0, 0.0]), np.zeros(3)
    posterior_line(np.empty(0), 0, np.zeros(2), 1, line, covariance)
    np.testing.assert_allclose(line, [1.0, 0.0])
    np.testing.assert_allclose(covariance, [0.25, 0.0, 0.01])


def test_the_posterior_of_the_consensus_is_the_minimum_of_its_loss() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x, up = outcomes(400, 5, slope=0.3, level=0.2)
    line, covariance = np.array([1.0, 0.0]), np.zeros(3)
    posterior_line(x, len(x), np.array([up.sum(), (up * x).sum()]), 1, line, covariance)

    def minus_log_posterior(theta: Floats) -> float:
        eta = theta[0] * x + theta[1]
        fit = np.sum(np.logaddexp(0.0, eta) - up * eta)
        return float(fit + 0.5 * ((theta[0] - 1.0) / 0.5) ** 2 + 0.5 * (theta[1] / 0.1) ** 2)

    best = optimize.minimize(minus_log_posterior, [1.0, 0.0], tol=1e-12)
    np.testing.assert_allclose(line, best.x, atol=1e-5)
    p = 1.0 / (1.0 + np.exp(-(line[0] * x + line[1])))
    rows = np.stack((x, np.ones(400)), axis=1)
    hessian = rows.T @ (rows * (p * (1.0 - p))[:, None]) + np.diag([4.0, 100.0])
    inverse = np.linalg.inv(hessian)
    np.testing.assert_allclose(covariance, inverse[[0, 0, 1], [0, 1, 1]], rtol=1e-6)
    twice = np.zeros(3)
    posterior_line(x, len(x), np.array([up.sum(), (up * x).sum()]), 4, line, twice)
    assert twice[0] > covariance[0]


def test_unknown_stays_unknown_and_bad_rows_are_refused() -> None:
    assert math.isnan(Calibrator("platt")(math.nan))
    with pytest.raises(DataError, match="do not fit"):
        platt(np.zeros(3), np.zeros(2))
    with pytest.raises(DataError, match="neither 0 nor 1"):
        isotonic(np.zeros(2), np.array([0.5, 1.0]))


def test_a_logit_that_hardly_moved_is_not_stretched_when_a_refit_moves_it_more() -> None:
    # A reference's two values lay 1e-6 apart in its first block and 0.004 apart in the next.
    rng = np.random.default_rng(5)
    n, first = 3_000, 1_500
    up = rng.random(n) < 0.5
    step = np.where(np.arange(n) < first, 1e-6, 4e-3)
    p_up = np.column_stack([np.full(n, 0.5), 0.5 + step * np.where(rng.random(n) < 0.5, 1.0, -1.0)])
    y = np.where(up, 0.01, -0.01)
    times = 3_600_000 * np.arange(n, dtype=np.int64)
    ballots = Ballots(
        members=("base_rate", "table"),
        p_up=p_up,
        quantiles=np.full((n, 2, 7), np.nan),
        y=y,
        label_known_at=times + 2 * 3_600_000,
        known_at=times,
        block=(np.arange(n) >= first).astype(np.int8),
        cards=[],
        dropped=[],
        tasks_run=0,
        tasks_cached=0,
        artefacts={},
    )
    said = deliberate(ballots, references=("base_rate",), members=("table",)).calibrated[:, 1]
    assert np.nanmin(said[first:]) > 0.4
    assert np.nanmax(said[first:]) < 0.6
