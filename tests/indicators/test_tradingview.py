"""Exports of TradingView charts as independent numbers (tolerances: the data folder's README)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from folkmoot.causal import (
    Expr,
    close,
    compile,
    const,
    decay,
    ema,
    equal,
    high,
    lag,
    low,
    maximum,
    relu,
    running,
    where,
    wilder,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import adx, bollinger, cci, rsi, wavetrend


def read(path: Path, timeframe: str) -> tuple[Bars, pd.DataFrame]:
    frame = pd.read_parquet(path)
    times = frame["timestamp"].astype("int64").to_numpy()
    prices = [frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close")]
    # Exchanges round the four prices of a bar apart; the oracle's own numbers use them as they are.
    prices[1] = np.maximum.reduce(prices)
    prices[2] = np.minimum.reduce(prices)
    unknown = np.full(len(frame), np.nan)
    return Bars("ORACLE", Timeframe.of(timeframe), times, *prices, unknown), frame


def normalised(x: Floats) -> Floats:
    """Rescale by the extremes so far, as the script's `normalize` does."""
    least, most = np.fmin.accumulate(x), np.fmax.accumulate(x)
    return (x - least) / np.maximum(most - least, 1e-9)


def original_adx(n: int) -> Expr:
    """Jdehorty's `n_adx`: the bar before the first is 0 and Wilder's sums begin there."""
    first = equal(running(const(1.0)), 1.0)

    def before(x: Expr) -> Expr:
        return where(first, 0.0, lag(x))

    def summed(x: Expr) -> Expr:
        return decay(where(first, x / n, x), 1.0 - 1.0 / n)

    rise, fall = high - before(high), before(low) - low
    span = maximum(maximum(high - low, abs(high - before(close))), abs(low - before(close)))
    plus = summed(where(rise > fall, relu(rise), 0.0)) / summed(span)
    minus = summed(where(fall > rise, relu(fall), 0.0)) / summed(span)
    return wilder(100.0 * abs(plus - minus) / (plus + minus), n)


@pytest.fixture(scope="module")
def nifty() -> tuple[dict[str, Floats], pd.DataFrame]:
    path = Path(__file__).parents[3] / "shared/data/oracles/tradingview_lorentzian_NIFTY_1d.parquet"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    bars, frame = read(path, "1d")
    wave = wavetrend(channel=10, average=11)
    program = compile(
        {
            "rsi14": rsi(n=14),
            "wave": wave["wt1"] - wave["wt2"],
            "cci": cci(close, 20),
            "adx": adx(20, 20)["adx"],
            "original_adx": original_adx(20),
            "rsi9": rsi(n=9),
        }
    )
    return program.batch(bars), frame


def largest_error(ours: Floats, theirs: pd.Series, start: int = 0) -> float:
    expected = theirs.to_numpy()
    known = ~np.isnan(expected)
    known[:start] = False
    assert known.sum() > 1_500
    return float(np.max(np.abs(ours[known] - expected[known])))


def test_rsi_is_tradingviews(nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(values["rsi14"] / 100.0, frame["f1"]) < 1e-12
    assert largest_error(values["rsi9"] / 100.0, frame["f5"]) < 1e-12


def test_wavetrend_is_tradingviews(nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(normalised(values["wave"]), frame["f2"]) < 1e-12


def test_cci_of_close_is_tradingviews(nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(normalised(values["cci"]), frame["f3"]) < 1e-12


def test_adx_of_the_original_script_is_made_of_our_operators(nifty: tuple) -> None:
    values, frame = nifty
    assert largest_error(values["original_adx"] / 100.0, frame["f4"]) < 1e-12


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
