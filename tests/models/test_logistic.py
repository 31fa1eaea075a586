"""Logistic regression against scikit-learn and statsmodels, and its stream against its batch."""

from typing import Any

import numpy as np
import pytest
import sklearn.linear_model

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.models import logistic_stream
from folkmoot.models.logistic_regression import LogisticRegression, legacy_capissimo


def sample(rows: int = 1500, columns: int = 6) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(12)
    x = rng.standard_normal((rows, columns)) * np.arange(1.0, columns + 1.0)
    odds = 0.3 * x[:, 0] - 0.1 * x[:, 3] - 0.4
    return x, (rng.random(rows) < 1.0 / (1.0 + np.exp(-odds))).astype(np.float64)


@pytest.mark.parametrize("c", [0.001, 1.0, 100.0])
def test_the_optimum_is_scikit_learns(c: float) -> None:
    x, up = sample()
    weights = np.random.default_rng(1).random(len(up)) + 0.1
    ours = LogisticRegression(c).fit(x, up, weights)
    theirs = sklearn.linear_model.LogisticRegression(C=c, tol=1e-12, max_iter=20_000)
    theirs.fit(x, up, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_[0], rtol=0.0, atol=1e-6)
    assert ours.intercept_ == pytest.approx(theirs.intercept_[0], abs=1e-6)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))


def test_without_a_penalty_coefficients_and_errors_are_statsmodels() -> None:
    discrete = pytest.importorskip(
        "statsmodels.discrete.discrete_model", reason="needs statsmodels"
    )
    x, up = sample()
    ours = LogisticRegression(C=None).fit(x, up)
    theirs = discrete.Logit(up, np.column_stack((np.ones(len(x)), x))).fit(disp=False, tol=1e-12)
    np.testing.assert_allclose([ours.intercept_, *ours.coef_], theirs.params, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(ours.standard_errors_, theirs.bse, rtol=1e-6)


def test_standard_errors_are_the_inverse_information_in_closed_form() -> None:
    x, up = sample()
    ours = LogisticRegression(C=0.5).fit(x, up)
    p, design = ours.predict_proba(x)[:, 1], np.column_stack((np.ones(len(x)), x))
    information = (design * (p * (1.0 - p))[:, None]).T @ design
    information[np.arange(1, 7), np.arange(1, 7)] += 2.0
    wanted = np.sqrt(np.diag(np.linalg.inv(information)))
    np.testing.assert_allclose(ours.standard_errors_, wanted, rtol=1e-9)


def test_unknown_values_and_wrong_shapes_are_refused() -> None:
    x, up = sample(100)
    with pytest.raises(UsageError):
        LogisticRegression(C=0.0)
    with pytest.raises(Untrained):
        LogisticRegression().predict(x)
    with pytest.raises(DataError, match="both 0 and 1"):
        LogisticRegression().fit(x, np.ones(100))
    with pytest.raises(DataError, match="unknown"):
        LogisticRegression().fit(np.where(x > 2.0, np.nan, x), up)
    with pytest.raises(DataError):
        LogisticRegression().fit(x, up[:50])
    with pytest.raises(DataError, match="columns"):
        LogisticRegression().fit(x, up).predict(x[:, :2])


def test_the_script_of_that_name_is_one_closed_step() -> None:
    prices = np.array([0.4, 0.3, 0.5, 0.2])
    w = np.zeros(1)
    target = np.log(np.abs(prices[1:] ** 2 - 1.0) + 0.5)
    for _ in range(1000):
        w -= 0.0009 * (prices[1:] * (0.5 - target)).mean()
    wanted = 1.0 / (1.0 + np.exp(-(prices[1:] * w).sum()))
    found = legacy_capissimo(prices)
    assert np.isnan(found[:2]).all()
    assert found[3] == pytest.approx(wanted, rel=1e-9)
    assert (legacy_capissimo(np.linspace(5e4, 7e4, 50))[2:] == 1.0).all()


def fitted(market: Any, rows: int = 2400, **options: Any) -> Any:
    model = models.build("logistic_ftrl", horizons=(1, 5), **options)
    return model.fit(market.x().rows(slice(0, rows)), market.labels(1, 2)[:rows], np.ones(rows))


def test_rows_learnt_one_by_one_are_the_batch_to_the_bit(market: Any) -> None:
    model = fitted(market)
    x, y = market.x().of(*model.columns), market.labels(1, 2)
    stream = model.stream(fresh=True)
    for row, moved in zip(x[:2400], y[:2400], strict=True):
        stream.learn(row, moved)
    np.testing.assert_array_equal(stream.state, model.learnt["state"])
    pushed = np.array([stream.push(row) for row in x[2400:2450]])
    asked = model.predict(market.x().rows(slice(2400, 2450))).p_up
    np.testing.assert_array_equal(pushed, asked)


def test_a_stream_goes_on_from_the_fit_and_leaves_it_alone(market: Any) -> None:
    model = fitted(market)
    before = model.learnt["state"].copy()
    stream, x = model.stream(), market.x().of(*model.columns)
    was = stream.push(x[2500])
    for row in x[2400:2500]:
        stream.learn(row, np.array([0.01, np.nan]))
    assert stream.push(x[2500])[0] > was[0]
    assert stream.push(x[2500])[1] == was[1]
    np.testing.assert_array_equal(model.learnt["state"], before)


def test_unknown_rows_and_returns_teach_a_stream_nothing(market: Any) -> None:
    stream = fitted(market).stream()
    before, row = stream.state.copy(), np.zeros(8)
    stream.learn(np.full(8, np.nan), np.array([0.1, 0.1]))
    stream.learn(row, np.array([np.nan, 0.0]))
    stream.learn(row, np.array([0.1, 0.1]), weight=0.0)
    np.testing.assert_array_equal(stream.state, before)
    assert np.isnan(stream.push(np.full(8, np.nan))).all()
    with pytest.raises(DataError):
        stream.push(np.zeros(3))


def test_sparsity_silences_columns_that_foretell_nothing(market: Any) -> None:
    model = fitted(market, sparsity=30.0, c=1.0)
    silent = dict(zip(model.columns, model.learnt["beta"][0, 1:] == 0.0, strict=True))
    assert silent["noise"]
    assert not silent["momentum"]


def test_many_passes_come_near_the_optimum() -> None:
    x, up = sample(400, 4)
    state, ones = np.zeros((2, 5)), np.ones(400)
    for _ in range(300):
        logistic_stream.learn(x, up, ones, state, 0.5, 1.0, 0.0)
    found = logistic_stream.coefficients(state, 0.5, 1.0, 0.0)
    wanted = LogisticRegression(C=None).fit(x, up)
    np.testing.assert_allclose(found[1:], wanted.coef_, atol=0.06)


@pytest.mark.parametrize("options", [{"solver": "adam"}, {"rate": 0.0}, {"passes": 0}, {"c": -1.0}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("logistic", **options)


def test_only_the_streaming_form_streams(market: Any) -> None:
    model = models.build("logistic")
    model.fit(market.x(), market.labels(1, 1), market.weights(1))
    with pytest.raises(UsageError):
        model.stream()
