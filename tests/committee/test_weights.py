"""Weights, margins and the roster."""

import math
from typing import Any

import numpy as np
import pytest

from folkmoot.committee import Committee
from folkmoot.committee.conformal import adapted, margin, remember, score, window
from folkmoot.committee.roster import DEFAULT_MODELS
from folkmoot.committee.state import earnings
from folkmoot.committee.weights import (
    add_gain,
    earned,
    log_pool,
    mean_and_z,
    newey_west_lags,
    share,
)
from folkmoot.core.errors import UsageError


def test_running_sums_give_the_newey_west_z() -> None:
    x = np.random.default_rng(1).standard_normal(700)
    x[1:] += 0.4 * x[:-1]
    found = earnings(1, 1, 64)
    for gain in x:
        add_gain(found, 0, 0, gain)
        found.n[0] += 1
    lags = newey_west_lags(700, 1)
    assert lags == 6
    d = x - x.mean()
    variance = d @ d / 700
    for k in range(1, lags + 1):
        variance += 2.0 * (1.0 - k / (lags + 1)) * (d[k:] @ d[:-k]) / 700
    mean, z = mean_and_z(found, 0, 0, lags)
    assert mean == pytest.approx(x.mean())
    assert z == pytest.approx(x.mean() / math.sqrt(variance / 700), rel=1e-9)


def test_a_weight_needs_rows_and_significance() -> None:
    assert earned(0.002, 2.0, 500) == pytest.approx(0.002 * 0.75)
    assert earned(0.002, 2.0, 499) == 0.0
    assert earned(0.002, 1.0, 5_000) == 0.0
    assert earned(-0.002, -3.0, 5_000) == 0.0


def test_a_ratio_never_gives_weight_to_who_has_none() -> None:
    weights = np.array([0.001, 0.0, 0.004])
    share(weights, np.array([0.6, 0.3, 0.2]))
    np.testing.assert_allclose(weights, [0.75, 0.0, 0.25])
    nobody = np.zeros(2)
    share(nobody, np.array([0.6, 0.4]))
    assert (nobody == 0.0).all()


def test_the_pool_leaves_out_who_has_no_forecast() -> None:
    weights = np.array([0.5, 0.3, 0.2])
    assert log_pool(np.array([1.0, math.nan, -1.0]), weights) == pytest.approx(0.3 / 0.7)
    assert math.isnan(log_pool(np.array([math.nan, 1.0]), np.array([1.0, 0.0])))


def test_the_window_of_scores_is_always_sorted_and_the_latest() -> None:
    values = np.round(np.random.default_rng(3).standard_normal(300), 1)
    ring, ordered = np.zeros(50), np.zeros(50)
    for seen, value in enumerate(values):
        remember(ring, ordered, seen, value)
        latest = values[max(0, seen - 49) : seen + 1]
        np.testing.assert_array_equal(ordered[: len(latest)], np.sort(latest))


def test_the_margin_is_the_conformal_rank() -> None:
    ordered = np.arange(500.0)
    assert margin(ordered, 9_999, 0.1) == math.ceil(501 * 0.9) - 1
    assert margin(ordered, 9_999, 0.0) == 499.0
    assert margin(ordered, 9_999, 1.0) == 0.0
    assert margin(ordered, 99, 0.1) == 0.0
    assert margin(np.arange(4000.0), 799, 0.1) == 0.0
    assert adapted(0.1, True, 1) == pytest.approx(0.091)
    assert adapted(0.1, False, 1) == pytest.approx(0.101)
    assert adapted(0.1, True, 30) == pytest.approx(0.1 - 0.009 / 30)
    assert score(3.0, -1.0, 1.0) == 1.0
    assert score(0.0, -1.0, 1.0) == -0.5


@pytest.mark.parametrize("horizon", [1, 5, 30])
def test_an_interval_that_is_right_stays_so_however_far_outcomes_overlap(horizon: int) -> None:
    rng = np.random.default_rng(horizon)
    moves = np.cumsum(rng.standard_normal(30_000 + horizon))
    y = (moves[horizon:] - moves[:-horizon]) / math.sqrt(horizon)
    ring, ordered = np.zeros(window(horizon)), np.zeros(window(horizon))
    alpha, seen, low, high = 0.1, 0, -1.6449, 1.6449
    wider = np.zeros(len(y))
    for t in range(len(y)):
        known = t - horizon - 1
        if known >= 0:
            edge = high + wider[known] * (high - low)
            alpha = adapted(alpha, abs(y[known]) > edge, horizon)
            remember(ring, ordered, seen, score(y[known], low, high))
            seen += 1
        wider[t] = margin(ordered, seen, alpha)
    inside = np.abs(y) <= high + wider * (high - low)
    assert inside.mean() == pytest.approx(0.9, abs=0.01)
    # In widths: an overlap of 30 once blew the interval up by a fifth of its width, to and fro.
    assert abs(wider).mean() < 0.06


def test_a_committee_has_defaults_and_copies_what_it_is_given() -> None:
    assert Committee().models == DEFAULT_MODELS
    options = {"logistic": {"l2": 1.0}}
    committee = Committee(
        models=["logistic", "lightgbm"], horizon=4, horizons=(1, 4),
        weights={"lightgbm": 2, "logistic": 1}, options=options,
    )  # fmt: skip
    options["logistic"]["l2"] = 9.0
    assert committee.options["logistic"]["l2"] == 1.0
    assert committee.weights == {"logistic": 1.0, "lightgbm": 2.0}
    assert committee == Committee(
        models=("logistic", "lightgbm"), horizon=4, horizons=[1, 4],
        weights={"lightgbm": 2.0, "logistic": 1.0}, options={"logistic": {"l2": 1.0}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"models": "logistic"}, "not a list of names"),
        ({"models": []}, "no model"),
        ({"models": ["a", "a"]}, "more than once"),
        ({"models": ["a", 3]}, "not a list of names"),
        ({"horizon": 0}, "horizon 0"),
        ({"horizon": True}, "horizon True"),
        ({"horizon": 1.0}, "horizon 1.0"),
        ({"horizon": 2, "horizons": (1, 5)}, "2 among them"),
        ({"horizons": (1, 1)}, "distinct"),
        ({"models": ["a", "b"], "weights": {"a": 1.0}}, "above 0 for each"),
        ({"models": ["a"], "weights": {"a": 0.0}}, "above 0 for each"),
        ({"models": ["a"], "weights": {"a": math.nan}}, "above 0 for each"),
        ({"models": ["a"], "weights": {"z": 1.0}}, "'z' is not a model"),
        ({"models": ["a"], "options": {"z": {}}}, "'z' is not a model"),
    ],
)
def test_a_wrong_roster_says_what_is_allowed(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Committee(**given)
