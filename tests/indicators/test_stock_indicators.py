"""Stock.Indicators' published results on its default quotes as independent numbers."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from folkmoot.causal import Expr, compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import adx, atr, bollinger, cci, macd, rsi, stochastic

MACD, BANDS, WILDER, PLACE = macd(), bollinger(), adx(), stochastic(smoothing=3)

# name of the result, its field, our expression, factor of ours, first row compared
PAIRS: list[tuple[str, str, Expr, float, int]] = [
    ("rsi", "rsi", rsi(), 1.0, 14),
    ("cci", "cci", cci(), 1.0, 19),
    ("macd", "macd", MACD["macd"], 1.0, 25),
    ("macd", "signal", MACD["signal"], 1.0, 33),
    ("macd", "histogram", MACD["histogram"], 1.0, 33),
    ("bb", "percentB", BANDS["percent_b"], 1.0, 19),
    ("bb", "width", BANDS["width"], 0.01, 19),
    ("stoch", "oscillator", PLACE["k"], 1.0, 15),
    ("stoch", "signal", PLACE["d"], 1.0, 17),
    ("atr", "atr", atr(), 1.0, 400),
    ("adx", "pdi", WILDER["plus_di"], 1.0, 400),
    ("adx", "mdi", WILDER["minus_di"], 1.0, 400),
    ("adx", "adx", WILDER["adx"], 1.0, 470),
]


@pytest.mark.parametrize(
    ("result", "field", "expr", "factor", "start"), PAIRS, ids=[f"{p[0]}-{p[1]}" for p in PAIRS]
)
def test_values_are_those_published(
    result: str, field: str, expr: Expr, factor: float, start: int, shared: Path
) -> None:
    oracles = shared / "data" / "oracles"
    with gzip.open(oracles / "stock_indicators_results.json.gz") as file:
        published = json.load(file)[result]
    expected = np.array([row[field] for row in published], dtype=np.float64)
    ours = factor * compile({"x": expr}).batch(quotes(oracles))["x"]
    assert np.isnan(ours[: expr.warmup]).all()
    np.testing.assert_allclose(ours[start:], expected[start:], rtol=1e-9, atol=1e-9)


def quotes(oracles: Path) -> Bars:
    frame = pd.read_csv(oracles / "stock_indicators_quotes" / "default.csv")
    times = pd.to_datetime(frame["date"]).astype("datetime64[ms]").astype("int64").to_numpy()
    columns: list[Floats] = [
        frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close", "volume")
    ]
    return Bars("DEFAULT", Timeframe.of("1d"), times, *columns)
