"""The recurrent members: their presets' sizes, their options, what they can explain."""

from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.errors import UsageError

pytest.importorskip("torch", reason="needs the extra neural")

SIZES = {
    "lstm_standard": 145_091,
    "lstm_bidirectional": 309_187,
    "lstm_stacked": 516_611,
    "gru_standard": 95_523,
    "gru_bidirectional": 198_723,
    "gru_stacked": 410_027,
    "gru_attention": 115_619,
    "gru_residual": 147_115,
    "lstm_model": 1_273_027,
    "trading_model": 348_547,
    "cnn_lstm": 103_491,
}
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("lstm_standard", {"hidden": 0}),
    ("lstm_standard", {"dropout": 1.0}),
    ("gru_standard", {"layers": 0}),
    ("gru_standard", {"kind": "gated"}),
    ("gru_attention", {"mode": "cosine"}),
    ("gru_residual", {"both": True}),
    ("gru_bidirectional", {"every": True}),
    ("lstm_bidirectional", {"every": True}),
    ("gru_attention", {"every": True, "mode": "dot"}),
    ("lstm_model", {"heads": 7}),
    ("lstm_model", {"layers": 0}),
    ("trading_model", {"heads": 3}),
    ("trading_model", {"channels": 0}),
    ("cnn_lstm", {"stride": 4}),
    ("cnn_lstm", {"sizes": (0, 3)}),
]
QUICK: dict[str, Any] = {"lookback": 8, "hidden": 8, "training": {"epochs": 1, "windows": 256}}


def fitted(name: str, market: Any, **options: Any) -> Any:
    model = models.build(name, **{**QUICK, **options})
    x = market.x(model.lookback).rows(slice(0, 500))
    return model.fit(x, market.labels(model.lookback, len(model.horizons))[:500], np.ones(500))


@pytest.mark.parametrize("name", SIZES)
def test_the_reference_has_the_published_size(name: str) -> None:
    from folkmoot.models.networks.head import count

    assert count(models.build(name).reference()) == SIZES[name]


@pytest.mark.parametrize(("name", "options"), REFUSED)
def test_options_that_make_no_network_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build(name, **options)


@pytest.mark.parametrize("mode", ["additive", "dot"])
def test_an_attending_gru_tells_which_bars_it_looked_at(mode: str, market: Any) -> None:
    model = fitted("gru_attention", market, mode=mode)
    told = model.explain(market.x(8).rows(slice(600, 605)))
    assert told["attention"].shape == (5, 8)
    np.testing.assert_allclose(told["attention"].sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", ["lstm_standard", "gru_standard", "gru_attention", "gru_residual"])
def test_a_member_that_is_taught_at_every_bar_finds_the_edge(name: str, market: Any) -> None:
    training = {"epochs": 5, "windows": 768, "batch": 32, "rate": 5e-3}
    model = models.build(name, **{**QUICK, "training": training}, every=True)
    x, y, asked = market.x(8), market.labels(8, 1), slice(2000, 2900)
    model.fit(x.rows(slice(0, 1900)), y[:1900], np.ones(1900))
    right = (model.predict(x.rows(asked)).p_up > 0.5) == (y[asked] > 0.0)
    assert right.mean() >= 0.74


def test_the_lstm_of_document_004_has_a_head_for_each_horizon(market: Any) -> None:
    model = fitted("lstm_model", market, heads=2, horizons=(1, 5))
    assert len(model.networks()[0].heads) == 2
    told = model.explain(market.x(8).rows(slice(600, 605)))
    assert told["attention"].shape == (5, 2, 1, 8)


def test_the_trading_model_reads_candles_and_the_decision_bars_columns(market: Any) -> None:
    model = fitted("trading_model", market, channels=8)
    told = model.explain(market.x(8).rows(slice(600, 605)))
    assert told["attention"].shape == (5, 4, 8, 8)
    assert told["gate"].shape == (5, 8)
    assert model.networks()[0].model.config["n_indicators"] == len(model.columns)


def test_the_convolutions_keep_their_sizes_through_a_save(market: Any) -> None:
    model = fitted("cnn_lstm", market, channels=8, sizes=(4, 2))
    again = type(model).restore(*model.state())
    x = market.x(8).rows(slice(600, 605))
    np.testing.assert_array_equal(again.predict(x).p_up, model.predict(x).p_up)
    assert again.sizes == (4, 2)
