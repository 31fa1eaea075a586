"""Laws of the weights: any that mean nothing are refused, and only their ratios matter."""

from typing import Any

import numpy as np
import pytest
from tests.models import test_laws as laws

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Forecast
from folkmoot.models import newton, scaling
from folkmoot.models.neural.network import Network

TAUGHT = 700
ASKED = slice(900, 960)
BINARY = (2.0**-20, 2.0**30)
DECIMAL = (1.0 / TAUGHT, 1e-6, 3e9)


def weighed(name: str, market: Any, weights: Floats) -> Forecast:
    """Return what a member that was taught 700 rows of those weights answers."""
    model = laws.small(name)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1)
    taught = slice(0, TAUGHT)
    return model.fit(x.rows(taught), y[taught], weights).predict(x.rows(ASKED))


def of_two_kinds() -> Floats:
    """Return weights as labels that overlap have them, some of them zero."""
    weights = 0.1 + np.random.default_rng(3).random(TAUGHT)
    weights[::50] = 0.0
    return weights


def is_network(name: str) -> bool:
    return issubclass(plugins.load("folkmoot.models", name), Network)


@laws.every
@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan, -1.0, -1e-300])
def test_a_weight_that_means_nothing_is_refused(name: str, wrong: float, market: Any) -> None:
    weights = np.ones(TAUGHT)
    weights[5] = wrong
    with pytest.raises(UsageError, match="weight") as caught:
        weighed(name, market, weights)
    assert "finite" in str(caught.value.allowed)


@laws.every
def test_rows_that_all_weigh_nothing_teach_nothing(name: str, market: Any) -> None:
    with pytest.raises(DataError, match="known"):
        weighed(name, market, np.zeros(TAUGHT))


@laws.every
def test_the_unit_of_the_weights_does_not_matter(name: str, market: Any) -> None:
    weights = of_two_kinds()
    wanted = weighed(name, market, weights)
    for factor in BINARY[:1] if is_network(name) else BINARY:
        laws.same(weighed(name, market, factor * weights), wanted)
    for factor in DECIMAL[:1] if is_network(name) else DECIMAL:
        found, apart = weighed(name, market, factor * weights), 1e-4 if is_network(name) else 1e-6
        np.testing.assert_allclose(found.p_up, wanted.p_up, rtol=0.0, atol=apart)
        np.testing.assert_allclose(found.quantiles, wanted.quantiles, rtol=apart, atol=1e-6)


@pytest.mark.parametrize("name", ["logistic", "persistence", "lorentzian", "kernel", "ewma"])
@pytest.mark.parametrize("size", [1e-6, 1.0 / TAUGHT, 1e-300, 1e300])
def test_equal_weights_answer_like_ones(name: str, size: float, market: Any) -> None:
    ones = weighed(name, market, np.ones(TAUGHT))
    laws.same(weighed(name, market, np.full(TAUGHT, size)), ones)


def test_even_weights_are_one_on_average_and_ones_stay_ones() -> None:
    weights = of_two_kinds()
    found = scaling.even(weights)
    assert found[weights > 0.0].mean() == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_array_equal(found == 0.0, weights == 0.0)
    np.testing.assert_array_equal(scaling.even(np.ones(999)), np.ones(999))
    np.testing.assert_array_equal(scaling.even(np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(scaling.even(np.full(3, 1.7e308)), np.ones(3))
    np.testing.assert_array_equal(scaling.even(4.0 * weights), found)


@pytest.mark.parametrize("part", ["score", "weight", "c"])
@pytest.mark.parametrize("value", [np.inf, np.nan, 1e308])
def test_newton_ends_where_no_step_is_finite(part: str, value: float) -> None:
    rng = np.random.default_rng(1)
    z, up, weights = rng.standard_normal((200, 3)), (rng.random(200) < 0.5) * 1.0, np.ones(200)
    if part == "score":
        z[7, 1] = value
    if part == "weight":
        weights[:2] = value
    with pytest.raises(DataError, match="finite"):
        newton.fit_logistic(z, up, weights, value if part == "c" else 1.0)


@pytest.mark.parametrize("weight", [np.inf, np.nan, -1.0])
def test_a_stream_refuses_a_weight_that_means_nothing(weight: float, market: Any) -> None:
    model = models.build("logistic_ftrl")
    x, y = market.x(), market.labels(1, 1)
    stream = model.fit(x.rows(slice(0, 2000)), y[:2000], np.ones(2000)).stream()
    with pytest.raises(UsageError, match="weight"):
        stream.learn(x.of(*model.columns)[2100], y[2100], weight)
