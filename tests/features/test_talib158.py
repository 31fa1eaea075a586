"""The classic TA-Lib list: every function is there, equal to TA-Lib's, streamed as batched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import talib
from talib import abstract
from tests.conftest import random_walk

from folkmoot.causal import Expr
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import FeatureSet, feature_set
from folkmoot.features.sets.talib158 import FUNCTIONS, outputs

COUNTS = {
    "overlap": 17,
    "momentum": 30,
    "volume": 3,
    "volatility": 3,
    "price transform": 4,
    "cycle": 5,
    "statistics": 9,
    "math transform": 15,
    "math operator": 11,
    "candles": 61,
}


@pytest.fixture(scope="module")
def columns() -> FeatureSet:
    return feature_set("talib158", "1h")


@pytest.fixture
def bitcoin(shared: Path) -> Bars:
    table = parquet.read_table(shared / "data" / "ohlcv" / "BTC-USDT_1h.parquet").slice(
        20_000, 6_000
    )
    times = table["timestamp"].cast("int64").to_numpy()
    names = ("open", "high", "low", "close", "volume")
    return Bars("BTC", Timeframe.of("1h"), times, *(table[name].to_numpy() for name in names))


def functions() -> list[str]:
    named = [name for names in FUNCTIONS.values() for name in names.split()]
    return named + sorted(name for name in talib.get_functions() if name.startswith("CDL"))


def direct(name: str, inputs: tuple[Expr, ...], bars: Bars) -> list[Floats]:
    """Return each output of TA-Lib's function on the whole of the columns that it reads."""
    read = [
        np.full(len(bars), 14.0) if node.op == "const" else bars.column(str(node.params[0])).copy()
        for node in inputs
    ]
    found = getattr(talib, name)(*read)
    return list(found) if isinstance(found, (tuple, list)) else [found]


def test_all_158_functions_are_there(columns: FeatureSet) -> None:
    assert len(set(functions())) == 158
    assert set(functions()) <= set(talib.get_functions())
    expected = [column for name in functions() for column in outputs(name)]
    assert sorted(columns.names) == sorted(expected)
    assert len(columns.names) == 175
    found = {
        group: {c.name.split("_")[0] for c in columns.columns if c.group == group}
        for group in COUNTS
    }
    assert found.keys() == {column.group for column in columns.columns}
    written = {group: len(names.split()) for group, names in FUNCTIONS.items()}
    assert {**written, "candles": len(found["candles"])} == COUNTS


def test_every_known_value_is_talibs(columns: FeatureSet, bitcoin: Bars) -> None:
    table = columns.matrix(bitcoin)
    for name in functions():
        made = outputs(name)
        inputs = next(iter(made.values())).args
        for (column, _), expected in zip(made.items(), direct(name, inputs, bitcoin), strict=True):
            seen = table.of(column)[:, 0]
            known = ~np.isnan(seen) & np.isfinite(expected)
            np.testing.assert_array_equal(seen[known], expected[known], column)
            missed = np.isnan(seen) & np.isfinite(expected)
            assert not missed[abstract.Function(name).lookback :].any(), column


def test_what_is_unknown_everywhere_is_undefined_for_such_prices(
    columns: FeatureSet, bitcoin: Bars
) -> None:
    assert set(columns.matrix(bitcoin).unknown()) == {"acos", "asin", "cosh", "exp", "sinh"}


def test_streams_give_the_batch_result(columns: FeatureSet, bitcoin: Bars) -> None:
    bars = bitcoin.rows(0, 1_000)
    holed = bars.volume.copy()
    holed[[3, 200, 201]] = np.nan
    bars = replace(bars, volume=holed)
    expected, stream = columns.matrix(bars).values, columns.program().stream()
    np.testing.assert_array_equal([stream.push_row(bar).copy() for bar in bars], expected)
    before, warm = columns.program().warm(bars.until(150))
    after = [warm.push_row(bar).copy() for bar in bars.rows(150, len(bars))]
    np.testing.assert_array_equal(np.vstack([before, after]), expected)


def test_arithmetic_on_prices_says_that_it_is_not_stationary(columns: FeatureSet) -> None:
    arithmetic = [c for c in columns.columns if c.group.startswith("math")]
    unmarked = {c.name for c in arithmetic if "not stationary" not in c.unit}
    assert len({c.name.split("_")[0] for c in arithmetic}) == 26
    assert unmarked == {"div"}


def upside_down(bars: Bars, logarithmic: bool) -> Bars:
    """Turn the chart upside down, on an arithmetic axis or on a logarithmic one."""
    level = bars.high.max() + bars.low.min()
    names = {"open": "open", "high": "low", "low": "high", "close": "close"}
    turned = {
        name: 1.0 / bars.column(other) if logarithmic else level - bars.column(other)
        for name, other in names.items()
    }
    return replace(bars, **turned)


@pytest.mark.parametrize("mirror", ["level", "ratio", "even"])
def test_columns_keep_the_law_of_the_mirror_that_they_declare(
    columns: FeatureSet, mirror: str
) -> None:
    walk = random_walk()
    plain, sign = columns.matrix(walk), 1.0 if mirror == "even" else -1.0
    turned = {flag: columns.matrix(upside_down(walk, flag)) for flag in (False, True)}
    lawful = [column.name for column in columns.columns if column.mirror == mirror]
    assert lawful
    for name in lawful:
        seen = turned[mirror == "ratio" or name == "div"].of(name)
        np.testing.assert_allclose(seen, sign * plain.of(name), 1e-9, 1e-9, err_msg=name)
