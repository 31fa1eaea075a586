"""Laws of feature columns alone: no price level, no constant, signs that follow the market."""

from dataclasses import replace

import numpy as np
import pytest
from tests.laws.test_causal_columns import AWAITING, awaits

from folkmoot.causal import close, hold, lag
from folkmoot.core.bars import PRICES, Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import BARS_SET, Column, FeatureSet, feature_set, feature_sets
from folkmoot.features.column import copies
from folkmoot.features.feature_set import RECKONED

SIGNED = ("depth_imbalance", "microprice", "order_flow", "signed_volume", "vwap_distance")
AMOUNTS = ("order_flow", "signed_volume")
AS_THEY_ARE = ("bars", "talib158")
STATIONARY = [name for name in feature_sets() if name not in AS_THEY_ARE]


@pytest.fixture(scope="module", params=STATIONARY)
def columns(request: pytest.FixtureRequest) -> FeatureSet:
    return feature_set(request.param, "1h")


def scaled(bars: Bars, by: float) -> Bars:
    return replace(bars, **{name: by * bars.column(name) for name in PRICES})


def turned(bars: Bars) -> dict[str, Floats]:
    """Return the extra columns of the market in which buyers and sellers change places."""
    return {name: -x if name in SIGNED else x for name, x in bars.extra.items()}


def inverted(bars: Bars) -> Bars:
    """Turn the chart upside down on a logarithmic axis."""
    high, low = 1.0 / bars.low, 1.0 / bars.high
    prices = {"open": 1.0 / bars.open, "high": high, "low": low, "close": 1.0 / bars.close}
    return replace(bars, **prices, extra=turned(bars))


def reflected(bars: Bars) -> Bars:
    """Turn the chart upside down on an arithmetic axis."""
    level = bars.high.max() + bars.low.min()
    high, low = level - bars.low, level - bars.high
    prices = {"open": level - bars.open, "high": high, "low": low, "close": level - bars.close}
    return replace(bars, **prices, extra=turned(bars))


def gap(found: Floats, expected: Floats) -> float:
    """Return the largest difference relative to max(1, |expected|); unknown must be the same."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    apart = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    return float(np.nanmax(apart))


@pytest.mark.parametrize("by", [10.0, 1e-3])
def test_the_price_level_is_not_a_feature(columns: FeatureSet, wandering: Bars, by: float) -> None:
    plain, other = columns.matrix(wandering), columns.matrix(scaled(wandering, by))
    for name in columns.names:
        # Two values that are equal but for rounding may change places in a rank.
        allowed = 2.1e-3 if name.startswith("rank_") else 1e-9
        assert gap(other.of(name), plain.of(name)) <= allowed, name


def test_the_unit_of_volume_is_not_a_feature(columns: FeatureSet, wandering: Bars) -> None:
    plain = columns.matrix(wandering)
    extra = {name: 1e4 * x if name in AMOUNTS else x for name, x in wandering.extra.items()}
    other = columns.matrix(replace(wandering, volume=1e4 * wandering.volume, extra=extra))
    for name in columns.names:
        assert gap(other.of(name), plain.of(name)) <= 1e-9, name


def test_every_column_moves(columns: FeatureSet, wandering: Bars) -> None:
    spread = np.nanstd(columns.matrix(wandering).values, axis=0)
    assert [n for n, s in zip(columns.names, spread, strict=True) if s < 1e-6] == []


def kept(column: Column, plain: Floats, ratio: Floats, level: Floats) -> bool:
    """Say whether the column does under the two mirrors what it declares."""
    laws = {
        "ratio": lambda: gap(ratio, -plain) <= 1e-9,
        "level": lambda: gap(level, -plain) <= 1e-9,
        "even": lambda: min(gap(ratio, plain), gap(level, plain)) <= 1e-9,
        "approximate": lambda: np.mean((ratio * plain)[~np.isnan(plain)] <= 0.0) >= 0.98,
        "none": lambda: True,
    }
    return bool(laws[column.mirror]())


def test_signed_columns_flip_with_the_chart(columns: FeatureSet, wandering: Bars) -> None:
    plain = columns.matrix(wandering)
    ratio, level = columns.matrix(inverted(wandering)), columns.matrix(reflected(wandering))
    broken = [
        column.name
        for column in columns.columns
        if not kept(column, *(table.of(column.name) for table in (plain, ratio, level)))
    ]
    assert broken == []


def test_every_column_says_what_it_is(columns: FeatureSet) -> None:
    for column in columns.columns:
        assert column.unit, column.name
        assert column.group, column.name
        assert column.formula, column.name
        assert column.stable >= column.warmup, column.name
        assert column.name not in BARS_SET


def test_a_column_that_awaits_an_event_says_so(columns: FeatureSet) -> None:
    for column in columns.columns:
        assert column.as_dict()["awaits"] == awaits(column.expr, AWAITING), column.name
        if column.awaits:
            assert columns.stable >= column.warmup + RECKONED, column.name


def test_what_awaits_an_event_is_not_copied_to_a_higher_timeframe() -> None:
    turn = hold(close > lag(close), close / lag(close) - 1.0)
    column = Column("turn", turn, "share", "none", "own", Timeframe.of("1h"))
    assert column.stable == 1
    assert copies((column,), Timeframe.of("1h")) == ()
