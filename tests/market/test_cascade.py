"""Many timeframes at once, or bar by bar, are each timeframe by itself, to the bit."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import BadBars, DataError, UsageError
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.market import aggregate, history, world
from folkmoot.market.aggregate import cascade
from folkmoot.market.aggregator import Aggregator

MINUTE = 60_000
MONDAY = 1_704_067_200_000
FINE = Timeframe.of("1m")


def minutes(n: int, keep: np.ndarray | None = None, volume: Floats | None = None) -> Bars:
    """Make minute bars from Monday 2024-01-01 00:00 UTC; only the rows in `keep`."""
    made = world("random_walk", n, seed=1).bars
    rows = np.arange(n) if keep is None else keep
    lots = np.round(made.volume, 3) if volume is None else volume
    columns = [*(made.column(name) for name in COLUMNS[:4]), lots]
    times = MONDAY + MINUTE * np.arange(n, dtype=np.int64)
    extra = {"trades": np.arange(n, dtype=np.float64), "spread": np.ones(n)}
    extra = {name: column[rows] for name, column in extra.items()}
    return Bars("A/B", FINE, times[rows], *(column[rows] for column in columns), extra)


def coarser(timeframe: Timeframe) -> list[str]:
    """Return the labels that bars of `timeframe` make up, its own among them."""
    return [label for label, step in TIMEFRAMES.items() if step.ms % timeframe.ms == 0]


def assert_same(bars: Bars) -> None:
    """Compare the cascade and the aggregator with `aggregate`, one timeframe at a time."""
    made = cascade(bars)
    assert [str(step) for step in made] == coarser(bars.timeframe)
    steps = [step for step in made if step != bars.timeframe]
    names = [name for name in bars.extra if name == "trades"]
    taken = Aggregator(bars.symbol, bars.timeframe, steps, names)
    pushed: dict[Timeframe, list] = {step: [] for step in steps}
    for bar in bars:
        for closed in taken.push(bar):
            pushed[closed.timeframe].append(closed)
    for step in steps:
        told = aggregate(bars, step)
        assert made[step].bars.hash() == told.bars.hash(), step
        np.testing.assert_array_equal(made[step].coverage, told.coverage)
        assert repr(pushed[step]) == repr(list(told.bars)), step


@pytest.mark.parametrize("name", ["BTC-USDT_1m", "BTC-USDT_15m", "BTC-USDT_1h", "EUR-USD_1h"])
def test_real_series_cascade_to_what_each_timeframe_gives(shared: Path, name: str) -> None:
    bars = history(str(shared / "data" / "ohlcv" / f"{name}.parquet"))
    assert_same(bars.until(40_000))


def hostile() -> Iterator[tuple[str, Bars]]:
    rng = np.random.default_rng(3)
    n = 2 * 10_080 + 500
    yield "sparse", minutes(n, np.flatnonzero(rng.random(n) < 0.02))
    yield "thinned", minutes(n, np.flatnonzero(rng.random(n) < 0.8))
    yield "one hole", minutes(n, np.r_[0:1_000, 12_007:n])
    yield "irrational", minutes(n, volume=rng.random(n))
    yield "unknown", minutes(n, volume=np.full(n, np.nan))
    yield "holes", minutes(n, volume=np.where(rng.random(n) < 0.001, np.nan, 0.1))
    yield "huge", minutes(n, volume=rng.integers(1, 9, n) * 1e7)
    yield "none", minutes(n, volume=np.zeros(n))
    yield "one bar", minutes(1)


@pytest.mark.parametrize("case", [name for name, _ in hostile()])
def test_hostile_series_cascade_to_what_each_timeframe_gives(case: str) -> None:
    assert_same(dict(hostile())[case])


@settings(max_examples=60, deadline=None)
@given(drop=st.sets(st.integers(0, 599), max_size=500), first=st.integers(0, 400))
def test_whatever_is_missing_all_ways_agree(drop: set[int], first: int) -> None:
    assert_same(minutes(600, np.array([row for row in range(first, 600) if row not in drop], int)))


def test_a_sum_of_lots_that_would_wrap_around_is_summed_as_floats() -> None:
    bars = minutes(10_080, volume=np.full(10_080, 8e7))
    [week] = aggregate(bars, "1w").bars
    assert week.volume == pytest.approx(10_080 * 8e7, rel=1e-12)
    assert_same(bars)


def test_history_and_then_bars_is_bars_all_along() -> None:
    keep = np.flatnonzero(np.random.default_rng(5).random(3_000) < 0.9)
    bars = minutes(3_000, keep)
    whole = Aggregator("A/B", FINE, ["5m", "1h", "1d"])
    told = [closed for bar in bars for closed in whole.push(bar)]
    for start in (0, 1, 999, 2_000):
        late = Aggregator("A/B", FINE, ["5m", "1h", "1d"])
        late.skip(bars.until(start))
        seen = [closed for bar in bars.rows(start, len(bars)) for closed in late.push(bar)]
        assert seen == told[len(told) - len(seen) :]


def test_a_refused_bar_changes_nothing() -> None:
    bars = list(minutes(40))
    taken, told = (Aggregator("A/B", FINE, ["30m"]) for _ in range(2))
    taken.push(bars[0])
    told.push(bars[0])
    with pytest.raises(BadBars, match="is not after"):
        taken.push(bars[0])
    with pytest.raises(UsageError, match="a bar of 1h"):
        taken.push(next(iter(world("random_walk", 2).bars)))
    with pytest.raises(UsageError, match="no column 'count'"):
        Aggregator("A/B", FINE, ["30m"], ["count"]).push(bars[0])
    rest = [[closed for bar in bars[1:] for closed in one.push(bar)] for one in (taken, told)]
    assert rest[0] == rest[1] != []


def test_what_cannot_be_grouped_is_refused() -> None:
    with pytest.raises(UsageError, match="1h bars do not make up 5m bars"):
        cascade(world("planted", 10).bars, ["4h", "5m"])
    with pytest.raises(UsageError, match="do not make up"):
        Aggregator("A/B", "1h", ["1h"])
    with pytest.raises(UsageError, match=r"\['spread'\] have no sum"):
        Aggregator("A/B", "1m", ["1h"], ["spread"])
    shifted = Bars(
        "A", Timeframe.of("30m"), np.array([15 * MINUTE, 45 * MINUTE]), *[np.ones(2)] * 5
    )
    with pytest.raises(DataError, match="1 30m bars reach across a 1h boundary"):
        cascade(shifted, ["1h", "1d"])
    with pytest.raises(DataError, match="reach across a 1h boundary"):
        Aggregator("A", "30m", ["1h"]).skip(shifted)


def test_no_bars_make_no_bars_in_any_timeframe() -> None:
    made = cascade(minutes(10).until(0))
    assert [len(each.bars) for each in made.values()] == [0] * 9
