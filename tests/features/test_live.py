"""One stream of minutes gives the bits of nine batches."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from folkmoot.causal import at, close, column, mean
from folkmoot.core.bars import Bars
from folkmoot.core.errors import BadBars, UsageError
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.features import Column, FeatureSet, Table, feature_set
from folkmoot.features.live import LiveFeatures, _joined
from folkmoot.market import aggregate, history, world

WEEKS = 3 * 7 * 1_440


def subset(bars: Bars, rows: np.ndarray) -> Bars:
    columns = (getattr(bars, name)[rows] for name in ("open", "high", "low", "close", "volume"))
    extra = {name: values[rows] for name, values in bars.extra.items()}
    return Bars(bars.symbol, bars.timeframe, bars.open_time[rows], *columns, extra)


@pytest.fixture(scope="module")
def minutes() -> Bars:
    """Three weeks of real minutes; one in a hundred, and some stretches, dropped."""
    path = Path(__file__).parents[3] / "shared" / "data" / "ohlcv" / "BTC-USDT_1m.parquet"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    bars = history(str(path)).until(WEEKS)
    keep = np.random.default_rng(1).random(WEEKS) > 0.01
    keep[3_000:3_002] = keep[7_100:7_900] = keep[20_157:20_161] = keep[9_959] = False
    return subset(bars, np.flatnonzero(keep))


def pushed(live: LiveFeatures, bars: Bars) -> dict[str, Table]:
    """Return all rows of each timeframe, joined."""
    parts: dict[str, list[Table]] = {step.label: [] for step in live.sets}
    for bar in bars:
        for label, rows in live.push(bar).items():
            parts[label].append(rows)
    made = {}
    for step, each in live.sets.items():
        found = parts[step.label]
        values = np.concatenate([np.empty((0, len(each.names))), *(t.values for t in found)])
        times = np.concatenate([np.empty(0, dtype=np.int64), *(t.known_at for t in found)])
        made[step.label] = Table(values, each.names, times)
    return made


def assert_same(seen: Table, told: Table, label: str) -> None:
    np.testing.assert_array_equal(seen.values, told.values, err_msg=label)
    np.testing.assert_array_equal(seen.known_at, told.known_at, err_msg=label)
    assert seen.names == told.names


def batches(bars: Bars, sets: Mapping[Timeframe, FeatureSet]) -> dict[str, Table]:
    return {step.label: each.matrix(aggregate(bars, step).bars) for step, each in sets.items()}


def test_every_timeframe_has_the_bits_of_its_own_batch(minutes: Bars) -> None:
    live = LiveFeatures("BTC-USDT")
    seen = pushed(live, minutes)
    told = batches(minutes, live.sets)
    assert list(seen) == list(TIMEFRAMES)
    for label, table in told.items():
        assert_same(seen[label], table, label)
        assert len(table) >= 2


@pytest.mark.parametrize("start", [0, 1, 9_999, 25_000])
def test_a_history_and_then_bars_is_one_stream(minutes: Bars, start: int) -> None:
    live = LiveFeatures("BTC-USDT", sets={"1m": "bars", "5m": "core", "1d": "core", "1h": "bars"})
    tables = live.warm(minutes.until(start))
    rest = pushed(live, minutes.rows(start, min(start + 3_000, len(minutes))))
    told = batches(minutes.until(start + 3_000), live.sets)
    assert list(tables) == ["1m", "5m", "1h", "1d"]
    for label, table in told.items():
        assert_same(_joined(tables[label], rest[label]), table, label)


def test_two_bars_of_one_timeframe_can_close_together() -> None:
    hours = world("random_walk", 30).bars
    times = 1_704_067_200_000 + 60_000 * np.array([0, 1, 2, 9])
    bars = replace(hours.until(4), timeframe=Timeframe.of("1m"), open_time=times)
    made = [LiveFeatures.push(live, bar) for live in [LiveFeatures("A")] for bar in bars]
    assert [{label: len(rows) for label, rows in one.items()} for one in made] == [
        {"1m": 1}, {"1m": 1}, {"1m": 1}, {"1m": 1, "5m": 2},
    ]  # fmt: skip


def test_amounts_are_summed_for_coarser_sets_and_copies_see_their_own_bars() -> None:
    step = Timeframe.of("5m")
    exprs = {"trades": mean(column("trades"), 3), "hourly": at("1h", mean(close, 2))}
    columns = tuple(Column(n, x, "u", "none", "g").seen_from(step) for n, x in exprs.items())
    live = LiveFeatures("A", "1m", {"5m": FeatureSet("own", step, columns)})
    made = world("random_walk", 5_000).bars
    times = 1_704_067_200_000 + 60_000 * np.arange(5_000)
    extra = {"trades": np.arange(5_000.0)}
    bars = replace(made, timeframe=Timeframe.of("1m"), open_time=times, extra=extra)
    seen, told = pushed(live, bars), batches(bars, live.sets)
    assert_same(seen["5m"], told["5m"], "5m")
    assert not np.isnan(told["5m"].values[-1]).any()


def test_a_refused_bar_changes_no_timeframe(minutes: Bars) -> None:
    one, other = LiveFeatures("A"), LiveFeatures("A")
    pushed(one, minutes.until(50))
    pushed(other, minutes.until(50))
    with pytest.raises(BadBars, match="is not after"):
        one.push(minutes.bar(49))
    with pytest.raises(UsageError, match="a bar of 1h"):
        one.push(world("random_walk", 2).bars.bar(1))
    rest = minutes.rows(50, 400)
    seen, told = pushed(one, rest), pushed(other, rest)
    for label, table in told.items():
        assert_same(seen[label], table, label)


def test_sets_that_cannot_be_fed_are_refused() -> None:
    step = Timeframe.of("5m")
    own = FeatureSet("own", step, (Column("x", column("spread"), "u", "none", "g"),))
    with pytest.raises(UsageError, match=r"aggregation does not keep \['spread'\]"):
        LiveFeatures("A", "1m", {"5m": own})
    with pytest.raises(UsageError, match="the set 'core' is of 1h"):
        LiveFeatures("A", "1m", {"5m": feature_set("core", "1h")})
    with pytest.raises(UsageError, match="do not make up"):
        LiveFeatures("A", "1h", {"5m": "core"})
    base = FeatureSet("own", Timeframe.of("1m"), own.columns)
    with pytest.raises(UsageError, match="no column"):
        LiveFeatures("A", "1m", {"1m": base}).push(
            replace(world("random_walk", 2).bars, timeframe=Timeframe.of("1m")).bar(0)
        )
