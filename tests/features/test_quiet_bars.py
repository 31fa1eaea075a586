"""Bars on which nothing is traded: what the columns of volume know beside and among them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import random_walk
from tests.laws.conftest import real

from folkmoot.core.bars import Bars
from folkmoot.features import feature_set

COLUMNS = ("illiquidity", "volume_slope", "price_volume", "size_volume", "volume_flow_index")


def with_volume(*rows: int) -> tuple[Bars, Bars]:
    """Return a walk, and the same with nothing traded on the rows."""
    bars = random_walk(400)
    volume = bars.volume.copy()
    volume[list(rows)] = 0.0
    return bars, replace(bars, volume=volume)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_bar_without_volume_blanks_no_column(name: str) -> None:
    columns = feature_set("full", "1h").only([name])
    full, quiet = (columns.matrix(bars).values[:, 0] for bars in with_volume(200, 201, 260))
    assert not np.isnan(quiet[columns.warmup :]).any()
    np.testing.assert_array_equal(quiet[:200], full[:200])
    assert quiet[200] != full[200]


def test_illiquidity_is_high_where_prices_move_without_volume() -> None:
    columns = feature_set("full", "1h").only(["illiquidity"])
    full, quiet = (columns.matrix(bars).values[:, 0] for bars in with_volume(*range(200, 205)))
    assert quiet[204] > full[204] + 0.3
    assert columns.column("illiquidity").range == pytest.approx((-np.log(21.0), np.log(21.0)))


def test_illiquidity_is_the_log_ratio_of_two_shares() -> None:
    bars = random_walk(300)
    moves = np.abs(np.diff(np.log(bars.close)))
    moved, traded = (x[-5:].sum() / x[-100:].sum() for x in (moves, bars.volume))
    found = feature_set("full", "1h").only(["illiquidity"]).matrix(bars).values[-1, 0]
    assert found == pytest.approx(np.log((moved + 0.05) / (traded + 0.05)))


def test_of_a_futures_market_only_the_logarithm_of_volume_is_ever_unknown() -> None:
    bars = real("ES_5m", 0, 9_000)
    columns = feature_set("full", "5m")
    rows = np.isnan(columns.matrix(bars).values[columns.warmup :])
    often = [n for n, share in zip(columns.names, rows.mean(axis=0), strict=True) if share > 1e-3]
    assert often == ["volume_score"]
    assert rows.any(axis=1).mean() < 0.07
