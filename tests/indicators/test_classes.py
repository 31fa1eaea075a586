"""The documents' indicator objects: the functions' lines and crossings, on data of any kind."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from tests.conftest import random_walk

from folkmoot.causal import compile
from folkmoot.core.errors import DataError, FolkmootError, UsageError
from folkmoot.indicators import (
    ADXIndicator,
    CCIIndicator,
    RSIIndicator,
    WaveTrendIndicator,
    adx,
    cci,
    rsi,
    wavetrend,
)
from folkmoot.indicators.classes import Indicator

BARS = random_walk(1500)
NAMES = ("open", "high", "low", "close", "volume")
COLUMNS = {name: BARS.column(name) for name in NAMES}
FRAME = pd.DataFrame(COLUMNS, index=pd.date_range("2024-01-01", periods=1500, freq="1h", tz="UTC"))
OBJECTS: dict[str, Indicator] = {
    "rsi": RSIIndicator(period=9),
    "cci": CCIIndicator(period=14),
    "adx": ADXIndicator(period=10, threshold=20.0),
    "wavetrend": WaveTrendIndicator(channel_length=9, average_length=12, signal_length=3),
}
WAVES = wavetrend(channel=9, average=12, d=3)
LINES = {
    "rsi": {"rsi": rsi(n=9)},
    "cci": {"cci": cci(n=14)},
    "adx": adx(10, 10),
    "wavetrend": WAVES,
}


def above(line: np.ndarray, level: np.ndarray | float) -> np.ndarray:
    """The bars on which a line is above a level and one bar before was not, both known."""
    rose, was_below = line > level, line <= level
    return rose & np.concatenate(([False], was_below[:-1]))


@pytest.mark.parametrize("name", OBJECTS)
def test_the_lines_are_those_of_the_function(name: str) -> None:
    found = OBJECTS[name].calculate(COLUMNS)
    expected = compile(LINES[name]).batch(BARS)
    assert list(found) == [*expected, "buy_signals", "sell_signals"]
    for line, values in expected.items():
        np.testing.assert_array_equal(found[line], values)


@pytest.mark.parametrize(("name", "low", "high"), [("rsi", 30.0, 70.0), ("cci", -100.0, 100.0)])
def test_levels_are_crossed_on_one_bar(name: str, low: float, high: float) -> None:
    found = OBJECTS[name].calculate(COLUMNS)
    np.testing.assert_array_equal(found["buy_signals"], above(found[name], low))
    np.testing.assert_array_equal(found["sell_signals"], above(-found[name], -high))
    assert found["buy_signals"].dtype == bool
    assert 0 < found["buy_signals"].sum() < (found[name] < low).sum()


def test_directions_cross_while_the_movement_is_strong() -> None:
    found = OBJECTS["adx"].calculate(COLUMNS)
    strong = found["adx"] > 20.0
    up = above(found["plus_di"], found["minus_di"])
    down = above(found["minus_di"], found["plus_di"])
    assert found["buy_signals"].any()
    np.testing.assert_array_equal(found["buy_signals"], up & strong)
    np.testing.assert_array_equal(found["sell_signals"], down & strong)


def test_waves_cross_beyond_the_levels() -> None:
    found = OBJECTS["wavetrend"].calculate(COLUMNS)
    up, down = above(found["wt1"], found["wt2"]), above(found["wt2"], found["wt1"])
    assert found["buy_signals"].any()
    np.testing.assert_array_equal(found["buy_signals"], up & (found["wt2"] <= -53.0))
    np.testing.assert_array_equal(found["sell_signals"], down & (found["wt2"] >= 53.0))


@pytest.mark.parametrize("name", OBJECTS)
def test_a_frame_gives_series_with_its_index(name: str) -> None:
    found = OBJECTS[name].calculate(FRAME.rename(columns=str.title))
    for line, values in OBJECTS[name].calculate(COLUMNS).items():
        assert isinstance(found[line], pd.Series)
        assert found[line].name == line
        pd.testing.assert_index_equal(found[line].index, FRAME.index)
        np.testing.assert_array_equal(found[line].to_numpy(), values)


@pytest.mark.parametrize("name", OBJECTS)
def test_an_array_of_prices_is_read_by_place(name: str) -> None:
    expected = OBJECTS[name].calculate(COLUMNS)
    for width in (4, 5):
        found = OBJECTS[name].calculate(FRAME.to_numpy()[:, :width])
        for line, values in expected.items():
            np.testing.assert_array_equal(found[line], values)


def test_closes_alone_are_enough_where_nothing_else_is_read() -> None:
    expected = OBJECTS["rsi"].calculate(COLUMNS)["rsi"]
    np.testing.assert_array_equal(OBJECTS["rsi"].calculate(COLUMNS["close"])["rsi"], expected)
    series = OBJECTS["rsi"].calculate(FRAME["close"])["rsi"]
    pd.testing.assert_series_equal(series, pd.Series(expected, FRAME.index, name="rsi"))


@pytest.mark.parametrize("name", OBJECTS)
def test_tensors_give_tensors(name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    expected = OBJECTS[name].calculate(COLUMNS)
    table = torch.tensor(FRAME.to_numpy())
    panel = {key: torch.tensor(values).expand(3, -1) for key, values in COLUMNS.items()}
    for found, row in ((OBJECTS[name].calculate(table), ...), (OBJECTS[name].calculate(panel), 2)):
        for line, values in expected.items():
            np.testing.assert_allclose(found[line][row].numpy(), values, rtol=0.0, atol=1e-7)
    assert found["buy_signals"].dtype == torch.bool


def test_the_dtype_of_torch_or_numpy_is_that_of_the_lines() -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    for dtype in (torch.float32, np.float32, "float32"):
        found = RSIIndicator(dtype=dtype).calculate(COLUMNS)
        assert found["rsi"].dtype == np.float32
    single = torch.tensor(COLUMNS["close"], dtype=torch.float32)
    assert RSIIndicator().calculate(single)["rsi"].dtype == torch.float32
    assert RSIIndicator(dtype=torch.float64).calculate(single)["rsi"].dtype == torch.float64


def test_the_example_of_document_001_runs_as_it_stands() -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    data = FRAME
    rsi_indicator = RSIIndicator(
        period=14,
        overbought=70.0,
        oversold=30.0,
        device="cuda" if torch.cuda.is_available() else "cpu",
        dtype=torch.float32,
    )
    rsi_results = rsi_indicator.calculate(data)
    rsi_values = rsi_results["rsi"]
    buy_signals = rsi_results["buy_signals"]
    sell_signals = rsi_results["sell_signals"]
    assert rsi_values.between(0.0, 100.0).sum() == len(data) - 14
    assert not (buy_signals & sell_signals).any()


def test_unknown_prices_are_unknown_and_no_signal() -> None:
    holed = FRAME.copy()
    holed.iloc[700:720] = np.nan
    for name, indicator in OBJECTS.items():
        found = pd.DataFrame(indicator.calculate(holed))
        lines = found.drop(columns=["buy_signals", "sell_signals"])
        assert lines.iloc[700:720].isna().all(axis=None), name
        assert not found.loc[lines.isna().any(axis=1), ["buy_signals", "sell_signals"]].any(
            axis=None
        )
        assert lines.iloc[-1].notna().all(), name


def test_a_missing_value_of_pandas_is_unknown() -> None:
    nullable = FRAME.astype("Float64")
    nullable.iloc[300, 3] = pd.NA
    expected = OBJECTS["rsi"].calculate(FRAME["close"].where(np.arange(1500) != 300))
    for line, values in OBJECTS["rsi"].calculate(nullable).items():
        pd.testing.assert_series_equal(values, expected[line])


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (COLUMNS["close"], UsageError, "the data have no high, low"),
        (np.zeros((9, 3)), UsageError, "data of shape"),
        ({**COLUMNS, "high": COLUMNS["low"] - 1.0}, DataError, "high is below low at"),
        ({**COLUMNS, "low": COLUMNS["low"][1:]}, UsageError, "differ in shape"),
        ({**COLUMNS, "low": FRAME["low"]}, UsageError, "kinds are mixed"),
        ({**COLUMNS, "low": ["a"] * 1500}, DataError, "low is not numeric"),
    ],
)
def test_other_data_are_refused(data: object, error: type[FolkmootError], said: str) -> None:
    with pytest.raises(error, match=said):
        CCIIndicator().calculate(data)


def test_impossible_parameters_are_refused() -> None:
    for make in (
        lambda: RSIIndicator(period=0),
        lambda: RSIIndicator(overbought=30.0, oversold=70.0),
        lambda: CCIIndicator(dtype="int32"),
        lambda: WaveTrendIndicator(average_length=0),
    ):
        with pytest.raises(UsageError):
            make()


def test_arrays_and_frames_do_not_load_torch() -> None:
    code = (
        "import sys, numpy as np; from folkmoot.indicators import RSIIndicator;"
        "RSIIndicator().calculate(np.ones(30)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
