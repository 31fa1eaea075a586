"""The original loop against TradingView and golden numbers; the exact variant against a search."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from folkmoot import models
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import Table, windows
from folkmoot.models import lorentzian_loop
from folkmoot.models.lorentzian import vote
from folkmoot.models.lorentzian_classifier import LorentzianClassifier

T = np.arange(300.0)
GOLDEN = np.column_stack([0.5 + 0.5 * np.sin(T / 5.0), 0.5 + 0.5 * np.cos(T / 11.0)])
CLOSES = 100.0 + 10.0 * np.sin(T / 7.0) + 3.0 * np.sin(T / 2.3) + 0.02 * T
START = 5994


@pytest.fixture
def nifty(shared: Path) -> tuple[Floats, Floats, Floats]:
    frame = pd.read_parquet(shared / "data/oracles/tradingview_lorentzian_NIFTY_1d.parquet")
    values = frame[["f1", "f2", "f3", "f4", "f5"]].to_numpy(np.float64)
    return np.ascontiguousarray(values), frame["close"].to_numpy(), frame["prediction"].to_numpy()


def test_the_golden_predictions_come_out() -> None:
    model = LorentzianClassifier(variant="jdehorty").fit(GOLDEN, CLOSES)
    assert model.votes[288:].tolist() == [6, 6, 6, 5, 4, 2, 3, 4, 2, 1, 0, 0]
    assert model.votes.sum() == 344


def test_all_predictions_of_the_export_are_tradingviews(nifty: tuple) -> None:
    values, closes, expected = nifty
    model = LorentzianClassifier(variant="jdehorty").fit(values, closes)
    assert model.start == START
    assert np.isnan(model.votes[:START]).all()
    np.testing.assert_array_equal(model.votes[START:], expected[START:])
    assert len(expected) - START == 2001


def test_thirty_bars_of_replay_give_what_the_script_carries_on(nifty: tuple) -> None:
    values, closes, expected = nifty
    labels = lorentzian_loop.labels_of(closes)[:2000]
    rows = np.arange(START + 60, len(closes))
    windows = np.lib.stride_tricks.sliding_window_view(values, 30, axis=0).transpose(0, 2, 1)
    tried = np.full(len(rows), 2000)
    found = lorentzian_loop.replayed(windows[rows - 29], values[:2000], labels, tried, 8)
    np.testing.assert_array_equal(found, expected[rows])


def test_a_stopped_chart_goes_on_as_one(nifty: tuple) -> None:
    values, closes, _ = nifty
    model = LorentzianClassifier(variant="jdehorty").fit(values[:7000], closes[:7000])
    more = model.decision_function(values[7000:], closes[7000:])
    start = lorentzian_loop.first_predicted(7000)
    whole = lorentzian_loop.predictions(values, lorentzian_loop.labels_of(closes), start)
    np.testing.assert_array_equal(more, whole[7000:])


def test_exact_votes_are_those_of_a_search_through_what_was_known() -> None:
    rng = np.random.default_rng(2)
    values, closes = rng.random((400, 3)), np.exp(np.cumsum(0.01 * rng.standard_normal(400)))
    found = LorentzianClassifier(horizon=3, stride=2, max_bars_back=100).fit(values, closes).votes
    for t in (150, 222, 399):
        places = np.arange(t - 3, t - 101, -2)
        away = np.log1p(np.abs(values[t] - values[places])).sum(axis=1)
        nearest = places[np.argsort(away, kind="stable")[:8]]
        assert found[t] == np.sign(closes[nearest + 3] - closes[nearest]).sum()


@pytest.mark.parametrize("variant", ["exact", "jdehorty"])
def test_later_bars_change_no_earlier_vote(variant: str) -> None:
    rng = np.random.default_rng(5)
    values, closes = rng.random((600, 4)), rng.random(600)
    model = LorentzianClassifier(variant).fit(values[:300], closes[:300])
    before = model.decision_function(values[300:500], closes[300:500])
    after = model.decision_function(values[300:], closes[300:])
    np.testing.assert_array_equal(before, after[:200])


def test_bars_are_classified_by_the_features_of_the_script(walk: Bars) -> None:
    model = LorentzianClassifier(horizon=4).fit(walk.until(1500))
    up = model.predict_proba(walk)
    said = model.predict(walk)
    assert up.shape == (500, 2)
    np.testing.assert_allclose(up.sum(axis=1), 1.0)
    assert ((up[:, 1] > 0.5) == (said > 0.0)).all()
    original = LorentzianClassifier("jdehorty").fit(walk.until(1500))
    assert set(np.unique(original.predict(walk))) <= {-1.0, 0.0, 1.0}


def test_what_cannot_be_classified_is_refused(walk: Bars) -> None:
    with pytest.raises(UsageError):
        LorentzianClassifier("approximate")
    with pytest.raises(UsageError):
        LorentzianClassifier().fit(GOLDEN)
    with pytest.raises(DataError):
        LorentzianClassifier().fit(GOLDEN[:4], CLOSES[:4])
    with pytest.raises(Untrained):
        LorentzianClassifier().predict(GOLDEN, CLOSES)
    with pytest.raises(UsageError, match="probabilities"):
        LorentzianClassifier("jdehorty").fit(GOLDEN, CLOSES).predict_proba(GOLDEN, CLOSES)


def fitted(market: Any, name: str = "lorentzian", **options: Any) -> Any:
    model = models.build(name, **options)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1)
    return model.fit(x.rows(slice(0, 2400)), y[:2400], np.ones(2400))


def test_with_abstention_the_most_novel_rows_are_not_answered(market: Any) -> None:
    model, x = fitted(market, abstain=0.9), market.x().rows(slice(2400, 2990))
    novelty = model.novelty(x)[:, 0]
    silent = np.isnan(model.predict(x).p_up[:, 0])
    np.testing.assert_array_equal(silent, novelty > 0.9)
    assert 0.02 < silent.mean() < 0.3
    with pytest.raises(UsageError):
        fitted(market, "lorentzian_jdehorty").novelty(x)


def test_the_original_answers_how_often_its_prediction_was_followed_by_a_rise(
    make_market: Callable[..., Any],
) -> None:
    market = make_market(n=6000, seed=8)
    model = models.build("lorentzian_jdehorty")
    x, y = market.x(model.lookback), market.labels(model.lookback, 1)
    model.fit(x.rows(slice(0, 5000)), y[:5000], np.ones(5000))
    answer = model.predict(x.rows(slice(5000, 5900))).p_up[:, 0]
    assert set(np.unique(answer)) <= set(model.learnt["rates"][0])
    said = np.unique(answer, return_inverse=True)[1]
    assert len(np.unique(said)) > 5


@pytest.mark.parametrize("options", [{"variant": "near"}, {"abstain": 0.0}, {"replay": 4}])
def test_impossible_options_of_the_member_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("lorentzian", **options)


@pytest.mark.parametrize("size", [1e8, 1e80, 1e307])
def test_a_row_infinitely_far_from_all_candidates_is_unknown(size: float) -> None:
    rng = np.random.default_rng(3)
    places, rows = rng.standard_normal((500, 45)), rng.standard_normal((20, 45))
    votes = np.column_stack(((rng.random(500) < 0.5).astype(float), np.ones(500)))
    near = vote(rows, places, votes, 8, 1.0)
    assert np.isnan(vote(size * rows, size * places, votes, 8, 1.0)).all()
    rows[7] *= size
    found = vote(rows, places, votes, 8, 1.0)
    assert np.isnan(found[7])
    np.testing.assert_array_equal(np.delete(found, 7), np.delete(near, 7))


def test_fewer_candidates_than_neighbours_have_no_vote() -> None:
    assert np.isnan(vote(np.zeros((2, 3)), np.zeros((7, 3)), np.ones((7, 2)), 8, 1.0)).all()


@pytest.mark.parametrize("name", ["lorentzian", "lorentzian_jdehorty"])
def test_a_bar_beyond_all_measure_is_unknown_and_touches_no_other(name: str, market: Any) -> None:
    model = fitted(market, name)
    x = market.x(model.lookback).rows(slice(2400, 2500))
    values = x.values.copy()
    values[40, -1, [x.names.index(column) for column in model.columns]] = 1e80
    broken = Features(values, x.names, x.known_at)
    found, was = model.predict(broken), model.predict(x)
    assert np.isnan(found.p_up[40]).all()
    assert np.isnan(found.quantiles[40]).all()
    np.testing.assert_array_equal(np.delete(found.p_up, 40, 0), np.delete(was.p_up, 40, 0))


def test_unscaled_columns_leave_the_member_without_an_answer(make_market: Any) -> None:
    market = make_market()
    names = [f"unscaled_{k}" for k in range(45)]
    more = 1e8 * np.random.default_rng(1).standard_normal((len(market.table), 45))
    values = np.column_stack((more, market.table.values))
    table = Table(values, (*names, *market.table.names), market.table.known_at)
    model = models.build("lorentzian", columns=tuple(names))
    x, y = windows(table, 1), market.labels(1, 1)
    model.fit(x.rows(slice(0, 2400)), y[:2400], np.ones(2400))
    assert np.isnan(model.predict(x).p_up).all()
    assert np.isnan(model.novelty(x)).all()
