"""The set `gaf`: what it holds, how it is marked, and that timeframes stand side by side."""

import math

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.causal import GRAMIAN_EVEN, compile, gramian
from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.features import HIGHER, FeatureSet, feature_set
from folkmoot.features.sets.gaf import CONSTANT, LONG, SHORT
from folkmoot.features.volatility import log_close


@pytest.fixture(scope="module")
def gaf() -> FeatureSet:
    return feature_set("gaf", "1h")


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_the_named_numbers_are_there_and_marked_blind_to_the_sign(timeframe: str) -> None:
    columns = feature_set("gaf", timeframe)
    suffixes = [f"{LONG}", f"{SHORT}", *(f"{SHORT}_{coarse}" for coarse in HIGHER[timeframe])]
    for name in GRAMIAN_EVEN:
        for suffix in suffixes:
            full = f"{name}_{suffix}"
            assert (full in columns.names) == (name not in CONSTANT)
            assert name in CONSTANT or columns.column(full).mirror == "even"


def test_numbers_that_see_the_direction_are_marked_so(gaf: FeatureSet) -> None:
    signed = {column.name for column in gaf.columns if column.mirror == "ratio"}
    for name in ("signed_trend", "last_angle", "dphi_8", "time_correlation", "slope_t", "gadf_4"):
        assert {f"{name}_64", f"{name}_24", f"{name}_24_4h", f"{name}_24_1d"} <= signed
    assert not any(name.startswith("gasf_") for name in signed)


def test_every_value_lies_in_the_range_that_its_column_states(gaf: FeatureSet) -> None:
    table = gaf.matrix(random_walk(3_000))
    for column in gaf.columns:
        low, high = column.range
        values = table.of(column.name)
        assert low - 1e-12 <= np.nanmin(values), column.name
        assert np.nanmax(values) <= high + 1e-12, column.name
        bounded = column.name.split("_")[0] not in ("range", "realised", "slope")
        assert math.isfinite(high) == bounded, column.name


def four_hours(bars: Bars) -> Bars:
    n = len(bars) // 4 * 4
    last, first = bars.close[:n].reshape(-1, 4)[:, 3], bars.open[:n].reshape(-1, 4)[:, 0]
    high = bars.high[:n].reshape(-1, 4).max(axis=1)
    low = bars.low[:n].reshape(-1, 4).min(axis=1)
    lots = bars.volume[:n].reshape(-1, 4).sum(axis=1)
    return Bars("W", Timeframe.of("4h"), bars.open_time[:n:4], first, high, low, last, lots)


@pytest.mark.parametrize("name", ["trend_score", "momentum", "signed_trend", "gadf_4", "slope_t"])
def test_a_copy_holds_the_number_of_the_last_closed_coarse_bar(gaf: FeatureSet, name: str) -> None:
    bars = random_walk(1_200)
    fine = gaf.matrix(bars).of(f"{name}_24_4h")[:, 0]
    coarse = compile({name: gramian(log_close, 24, name)}).batch(four_hours(bars))[name]
    np.testing.assert_allclose(fine[3::4], coarse, rtol=1e-12)
    np.testing.assert_array_equal(fine[4:1_200:4], fine[3:1_199:4])


def test_what_is_blind_to_the_sign_says_so_in_its_unit(gaf: FeatureSet) -> None:
    sizes = ("range_", "realised_")
    fields = [column for column in gaf.columns if not column.name.startswith(sizes)]
    blind = {column.name for column in fields if "blind to the sign" in column.unit}
    assert blind == {column.name for column in fields if column.mirror == "even"}
