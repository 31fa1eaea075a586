"""The mirror law of columns and events on charts of real markets.

Prices are put on a binary grid first, by less than 1e-12 of the highest: turning them upside down
then loses no bit, so that what is equal stays equal. Of decimal prices K - p rounds, and a tie of
two moves (as direction and adx ask) may come out either way; what a tie decides jumps by points.
With ties kept all hold to 1e-9 max(1, |f|).
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.laws.conftest import booked, nifty, real, wander
from tests.laws.test_feature_columns import STATIONARY, inverted, reflected

from folkmoot.causal import Expr, both, compile, equal, lag
from folkmoot.core.bars import PRICES, Bars, Floats
from folkmoot.features import feature_set
from folkmoot.indicators.cipher_b import cipher_b
from folkmoot.indicators.double_tops import double_tops
from folkmoot.indicators.supertrend import supertrend

CHARTS = {
    "walk": lambda: wander(2_000),
    "BTC-USDT": lambda: real("BTC-USDT_1h", 20_000, 22_500),
    "ES": lambda: real("ES_5m", 0, 2_500),
    "NIFTY": lambda: nifty(5_000, 7_500),
    "AAPL": lambda: real("AAPL_1d", 2_787, 5_787),
    "AAPL of 2000": lambda: real("AAPL_1d", 0, 2_500),
}


def on_a_grid(bars: Bars) -> Bars:
    step = 2.0 ** (math.ceil(math.log2(bars.high.max())) - 40)
    return replace(bars, **{name: np.round(bars.column(name) / step) * step for name in PRICES})


@pytest.fixture(scope="module", params=CHARTS)
def chart(request: pytest.FixtureRequest) -> Bars:
    return on_a_grid(booked(CHARTS[request.param]()))


def gap(found: Floats, expected: Floats) -> float:
    """Return the largest difference relative to max(1, |expected|), infinite if one is unknown."""
    apart = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    apart[np.isnan(found) & np.isnan(expected)] = 0.0
    return float(np.nan_to_num(apart, nan=np.inf).max())


def kept(mirror: str, plain: Floats, ratio: Floats, level: Floats) -> bool:
    known = ~np.isnan(plain)
    return {
        "ratio": lambda: gap(ratio, -plain) <= 1e-9,
        "level": lambda: gap(level, -plain) <= 1e-9,
        "even": lambda: min(gap(ratio, plain), gap(level, plain)) <= 1e-9,
        "approximate": lambda: float(np.mean((ratio * plain)[known] <= 0.0)) >= 0.98,
        "none": lambda: True,
    }[mirror]()


@pytest.mark.parametrize("name", STATIONARY)
def test_columns_flip_as_they_declare_on_real_charts(name: str, chart: Bars) -> None:
    columns, dropped = feature_set(name, chart.timeframe).knowable(chart)
    tables = [columns.matrix(bars) for bars in (chart, inverted(chart), reflected(chart))]
    broken = {
        column.name
        for column in columns.columns
        if not kept(column.mirror, *(table.of(column.name)[:, 0] for table in tables))
    }
    assert broken == set()
    assert len(dropped) < len(columns.columns)


UNSIGNED = {
    "candles_indecision", "rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9",
    "band_rank", "vol_rank", "is_mean_reverting", "is_trending", "is_volatile",
}  # fmt: skip
"""Ranks and what is told by them: two values equal but for rounding change places."""


def test_only_ranks_and_one_sum_of_full_declare_no_law() -> None:
    found = feature_set("full", "1h").columns
    assert {column.name for column in found if column.mirror == "none"} == UNSIGNED


def turns(direction: Expr) -> tuple[Expr, Expr]:
    before = lag(direction)
    up = both(equal(direction, 1.0), equal(before, -1.0))
    return up, both(equal(direction, -1.0), equal(before, 1.0))


def pairs() -> dict[str, tuple[Expr, Expr]]:
    """Return events of the two sides that have the same levels for both."""
    cipher, tops = cipher_b(fixed=True), double_tops()
    side = feature_set("full", "1h").column("chandelier_side").expr
    names = [("cross_up", "cross_down"), ("buy", "sell")]
    names += [(f"{x}_bull{h}", f"{x}_bear{h}") for x in ("wt_any",) for h in ("", "_hidden")]
    found = {up: (cipher[up], cipher[down]) for up, down in names}
    for kind in ("double", "triple"):
        for event in ("", "_breakout", "_age", "_breakout_age"):
            found[kind + event] = (tops[f"{kind}_bottom{event}"], tops[f"{kind}_top{event}"])
    return found | {"supertrend": turns(supertrend()["direction"]), "chandelier": turns(side)}


def test_events_of_the_two_sides_change_places(chart: Bars) -> None:
    told = pairs()
    program = compile(
        {f"{name} {k}": event for name, two in told.items() for k, event in enumerate(two)}
    )
    plain, turned = program.batch(chart), program.batch(reflected(chart))
    for name in told:
        for here, there in ((0, 1), (1, 0)):
            found, expected = turned[f"{name} {here}"], plain[f"{name} {there}"]
            np.testing.assert_array_equal(found, expected, err_msg=name)
    assert all(np.nansum(plain[f"{name} 0"]) > 0 for name in ("cross_up", "buy", "chandelier"))
