"""Tables of bars are read right, or refused with the row, the column and the reason."""

import time

import numpy as np
import pandas as pd
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import BadBars, DataError, UsageError
from folkmoot.core.frames import read_frame
from folkmoot.core.stamps import instant

START = 1_704_067_200_000
HOUR = 3_600_000
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def table(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(n)))
    open_ = np.append(100.0, close[:-1])
    return pd.DataFrame(
        {
            "timestamp": START + HOUR * np.arange(n),
            "open": open_,
            "high": np.maximum(open_, close) * 1.001,
            "low": np.minimum(open_, close) * 0.999,
            "close": close,
            "volume": rng.lognormal(1, 1, n),
        }
    )


def reference() -> Bars:
    return read_frame(table(), "A/B", "1h").bars


def same(frame: pd.DataFrame, timeframe: str | None = "1h") -> None:
    assert read_frame(frame, "A/B", timeframe).bars.hash() == reference().hash()


BAD = [float("nan"), float("inf"), float("-inf"), 0.0, -5.0, 1e308, "abc", None, "1,5"]
CASES = [(c, v) for c in COLUMNS for v in BAD if not (c == "volume" and v == 0.0)]


@pytest.mark.parametrize(("column", "value"), CASES)
def test_a_bad_value_is_refused_with_its_row_and_column(column: str, value: object) -> None:
    frame = table()
    frame[column] = frame[column].astype(object) if isinstance(value, str | None) else frame[column]
    frame[column] = frame[column].astype(float) if isinstance(value, float) else frame[column]
    frame.loc[7, column] = value
    with pytest.raises(BadBars) as refused:
        read_frame(frame, "A/B", "1h")
    row, reason = refused.value.rows[0]
    assert (len(refused.value.rows), row) == (1, 7)
    assert column in reason
    lenient = read_frame(frame, "A/B", "1h", lenient=True)
    assert [row for row, _ in lenient.refused] == [7]
    assert len(lenient.bars) == 29


@pytest.mark.parametrize(
    ("column", "factor", "reason"),
    [
        ("high", 0.5, "high .* is below low"),
        ("low", 2.0, "high .* is below low"),
        ("close", 2.0, "close .* lies outside"),
        ("open", 0.5, "open .* lies outside"),
    ],
)
def test_an_impossible_bar_is_refused(column: str, factor: float, reason: str) -> None:
    frame = table()
    frame.loc[3, column] *= factor
    with pytest.raises(BadBars, match=f"row 3: 2024-01-01T03:00:00Z: {reason}"):
        read_frame(frame, "A/B", "1h")


def test_zero_volume_is_a_bar_and_a_blank_volume_column_is_unknown() -> None:
    frame = table()
    frame.loc[4, "volume"] = 0.0
    assert read_frame(frame, "A/B").bars.volume[4] == 0.0
    frame["volume"] = np.nan
    assert np.isnan(read_frame(frame, "A/B").bars.volume).all()
    reading = read_frame(frame.drop(columns="volume"), "A/B")
    assert np.isnan(reading.bars.volume).all()
    assert "volume is unknown" in reading.notes


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["int", "float", "text", "datetime", "zoned"])
def test_stamps_are_read_in_every_unit_and_kind(unit: str, kind: str) -> None:
    frame = table()
    stamps = pd.to_datetime(frame["timestamp"], unit="ms").dt.as_unit(unit)
    number = stamps.astype("int64")
    frame["timestamp"] = {
        "int": number,
        "float": number.astype(float),
        "text": number.astype(str),
        "datetime": stamps,
        "zoned": stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata"),
    }[kind]
    same(frame)
    same(frame, None)


@pytest.mark.parametrize(
    "pattern",
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y.%m.%d %H:%M"],
)
def test_written_times_are_read_and_naive_ones_are_utc(pattern: str) -> None:
    frame = table()
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms").dt.strftime(pattern)
    same(frame)


