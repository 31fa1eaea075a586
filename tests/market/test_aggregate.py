"""Coarser bars hold exactly what the finer ones held, once they have closed."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.market import aggregate, history, world

MINUTE = 60_000


def minutes(n: int, start: int = 1_704_067_200_000, drop: tuple[int, ...] = ()) -> Bars:
    """Make minute bars from Monday 2024-01-01 00:00 UTC, without the rows in `drop`."""
    made = world("random_walk", n, seed=1).bars
    times = start + MINUTE * np.arange(n, dtype=np.int64)
    prices = (made.open, made.high, made.low, made.close)
    bars = Bars("A/B", Timeframe.of("1m"), times, *prices, np.round(made.volume, 3))
    kept = np.delete(np.arange(n), drop)
    columns = [getattr(bars, name)[kept] for name in COLUMNS]
    return Bars("A/B", bars.timeframe, bars.open_time[kept], *columns)


@pytest.mark.parametrize(("fine", "hours"), [("1m", 1_752), ("5m", 11_717), ("15m", 8_999)])
def test_real_bars_aggregate_to_the_hourly_file_bit_for_bit(
    shared: Path, fine: str, hours: int
) -> None:
    folder = shared / "data" / "ohlcv"
    made = aggregate(history(str(folder / f"BTC-USDT_{fine}.parquet")), "1h")
    told = history(str(folder / "BTC-USDT_1h.parquet"))
    full = np.flatnonzero(made.coverage == 1.0)
    _, mine, theirs = np.intersect1d(made.bars.open_time[full], told.open_time, return_indices=True)
    assert len(mine) == hours
    for name in COLUMNS:
        np.testing.assert_array_equal(
            made.bars.column(name)[full[mine]], told.column(name)[theirs], err_msg=name
        )


@pytest.mark.parametrize("label", list(TIMEFRAMES))
def test_aggregating_in_two_steps_is_aggregating_in_one(label: str) -> None:
    bars = minutes(3 * 7 * 1440)
    once = aggregate(bars, label)
    for between in TIMEFRAMES:
        step = TIMEFRAMES[between].ms
        if step < TIMEFRAMES[label].ms:
            twice = aggregate(aggregate(bars, between).bars, label)
            assert twice.bars.hash() == once.bars.hash()


def test_weeks_begin_on_monday_and_days_at_midnight_utc() -> None:
    bars = minutes(15 * 1440, start=1_704_067_200_000 + 3 * 1440 * MINUTE)
    weeks = aggregate(bars, "1w")
    assert [(t // 86_400_000 + 3) % 7 for t in weeks.bars.open_time.tolist()] == [0, 0]
    np.testing.assert_allclose(weeks.coverage, [4 / 7, 1.0])
    assert (aggregate(bars, "1d").bars.open_time % 86_400_000 == 0).all()


def test_a_bar_appears_when_its_calendar_end_has_passed_and_not_before() -> None:
    bars = minutes(240)
    for n in range(1, 241):
        assert len(aggregate(bars.until(n), "1h").bars) == n // 60


def test_a_bar_whose_last_parts_are_missing_appears_with_the_first_later_bar() -> None:
    bars = minutes(240, drop=tuple(range(110, 130)))
    made = [len(aggregate(bars.until(n), "1h").bars) for n in range(109, 113)]
    assert made == [1, 1, 2, 2]
    np.testing.assert_allclose(aggregate(bars, "1h").coverage, [1.0, 50 / 60, 50 / 60, 1.0])


def test_no_later_bar_changes_a_coarser_bar() -> None:
    bars = minutes(600, drop=(7, 61, 62, 300))
    whole = aggregate(bars, "30m").bars
    for n in range(31, 590, 37):
        made = aggregate(bars.until(n), "30m").bars
        assert made.hash() == whole.until(len(made)).hash()


@settings(max_examples=60, deadline=None)
@given(
    drop=st.sets(st.integers(0, 599), max_size=400),
    label=st.sampled_from(["5m", "15m", "1h", "4h", "1d"]),
    start=st.integers(0, 2000),
)
def test_every_coarser_bar_is_its_finer_bars_and_nothing_else(
    drop: set[int], label: str, start: int
) -> None:
    bars = minutes(600, 1_704_067_200_000 + start * MINUTE, tuple(drop))
    made = aggregate(bars, label)
    coarse = Timeframe.of(label)
    expected = sorted({coarse.floor(t) for t in bars.open_time.tolist()})
    end = int(bars.close_time[-1])
    assert made.bars.open_time.tolist() == [t for t in expected if t + coarse.ms <= end]
    for bar, share in zip(made.bars, made.coverage, strict=True):
        part = bars.between(bar.open_time, bar.close_time)
        assert (bar.open, bar.close) == (part.open[0], part.close[-1])
        assert (bar.high, bar.low) == (part.high.max(), part.low.min())
        exact = sum((Decimal(repr(v)) for v in part.volume.tolist()), Decimal(0))
        assert bar.volume == float(exact)
        assert share == len(part) * MINUTE / coarse.ms


def test_unknown_volume_stays_unknown_and_amounts_are_summed() -> None:
    bars = minutes(120)
    volume = bars.volume.copy()
    volume[3] = np.nan
    extra = {"trades": np.full(120, 2.0), "spread": np.full(120, 0.1)}
    prices = (bars.open, bars.high, bars.low, bars.close)
    made = aggregate(Bars("A/B", bars.timeframe, bars.open_time, *prices, volume, extra), "1h").bars
    assert np.isnan(made.volume).tolist() == [True, False]
    assert {name: column.tolist() for name, column in made.extra.items()} == {"trades": [120, 120]}


def test_volumes_that_are_no_decimals_are_summed_as_floats() -> None:
    made = world("planted", 48).bars
    np.testing.assert_allclose(
        aggregate(made, "1d").bars.volume, made.volume.reshape(2, 24).sum(axis=1), rtol=1e-14
    )


def test_bars_that_cannot_make_up_the_coarser_ones_are_refused() -> None:
    with pytest.raises(UsageError, match="1h bars do not make up 5m bars"):
        aggregate(world("planted", 10).bars, "5m")
    opens = np.array([15 * MINUTE, 45 * MINUTE])
    shifted = Bars("A", Timeframe.of("30m"), opens, *[np.ones(2)] * 5)
    with pytest.raises(DataError, match="reach across a 1h boundary"):
        aggregate(shifted, "1h")


def test_no_bars_make_no_bars() -> None:
    assert len(aggregate(minutes(10).until(0), "1h").bars) == 0
