"""What single members promise beyond the laws, against independent numbers."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from folkmoot import models
from folkmoot.core.errors import DataError, UsageError
from folkmoot.models import newton, scaling
from folkmoot.models.lorentzian import vote


@pytest.mark.parametrize("c", [0.0025, 1.0, 1e4])
def test_newton_agrees_with_scikit_learn(c: float) -> None:
    rng = np.random.default_rng(2)
    z = rng.standard_normal((2000, 12))
    z[:, 5] = 0.98 * z[:, 4] + 0.02 * z[:, 5]
    up = (rng.random(2000) < 1.0 / (1.0 + np.exp(-0.7 * z[:, 0] - 0.2))).astype(np.float64)
    weights = rng.random(2000) + 0.1
    beta = newton.fit_logistic(z, up, weights, c)
    peer = LogisticRegression(C=c, tol=1e-12, max_iter=20_000).fit(z, up, sample_weight=weights)
    np.testing.assert_allclose(beta, [*peer.intercept_, *peer.coef_[0]], rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(
        newton.probability(z, beta), peer.predict_proba(z)[:, 1], rtol=0.0, atol=1e-6
    )


def test_newton_survives_a_column_that_separates_the_labels() -> None:
    z = np.linspace(-5.0, 5.0, 400)[:, None]
    up = (z[:, 0] > 0.0).astype(np.float64)
    beta = newton.fit_logistic(z, up, np.ones(400), 100.0)
    peer = LogisticRegression(C=100.0, tol=1e-12, max_iter=20_000).fit(z, up)
    np.testing.assert_allclose(beta[1], peer.coef_[0, 0], rtol=1e-5)


def test_scores_are_robust_and_a_constant_column_scores_zero() -> None:
    rng = np.random.default_rng(4)
    values = np.column_stack(
        [rng.normal(7.0, 3.0, 5000), np.full(5000, 0.1), rng.random(5000) < 0.02]
    )
    values[:5, 0] = 1e9
    z = scaling.score(values, *scaling.fit_scaling(values), 5.0)
    assert abs(np.median(z[:, 0])) < 1e-12
    assert 0.95 < z[5:, 0].std() < 1.05
    assert (z[:5, 0] == 5.0).all()
    assert (z[:, 1] == 0.0).all()
    assert (np.unique(z[:, 2]).size, z[:, 2].max()) == (2, 5.0)


def test_neighbours_are_the_exact_nearest_and_ties_go_to_the_more_recent() -> None:
    rng = np.random.default_rng(9)
    places, rows = np.round(rng.random((500, 5)), 1), np.round(rng.random((300, 5)), 1)
    votes = np.column_stack(((rng.random(500) < 0.5).astype(float), np.ones(500)))
    found = vote(rows, places, votes, 8, 1.0)
    for row, p_up in zip(rows, found, strict=True):
        # The same product in the same order, so that equal distances tie exactly.
        distance = np.ones(500)
        for j in range(5):
            distance = distance * (1.0 + np.abs(row[j] - places[:, j]))
        nearest = np.argsort(distance, kind="stable")[:8]
        assert p_up == (1.0 + votes[nearest, 0].sum()) / 10.0


def test_lorentzian_keeps_the_most_recent_candidates_at_its_stride(market: Any) -> None:
    model = models.build("lorentzian", candidates=50, stride=4)
    x, y = market.x(), market.labels(1, 1)
    model.fit(x, y, np.ones(len(x)))
    last = np.flatnonzero(np.isfinite(y[:, 0]))[-1]
    np.testing.assert_array_equal(
        model.learnt["places_1"], x.of(*model.columns)[last - 4 * np.arange(50)]
    )


def test_persistence_counts_with_fifty_rows_at_the_base_rate(market: Any) -> None:
    model = models.build("persistence")
    x, y = market.x(2), market.labels(2, 1)
    model.fit(x, y, np.ones(len(x)))
    closes = x.values[:, :, x.names.index("log_close")]
    move, known = closes[:, 1] - closes[:, 0], np.isfinite(y[:, 0]) & (y[:, 0] != 0.0)
    after_rise = known & (move > 0.0)
    rate = ((y[known, 0] > 0.0).sum() + 0.5) / (known.sum() + 1.0)
    wanted = ((y[after_rise, 0] > 0.0).sum() + 50.0 * rate) / (after_rise.sum() + 50.0)
    assert model.learnt["table"][0, 2] == pytest.approx(wanted, abs=1e-12)


def test_quantiles_cover_what_they_say_and_scale_with_volatility(make_market: Any) -> None:
    market = make_market(n=8000, seed=11, same=0.5)
    model = models.build("base_rate", horizons=(1, 5))
    x, y = market.x(), market.labels(1, 2)
    model.fit(x.rows(slice(0, 5000)), y[:5000], np.ones(5000))
    answer = model.predict(x.rows(slice(5000, 7990)))
    covered = (y[5000:7990, :, None] <= answer.quantiles).mean(axis=0)
    np.testing.assert_allclose(covered, np.tile(answer.levels, (2, 1)), atol=0.03)
    wide = answer.quantiles[:, :, 6] / x.rows(slice(5000, 7990)).of("ewma_vol")
    np.testing.assert_allclose(wide, np.tile(wide[:1], (len(wide), 1)), rtol=1e-12)


def test_labels_that_all_go_one_way_are_refused(market: Any) -> None:
    x = market.x()
    with pytest.raises(DataError, match=r"all \d+ labels are up"):
        models.build("logistic").fit(x, np.full((len(x), 1), 0.01), np.ones(len(x)))


def test_an_unknown_member_is_answered_with_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        models.build("oracle")
    assert caught.value.allowed == list(models.MODELS)
    assert set(models.BASELINES + models.REFERENCES + models.DEFAULT) <= set(models.MODELS)


def test_asking_for_the_names_loads_no_numerical_library() -> None:
    code = (
        "import sys, folkmoot.models as m; m.MODELS;"
        "heavy = {'numba', 'lightgbm', 'sklearn', 'scipy', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
