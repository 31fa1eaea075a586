"""TA-Lib as an independent number where its definition is the same after its start is forgotten."""

import numpy as np
import pytest
import talib

from folkmoot.causal import compile
from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import adx, atr, bollinger, cci, macd, rsi, stochastic


@pytest.fixture(scope="module")
def ours(series: Bars) -> dict[str, np.ndarray]:
    lines = {"rsi": rsi(), "cci": cci(), "atr": atr()}
    families = (("adx", adx()), ("bb", bollinger()), ("macd", macd()), ("stoch", stochastic()))
    for family, outputs in families:
        lines |= {f"{family}.{output}": expr for output, expr in outputs.items()}
    return compile(lines).batch(series)


@pytest.fixture(scope="module")
def series() -> Bars:
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(2_000)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * np.exp(0.004 * rng.random(2_000))
    low = np.minimum(open_, close) * np.exp(-0.004 * rng.random(2_000))
    hour = Timeframe.of("1h")
    return Bars("X", hour, hour.ms * np.arange(2_000), open_, high, low, close, np.ones(2_000))


def test_rsi_and_cci_are_talibs_from_the_first_value(ours: dict, series: Bars) -> None:
    prices = (series.high, series.low, series.close)
    np.testing.assert_allclose(ours["rsi"], talib.RSI(series.close, 14), rtol=1e-9)
    np.testing.assert_allclose(ours["cci"], talib.CCI(*prices, 20), rtol=1e-7, atol=1e-7)


def test_bollinger_bands_are_talibs(ours: dict, series: Bars) -> None:
    upper, middle, lower = talib.BBANDS(series.close, 20, 2.0, 2.0)
    for name, expected in (("upper", upper), ("middle", middle), ("lower", lower)):
        np.testing.assert_allclose(ours[f"bb.{name}"], expected, rtol=1e-9)


def test_stochastic_is_talibs(ours: dict, series: Bars) -> None:
    k, d = talib.STOCHF(series.high, series.low, series.close, 14, 3)
    np.testing.assert_allclose(ours["stoch.k"][20:], k[20:], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["stoch.d"][20:], d[20:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "function", "start"),
    [
        ("atr", talib.ATR, 400),
        ("adx.adx", talib.ADX, 700),
        ("adx.plus_di", talib.PLUS_DI, 400),
        ("adx.minus_di", talib.MINUS_DI, 400),
    ],
)
def test_wilders_means_agree_once_their_seeds_are_forgotten(
    name: str, function: object, start: int, ours: dict, series: Bars
) -> None:
    expected = function(series.high, series.low, series.close, 14)
    np.testing.assert_allclose(ours[name][start:], expected[start:], rtol=1e-9)


def test_macd_agrees_once_its_seed_is_forgotten(ours: dict, series: Bars) -> None:
    lines = talib.MACD(series.close, 12, 26, 9)
    for name, expected in zip(("macd", "signal", "histogram"), lines, strict=True):
        np.testing.assert_allclose(ours[f"macd.{name}"][500:], expected[500:], atol=1e-9)