def test_a_file_that_changes_its_unit_half_way_is_read() -> None:
    frame = table()
    frame.loc[15:, "timestamp"] *= 1000
    assert read_frame(frame, "A/B").notes == ["timestamps mix ms and us"]
    same(frame)


def test_offsets_that_change_with_summer_time_are_instants() -> None:
    hours = pd.date_range("2024-03-30T12:00Z", periods=48, freq="h")
    frame = table(48)
    frame["timestamp"] = [str(t) for t in hours.tz_convert("Europe/Berlin")]
    times = read_frame(frame, "A/B").bars.open_time
    assert set(np.diff(times)) == {HOUR}


@pytest.mark.parametrize("written", [False, True])
def test_dates_of_another_zone_stay_dates(written: bool) -> None:
    days = pd.date_range("2024-03-01", periods=30, freq="D", tz="America/New_York")
    frame = table().drop(columns="timestamp")
    frame.index = pd.Index([str(day) for day in days], name="Date") if written else days
    bars = read_frame(frame, "A").bars
    assert bars.timeframe.label == "1d"
    assert (bars.open_time % 86_400_000 == 0).all()
    assert bars.open_time[0] == instant("2024-03-01")


def test_day_first_and_month_first_dates_are_told_apart_or_refused() -> None:
    days = pd.date_range("2024-01-10", periods=30, freq="D")
    frame = table()
    frame["timestamp"] = days.strftime("%d/%m/%Y")
    assert "day/month" in read_frame(frame, "A").notes[0]
    frame["timestamp"] = days.strftime("%m/%d/%Y")
    assert read_frame(frame, "A").bars.open_time[0] == instant("2024-01-10")
    short = frame.head(2).assign(timestamp=["01/02/2024", "02/03/2024"])
    with pytest.raises(BadBars, match="may be month/day or day/month"):
        read_frame(short, "A", "1d")


