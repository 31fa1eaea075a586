"""Golden values of the written-out series of algorithms.md, section 38."""

import numpy as np
import pytest

from folkmoot.causal import Expr, close, compile, ema
from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import adx, atr, cci, rsi, wavetrend

ROWS = (70, 150, 299)

GOLDEN: dict[str, tuple[Expr, tuple[float, float, float]]] = {
    "EMA10": (ema(close, 10), (99.90617349, 111.4799595, 97.65009323)),
    "RSI14": (rsi(n=14), (23.10567367, 60.58944501, 16.90607892)),
    "ATR14": (atr(14), (2.61484443, 2.233588572, 2.299892661)),
    "+DI14": (adx(14)["plus_di"], (11.67767444, 25.68156469, 7.748660472)),
    "ADX14": (adx(14, 14)["adx"], (41.61415082, 48.12409194, 46.33910802)),
    "CCI20 hlc3": (cci(n=20), (-171.5873511, 37.49243933, -127.5406875)),
    "CCI20 close": (cci(close, 20), (-162.3183053, 13.8419361, -130.1801071)),
    "WT1 10/21": (wavetrend()["wt1"], (-35.74515075, 39.55786472, -49.47840254)),
    "WT2 10/21/4": (wavetrend()["wt2"], (-26.23415299, 44.81127553, -45.60997586)),
    "WT1 9/12": (
        wavetrend(channel=9, average=12)["wt1"],
        (-63.21469046, 37.85674848, -63.02032304),
    ),
    "WT2 9/12/3": (
        wavetrend(channel=9, average=12, d=3)["wt2"],
        (-58.77527236, 47.53533526, -61.39346635),
    ),
}


def written_out(n: int = 300) -> Bars:
    t = np.arange(n)
    price = 100.0 + 10.0 * np.sin(t / 7.0) + 3.0 * np.sin(t / 2.3) + 0.02 * t
    first = np.concatenate(([price[0]], price[:-1]))
    top = np.maximum(first, price) + 0.5 + 0.3 * np.cos(t) ** 2
    bottom = np.minimum(first, price) - 0.5 - 0.3 * np.sin(t) ** 2
    hour = Timeframe.of("1h")
    return Bars("GOLDEN", hour, hour.ms * t, first, top, bottom, price, np.full(n, np.nan))


def test_golden_series_is_the_one_written_down() -> None:
    bars = written_out()
    np.testing.assert_allclose(bars.close[list(ROWS)], [93.46638683, 110.3918479, 93.64458421])
    np.testing.assert_allclose(bars.high[list(ROWS)], [94.84604065, 112.89637, 94.73941209])
    np.testing.assert_allclose(bars.low[list(ROWS)], [92.78671479, 109.7385334, 93.06297153])


def test_indicators_have_their_golden_values() -> None:
    values = compile({name: expr for name, (expr, _) in GOLDEN.items()}).batch(written_out())
    for name, (_, expected) in GOLDEN.items():
        assert values[name][list(ROWS)] == pytest.approx(expected, rel=2e-9), name


def test_a_market_that_does_not_move_has_no_oscillator() -> None:
    still = np.full(200, 100.0)
    bars = Bars("STILL", Timeframe.of("1h"), 3_600_000 * np.arange(200), *[still] * 4, still)
    values = compile({"rsi": rsi(), "cci": cci(), "adx": adx()["adx"], "atr": atr()}).batch(bars)
    for name in ("rsi", "cci", "adx"):
        assert np.isnan(values[name]).all(), name
    assert (values["atr"][13:] == 0.0).all()
