"""Every feature set keeps its promises in each of the nine decision timeframes."""

from dataclasses import replace

import numpy as np
import pytest

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
def bars(long_walk: Bars, timeframe: Timeframe) -> Bars:
    times = MONDAY + timeframe.ms * np.arange(len(long_walk), dtype=np.int64)
    return replace(long_walk, timeframe=timeframe, open_time=times)


def test_every_column_is_known_exactly_from_its_warmup_on(columns: FeatureSet, bars: Bars) -> None:
    known = ~np.isnan(columns.matrix(bars).values)
    first = known.argmax(axis=0).tolist()
    assert first == [column.warmup for column in columns.columns]
    assert known[columns.warmup :].all()


def test_streaming_gives_the_bits_of_the_batch(columns: FeatureSet, bars: Bars) -> None:
    whole = columns.matrix(bars).values
    stream = columns.program().stream()
    seen = np.array([stream.push_row(bar).copy() for bar in bars])
    np.testing.assert_array_equal(seen, whole)


def test_no_column_stands_still(columns: FeatureSet, bars: Bars) -> None:
    spread = np.nanstd(columns.matrix(bars).values, axis=0)
    still = [name for name, by in zip(columns.names, spread, strict=True) if by < 1e-6]
    # A gapless series has no gap, which the unscaled set reports as it is.
    assert still == [name for name in columns.names if name == "gap"]
