"""Exports of TradingView charts as independent numbers (tolerances: the data folder's README)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from folkmoot.causal import close, compile, ema
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import (
    adx,
    bollinger,
    kernel_regression,
    lorentzian_features,
    lorentzian_filters,
)

FEATURES = {"f1": "n_rsi", "f2": "n_wt", "f3": "n_cci", "f4": "n_adx", "f5": "n_rsi_second"}


def read(path: Path, timeframe: str) -> tuple[Bars, pd.DataFrame]:
    frame = pd.read_parquet(path)
    times = frame["timestamp"].astype("int64").to_numpy()
    prices = [frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close")]
    # Exchanges round the four prices of a bar apart; the oracle's own numbers use them as they are.
    prices[1] = np.maximum.reduce(prices)
    prices[2] = np.minimum.reduce(prices)
    unknown = np.full(len(frame), np.nan)
    return Bars("ORACLE", Timeframe.of(timeframe), times, *prices, unknown), frame


@pytest.fixture(scope="module")
def nifty() -> tuple[dict[str, Floats], pd.DataFrame]:
    path = Path(__file__).parents[3] / "shared/data/oracles/tradingview_lorentzian_NIFTY_1d.parquet"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    bars, frame = read(path, "1d")
    lines = {"adx": adx(20, 20)["adx"], **lorentzian_features(), **kernel_regression()}
    for form, original in (("original", True), ("clean", False)):
        filters = lorentzian_filters(original=original)
        lines |= {f"{form}_{name}": expr for name, expr in filters.items()}
    return compile(lines).batch(bars), frame


def largest_error(ours: Floats, theirs: pd.Series, start: int = 0) -> float:
    expected = theirs.to_numpy()
    known = ~np.isnan(expected)
    known[:start] = False
    assert known.sum() > 1_500
    return float(np.max(np.abs(ours[known] - expected[known])))


@pytest.mark.parametrize("feature", FEATURES)
def test_the_five_features_are_tradingviews(feature: str, nifty: tuple) -> None:
    values, frame = nifty
    ours = values[FEATURES[feature]]
    assert largest_error(ours, frame[feature]) < 1e-12
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(frame[feature].to_numpy()))


@pytest.mark.parametrize(
    ("line", "theirs"), [("rational_quadratic", "yhat1"), ("gaussian", "yhat2")]
)
def test_kernels_are_tradingviews(line: str, theirs: str, nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(values[line], frame[theirs]) < 1e-10
    np.testing.assert_array_equal(np.isnan(values[line]), np.isnan(frame[theirs].to_numpy()))


def test_the_kernel_of_palm_oil_is_tradingviews(shared: Path) -> None:
    path = shared / "data/oracles/tradingview_lorentzian_kernel_FCPO_3m.parquet"
    # Nine timeframes have no 3 minutes; the kernel reads no clock.
    bars, frame = read(path, "1m")
    ours = compile(kernel_regression()).batch(bars)["rational_quadratic"]
    expected = frame["Kernel_Regression_Estimate"].to_numpy()
    np.testing.assert_allclose(ours[26:], expected[26:], rtol=0.0, atol=1e-10)


def signals(prediction: Floats, passed: Floats) -> Floats:
    """Follow the script: the sign of the prediction where all filters pass, else the last one."""
    signal, seen = 0.0, []
    for said, good in zip(prediction, passed, strict=True):
        signal = np.sign(said) if good and said != 0.0 else signal
        seen.append(signal)
    return np.array(seen)


@pytest.mark.parametrize("form", ["original", "clean"])
def test_the_exported_signal_follows_from_its_prediction_and_our_filters(
    form: str, nifty: tuple
) -> None:
    values, frame = nifty
    passed = (values[f"{form}_volatility"] == 1.0) & (values[f"{form}_regime"] == 1.0)
    prediction, signal = frame["prediction"].to_numpy(), frame["signal"].to_numpy()
    np.testing.assert_array_equal(signals(prediction, passed), signal)
    assert np.count_nonzero(np.diff(signal)) == 55
    everywhere = signals(prediction, np.ones(len(frame), dtype=bool))
    assert np.count_nonzero(everywhere != signal) > 100


def test_adx_agrees_with_the_script_once_its_first_bar_is_forgotten(nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(values["adx"] / 100.0, frame["f4"], start=1_000) < 1e-12


@pytest.mark.parametrize("n", [20, 50, 144, 169, 200, 576, 676])
def test_exponential_means_are_tradingviews(n: int, shared: Path) -> None:
    path = shared / "data/oracles/tradingview_ema_BTCUSDT_4h.parquet"
    bars, frame = read(path, "4h")
    ours = compile({"ema": ema(close, n)}).batch(bars)["ema"]
    np.testing.assert_allclose(ours[6_000:], frame[f"ema{n}"].to_numpy()[6_000:], rtol=1e-7)


def test_bollinger_width_is_tradingviews(shared: Path) -> None:
    path = shared / "data/oracles/tradingview_lorentzian_kernel_FCPO_3m.parquet"
    bars, frame = read(path, "1m")
    ours = compile({"width": bollinger()["width"]}).batch(bars)["width"]
    expected = frame["Bollinger_BandWidth"].to_numpy()
    np.testing.assert_allclose(ours[19:], expected[19:], atol=1e-8)
