"""The convolutional members: presets, options, and the stream of the temporal network."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.models.conftest import Market, make

from folkmoot import models
from folkmoot.core.errors import Untrained, UsageError
from folkmoot.core.forecast import Features
from folkmoot.models.cnn import PRESETS

pytest.importorskip("torch", reason="needs the extra neural")

LOOKBACK = 20
SMALL = {
    "width": 8,
    "depth": 2,
    "lookback": LOOKBACK,
    "training": {"epochs": 1, "windows": 1_000, "seeds": 2},
}


@cache
def fitted() -> Any:
    market = make()
    model = models.build("cnn_tcn", horizons=(1, 5), **SMALL)
    x = market.x(LOOKBACK).rows(slice(0, 2_000))
    return model.fit(x, market.labels(LOOKBACK, 2)[:2_000], np.ones(2_000))


def bars(market: Market) -> Features:
    return market.x(1).rows(slice(2_000, 2_400))


def windows(market: Market) -> Features:
    return market.x(LOOKBACK).rows(slice(2_000, 2_400 - LOOKBACK + 1))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn_standard", 204_291),
        ("cnn_resnet", 219_299),
        ("cnn_multiscale", 282_051),
        ("cnn_dilated", 149_347),
        ("cnn_tcn", 201_523),
    ],
)
def test_the_reference_of_a_preset_has_the_parameters_of_the_table(
    name: str, parameters: int
) -> None:
    from folkmoot.models.networks.head import count

    assert count(models.build(name).reference()) == parameters


def test_there_are_five_presets() -> None:
    assert {name for name in models.MODELS if name in PRESETS} == set(PRESETS)
    assert len(PRESETS) == 5


def test_a_stream_forecasts_what_the_windows_forecast(market: Market) -> None:
    model = fitted()
    wanted, found = model.predict(windows(market)), model.stream().push(bars(market))
    assert np.isnan(found.p_up[: LOOKBACK - 1]).all()
    assert np.isnan(found.quantiles[: LOOKBACK - 1]).all()
    np.testing.assert_allclose(found.p_up[LOOKBACK - 1 :], wanted.p_up, atol=1e-5, rtol=0.0)
    np.testing.assert_allclose(
        found.quantiles[LOOKBACK - 1 :], wanted.quantiles, atol=1e-7, rtol=1e-4
    )


def test_a_stream_knows_the_same_bars_as_the_windows(market: Market) -> None:
    values = market.table.values
    values[2_100, 0] = values[2_200, market.table.names.index("ewma_vol")] = np.nan
    model = fitted()
    wanted, found = model.predict(windows(market)), model.stream().push(bars(market))
    assert np.isnan(wanted.p_up).any()
    np.testing.assert_array_equal(np.isnan(found.p_up[LOOKBACK - 1 :]), np.isnan(wanted.p_up))


def test_bars_may_be_pushed_one_by_one_or_together(market: Market) -> None:
    together = fitted().stream().push(bars(market))
    stream = fitted().stream()
    single = [stream.push(bars(market).rows(slice(k, k + 1))).p_up for k in range(400)]
    np.testing.assert_array_equal(np.concatenate(single), together.p_up)


def test_the_presets_window_has_no_exact_stream(market: Market) -> None:
    model = models.build("cnn_tcn", width=8, training={"epochs": 1, "windows": 256})
    model.fit(market.x(60), market.labels(60, 1), market.weights(60))
    with pytest.raises(UsageError, match="sees 125") as caught:
        model.stream()
    assert "lookback >= 125" in str(caught.value.allowed)


def test_an_unfitted_network_has_no_stream() -> None:
    with pytest.raises(Untrained):
        models.build("cnn_tcn", lookback=125).stream()


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "square"},
        {"pool": "spans"},
        {"width": 0},
        {"depth": 0},
        {"kernels": ()},
        {"kernels": (3, 5)},
        {"dropout": 1.0},
        {"kind": "plain", "depth": 3},
        {"kind": "residual", "kernels": (3,)},
        {"kind": "multiscale", "kernels": (3, 3)},
    ],
)
def test_options_that_do_not_fit_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("cnn_tcn", **options)