LAYOUTS = {
    "binance": ["Open time", "Open", "High", "Low", "Close", "Volume"],
    "vision": ["open_time", "open", "high", "low", "close", "volume"],
    "freqtrade": ["date", "open", "high", "low", "close", "volume"],
    "tradingview": ["time", "open", "high", "low", "close", "Volume"],
    "yahoo": ["Date", "Open", "High", "Low", "Close", "Volume"],
    "short": ["t", "o", "h", "l", "c", "v"],
    "camel": ["openTime", "OPEN", " High ", "low", "close", "Vol"],
    "gmt": ["Gmt time", "Open", "High", "Low", "Close", "Volume"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_common_column_names_are_recognised(layout: str) -> None:
    same(table().set_axis(LAYOUTS[layout], axis=1))


def test_binance_extras_are_kept_and_its_close_time_is_not() -> None:
    frame = table().assign(close_time=0, trades=5, taker_buy_base_volume=1.5, ignore=0, tag="x")
    reading = read_frame(frame, "A/B")
    assert set(reading.bars.extra) == {"trades", "taker_buy_base_volume"}
    assert reading.notes == ["column tag holds no numbers and is left out"]


def test_what_was_adjusted_in_hindsight_is_left_out() -> None:
    reading = read_frame(table().assign(**{"Adj Close": 1.0}), "A/B")
    assert not reading.bars.extra
    assert "hindsight" in reading.notes[0]


@pytest.mark.parametrize("ticker_first", [False, True])
def test_yfinance_frames_with_two_levels_are_read(ticker_first: bool) -> None:
    frame = table().set_index(pd.to_datetime(table()["timestamp"], unit="ms"))[list(COLUMNS[1:])]
    parts = {"AAA": frame, "BBB": frame * 2.0}
    wide = pd.concat(parts, axis=1)
    wide = wide if ticker_first else wide.swaplevel(axis=1)
    assert read_frame(wide, "AAA").bars.open[0] == 100.0
    assert read_frame(wide, "BBB").bars.open[0] == 200.0
    with pytest.raises(DataError, match="'AAA', 'BBB'"):
        read_frame(wide, "CCC")
    assert read_frame(wide[[c for c in wide.columns if "BBB" in c]], "B").bars.open[0] == 200.0


@pytest.mark.parametrize("column", COLUMNS[:5])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DataError, match=f"missing column {column}; the table has"):
        read_frame(table().drop(columns=column), "A/B")


def test_exact_duplicates_are_dropped_and_counted_wherever_they_stand() -> None:
    frame = table()
    reading = read_frame(pd.concat([frame, frame.iloc[[3, 3, 9]]]), "A/B")
    assert reading.duplicates == 3
    assert reading.bars.hash() == reference().hash()


def test_contradicting_duplicates_are_refused_and_the_first_is_kept_if_lenient() -> None:
    frame = table()
    twin = frame.iloc[[3]].assign(volume=9.0)
    both = pd.concat([frame.iloc[:4], twin, frame.iloc[4:]])
    with pytest.raises(BadBars, match=r"row 4: .*contradicts row 3 in volume"):
        read_frame(both, "A/B")
    assert read_frame(both, "A/B", lenient=True).bars.hash() == reference().hash()


def test_rows_out_of_order_are_refused_even_if_lenient() -> None:
    order = [*range(10), 11, 10, *range(12, 30)]
    for lenient in (False, True):
        with pytest.raises(BadBars, match="row 11: 2024-01-01T10:00:00Z is before") as refused:
            read_frame(table().iloc[order], "A/B", lenient=lenient)
        assert [row for row, _ in refused.value.rows] == [11]
    with pytest.raises(BadBars, match="newest first"):
        read_frame(table().iloc[::-1], "A/B")


def test_the_timeframe_is_the_most_common_step() -> None:
    frame = table().drop(index=[4, 5, 6, 20])
    assert read_frame(frame, "A/B").bars.timeframe.label == "1h"
    frame["timestamp"] = START + 2 * 60_000 * np.arange(len(frame))
    with pytest.raises(DataError, match="most common step is 2 minutes"):
        read_frame(frame, "A/B")


def test_a_timeframe_that_the_rows_contradict_is_refused() -> None:
    with pytest.raises(BadBars, match="opens before the 4h bar above it has closed"):
        read_frame(table(), "A/B", "4h")
    with pytest.raises(DataError, match="60 minutes apart, not 5m"):
        read_frame(table(), "A/B", "5m")
    with pytest.raises(UsageError, match="unknown timeframe"):
        read_frame(table(), "A/B", "3h")


def test_a_table_without_rows_or_with_one_row_says_so() -> None:
    with pytest.raises(DataError, match="no rows"):
        read_frame(table().head(0), "A/B")
    with pytest.raises(DataError, match="one row has no step"):
        read_frame(table().head(1), "A/B")
    assert len(read_frame(table().head(1), "A/B", "1h").bars) == 1


@pytest.mark.parametrize("date", ["%Y.%m.%d", "%Y-%m-%d", "%Y%m%d"])
@pytest.mark.parametrize("clock", ["%H:%M", "%H:%M:%S"])
def test_a_date_and_a_time_of_day_are_one_stamp(date: str, clock: str) -> None:
    times = pd.to_datetime(table()["timestamp"], unit="ms")
    frame = table().drop(columns="timestamp")
    frame.insert(0, "<TIME>", times.dt.strftime(clock))
    frame.insert(0, "<DATE>", times.dt.strftime(date))
    frame["<DATE>"] = pd.to_numeric(frame["<DATE>"]) if date == "%Y%m%d" else frame["<DATE>"]
    same(frame)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_the_zone_of_the_machine_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    frame = table()
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms").astype(str)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        same(frame)
        assert instant("2024-03-31T02:30:00") == 1_711_852_200_000
    finally:
        monkeypatch.undo()
        time.tzset()


def test_text_prices_that_are_numbers_are_read_exactly() -> None:
    frame = table()
    for name in COLUMNS:
        frame[name] = frame[name].map(repr)
    same(frame)


def test_the_frame_given_is_not_changed() -> None:
    frame = table()
    before = frame.copy()
    read_frame(frame, "A/B")
    pd.testing.assert_frame_equal(frame, before)
