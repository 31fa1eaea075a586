"""The range of a column holds on every bar, and is there where the formula has a bound."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from tests.laws.conftest import booked, nifty, one_tick, real, still, thin, wander

from folkmoot.causal import at, close, leak, total
from folkmoot.core.bars import Bars
from folkmoot.features import feature_set, feature_sets
from folkmoot.features.ranges import bounds

MARKETS: dict[str, Callable[[], Bars]] = {
    "walk": wander,
    "thin": thin,
    "still": still,
    "tick": one_tick,
    "BTC-USDT": lambda: real("BTC-USDT_1h", 10_000, 14_000),
    "ES": lambda: real("ES_5m", 0, 4_000),
    "AAPL": lambda: real("AAPL_1d", 3_000, 7_000),
    "NIFTY": lambda: nifty(0, 4_000),
}
BOUNDED = (
    "rsi_14", "rsi_9", "stochastic_14", "adx_14", "direction_14", "percent_b", "drift_20",
    "vol_burst", "cci_20", "signed_volume", "volume_share", "efficiency_10", "efficiency_20",
    "chaikin_flow", "volume_flow_index", "illiquidity", "volume_slope", "obv_slope", "order_100",
    "donchian_20", "zscore_50", "skew_50", "supertrend_side", "chandelier_side", "schaff", "tsi",
    "relative_vigor", "close_place", "cipher_money", "gaf_signed_trend", "swing_age",
)  # fmt: skip


@pytest.fixture(scope="module", params=MARKETS)
def market(request: pytest.FixtureRequest) -> Bars:
    return booked(MARKETS[request.param]())


@pytest.mark.parametrize("name", feature_sets())
def test_every_value_lies_in_the_range_of_its_column(name: str, market: Bars) -> None:
    columns = feature_set(name, market.timeframe)
    for column, values in zip(columns.columns, columns.matrix(market).values.T, strict=True):
        known, (low, high) = values[~np.isnan(values)], column.range
        assert np.isfinite(known).all(), column.name
        least, most = known.min(initial=math.inf), known.max(initial=-math.inf)
        assert least >= low - 1e-9 * max(1.0, abs(low)), column.name
        assert most <= high + 1e-9 * max(1.0, abs(high)), column.name


def test_what_is_bounded_says_so_here_and_in_its_copies() -> None:
    for column in feature_set("full", "1h").columns:
        if column.name.removesuffix("_4h").removesuffix("_1d") in BOUNDED:
            assert all(map(math.isfinite, column.range)), column.name


def test_sums_are_bounded_by_what_they_add_up() -> None:
    event = close > 1.0
    assert bounds(leak(event - 0.5, 0.9)) == pytest.approx((-5.0, 5.0))
    assert bounds(leak(event + 1.0, 0.5)) == pytest.approx((1.0, 4.0))
    assert bounds(leak(event, 1.0)) == (-math.inf, math.inf)
    assert bounds(at("4h", total(event, 7))) == (0.0, 7.0)
