"""Every feature set keeps its promises in each of the nine decision timeframes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.laws.test_causal_columns import AWAITING, UNDEFINED, awaits

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.features import FeatureSet, feature_set, feature_sets

MONDAY = 1_388_966_400_000
"""2014-01-06: every coarser grid begins here."""


@pytest.fixture(scope="module", params=TIMEFRAMES)
def timeframe(request: pytest.FixtureRequest) -> Timeframe:
    return Timeframe.of(request.param)


@pytest.fixture(scope="module", params=feature_sets())
def columns(request: pytest.FixtureRequest, timeframe: Timeframe) -> FeatureSet:
    return feature_set(request.param, timeframe)


@pytest.fixture(scope="module")
def bars(endless_walk: Bars, columns: FeatureSet, timeframe: Timeframe) -> Bars:
    walk = endless_walk.until(columns.warmup + 800)
    times = MONDAY + timeframe.ms * np.arange(len(walk), dtype=np.int64)
    return replace(walk, timeframe=timeframe, open_time=times)


def test_every_column_is_known_exactly_from_its_warmup_on(columns: FeatureSet, bars: Bars) -> None:
    known = ~np.isnan(columns.matrix(bars).values)
    for column, rows in zip(columns.columns, known.T, strict=True):
        if column.name in UNDEFINED:
            continue
        if awaits(column.expr, AWAITING):
            assert not rows[: column.warmup].any(), column.name
        else:
            assert rows[column.warmup :].all(), column.name
            if not awaits(column.expr, {"otherwise"}):
                assert rows.argmax() == column.warmup, column.name


def test_streaming_gives_the_bits_of_the_batch(columns: FeatureSet, bars: Bars) -> None:
    whole = columns.matrix(bars).values
    stream = columns.program().stream()
    seen = np.array([stream.push_row(bar).copy() for bar in bars])
    np.testing.assert_array_equal(seen, whole)


def test_no_column_stands_still(columns: FeatureSet, bars: Bars) -> None:
    values = columns.matrix(bars).values
    rare = {c.name for c in columns.columns if awaits(c.expr, {*AWAITING, "candle"})}
    # The hyperbolic tangent of a price is one.
    common = [name for name in columns.names if name not in UNDEFINED | rare | {"tanh"}]
    spread = {name: np.nanstd(values[:, columns.names.index(name)]) for name in common}
    still = [name for name in common if spread[name] < 1e-6]
    # A gapless series has no gap, which the unscaled set reports as it is.
    assert still == [name for name in columns.names if name == "gap"]
