"""Sessions by rule are the sessions that real series have."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.stamps import instant
from folkmoot.core.timeframe import DAY, Timeframe
from folkmoot.market import aggregate, check, history, world
from folkmoot.market.calendar import Calendar, session_columns, stamped, with_session
from folkmoot.market.holidays import EARLY, LATE, easter, nyse_early

NEW_YORK = ZoneInfo("America/New_York")
HOUR = 3_600_000


def ohlcv(shared: Path, name: str, **given: object) -> Bars:
    return history(str(shared / "data" / "ohlcv" / f"{name}.parquet"), **given)


def local(*when: int) -> int:
    """Return New York's time as epoch ms."""
    return int(datetime(*when, tzinfo=NEW_YORK).timestamp()) * 1_000


def local_dates(times: np.ndarray) -> list[date]:
    return [datetime.fromtimestamp(ms / 1_000, NEW_YORK).date() for ms in times.tolist()]


@pytest.mark.parametrize(
    "name", ["AAPL_1d", "SPX_1d", "GE_1d", "GOOGL_1d", "META_1d", "KO_1d", "V_1d"]
)
def test_daily_stocks_trade_on_exactly_the_sessions_of_nyse(shared: Path, name: str) -> None:
    bars = ohlcv(shared, name)
    days = Calendar.of("nyse").trading_days(int(bars.open_time[0]), int(bars.close_time[-1]))
    np.testing.assert_array_equal(bars.open_time, days)
    found = Calendar.of("nyse").bars_missing(bars)
    assert (len(found.missing), len(found.outside), found.expected) == (0, 0, len(bars))


def test_hourly_spy_lacks_nothing_and_exceeds_only_half_days(shared: Path) -> None:
    found = Calendar.of("nyse").bars_missing(ohlcv(shared, "SPY_1h"))
    assert (len(found.missing), len(found.outside)) == (0, 48)
    days = set(local_dates(found.outside))
    # After the close of a half-day the file holds late prints, all of them before 2009.
    half = {day for year in range(1998, 2009) for day in nyse_early(year)}
    assert days <= half | set(EARLY) | set(LATE)
    assert max(days) == date(2008, 12, 24)


def test_five_minute_futures_lack_what_their_file_is_known_to_lack(shared: Path) -> None:
    found = Calendar.of("cme_es").bars_missing(ohlcv(shared, "ES_5m"))
    assert (len(found.missing), len(found.outside), found.closures) == (147, 0, 27)
    times = [datetime.fromtimestamp(ms / 1_000, NEW_YORK) for ms in found.missing.tolist()]
    # The source leaves out midnight, the first prints of a week, and Good Friday from midnight on.
    friday = [t for t in times if t.date() == date(2026, 4, 3)]
    other = [t for t in times if t.date() != date(2026, 4, 3)]
    assert len(friday) == 111
    assert friday[-1].strftime("%H:%M") == "09:10"
    assert {t.strftime("%H:%M") for t in other if t.weekday() != 6} == {"00:00"}
    assert {t.strftime("%H:%M") for t in other if t.weekday() == 6} == {"18:00", "18:05"}


def test_daily_futures_trade_on_exactly_the_trading_days_of_globex(shared: Path) -> None:
    bars = ohlcv(shared, "ES_1d", start="2021-06-28", lenient=True)
    found = Calendar.of("cme_es").bars_missing(bars)
    assert (found.expected, len(found.missing), len(found.outside)) == (len(bars), 0, 0)


@pytest.mark.parametrize("name", ["EUR-USD_1h", "EUR-USD_1h_bidask", "USD-JPY_1m_2013"])
def test_no_currency_trades_while_its_week_is_closed(shared: Path, name: str) -> None:
    assert len(Calendar.of("fx").bars_missing(ohlcv(shared, name)).outside) == 0


def test_a_market_that_never_closes_lacks_what_the_clock_says(shared: Path) -> None:
    found = Calendar.of("crypto").bars_missing(ohlcv(shared, "BTC-USDT_1h"))
    assert (len(found.missing), len(found.outside), found.closures) == (122, 0, 0)


@pytest.mark.parametrize(
    ("venue", "when", "opened", "closed"),
    [
        ("nyse", (2024, 7, 3, 12), (2024, 7, 3, 9, 30), (2024, 7, 3, 13)),
        ("nyse", (2002, 7, 5, 10), (2002, 7, 5, 9, 30), (2002, 7, 5, 13)),
        ("nyse", (2024, 11, 29, 10), (2024, 11, 29, 9, 30), (2024, 11, 29, 13)),
        ("nyse", (2021, 12, 31, 10), (2021, 12, 31, 9, 30), (2021, 12, 31, 16)),
        ("cme_es", (2024, 3, 10, 18), (2024, 3, 10, 18), (2024, 3, 11, 17)),
        ("cme_es", (2024, 11, 28, 12), (2024, 11, 27, 18), (2024, 11, 28, 13)),
        ("cme_es", (2026, 4, 3, 9), (2026, 4, 2, 18), (2026, 4, 3, 9, 15)),
        ("fx", (2024, 12, 23, 9), (2024, 12, 22, 17), (2024, 12, 23, 17)),
    ],
)
def test_a_session_opens_and_closes_in_local_time(
    venue: str, when: tuple, opened: tuple, closed: tuple
) -> None:
    calendar = Calendar.of(venue)
    assert calendar.session(local(*when)) == (local(*opened), local(*closed))
    assert calendar.is_open(local(*opened))
    assert not calendar.is_open(local(*opened) - 1)
    assert calendar.is_open(local(*closed) - 1)


@pytest.mark.parametrize(
    ("venue", "when"),
    [
        ("nyse", (2022, 6, 20, 12)), ("nyse", (2012, 10, 29, 12)), ("nyse", (2007, 1, 2, 12)),
        ("nyse", (2025, 1, 9, 12)), ("nyse", (2024, 3, 29, 12)), ("nyse", (2024, 7, 3, 13)),
        ("cme_es", (2024, 3, 28, 18)), ("cme_es", (2024, 1, 3, 17, 30)),
        ("cme_es", (2022, 12, 26, 12)), ("fx", (2024, 1, 6, 12)), ("fx", (2024, 1, 7, 16, 59)),
    ],
)  # fmt: skip
def test_a_venue_is_closed_then(venue: str, when: tuple) -> None:
    assert Calendar.of(venue).session(local(*when)) is None


def test_juneteenth_is_a_holiday_since_2022_only() -> None:
    assert Calendar.of("nyse").is_open(local(2020, 6, 19, 12))
    assert not Calendar.of("nyse").is_open(local(2023, 6, 19, 12))
    assert [easter(year) for year in (2000, 2024, 2026)] == [
        date(2000, 4, 23), date(2024, 3, 31), date(2026, 4, 5),
    ]  # fmt: skip


def test_what_is_not_known_is_refused() -> None:
    assert Calendar.of("crypto").session(0) == (0, DAY)
    with pytest.raises(UsageError, match="unknown venue 'moon'"):
        Calendar.of("moon")
    with pytest.raises(UsageError, match="beyond what is known of nyse"):
        Calendar.of("nyse").is_open(instant("1997-12-31") or 0)
    with pytest.raises(UsageError, match="beyond what is known of cme_es"):
        Calendar.of("cme_es").sessions(0, 1)
    with pytest.raises(UsageError, match="bars of 1w hold several sessions"):
        session_columns(replace(world("random_walk", 9).bars, timeframe=Timeframe.of("1w")), "fx")


def test_session_columns_count_from_the_opening_to_the_close(shared: Path) -> None:
    bars = ohlcv(shared, "SPY_1h", start="2020-12-23", end="2020-12-25")
    made = session_columns(bars, "nyse")
    assert made["session_start"].tolist() == [1.0] + [0.0] * 6 + [1.0] + [0.0] * 3
    assert made["minutes_since_open"][:3].tolist() == [30.0, 90.0, 150.0]
    assert made["minutes_to_close"].tolist()[-4:] == [180.0, 120.0, 60.0, 0.0]
    assert made["is_early_close"].tolist() == [0.0] * 7 + [1.0] * 4
    assert np.unique(made["session"]).tolist() == [18_619.0, 18_620.0]


def test_bars_outside_every_session_have_none(shared: Path) -> None:
    bars = ohlcv(shared, "SPY_1h", start="2008-12-24", end="2008-12-27")
    made = session_columns(bars, "nyse")
    outside = np.isnan(made["session"])
    assert outside.tolist() == [False] * 4 + [True] * 3 + [False] * 7
    assert all((np.isnan(column) == outside).all() for column in made.values())
    assert np.nansum(made["session_start"]) == 2.0


@pytest.mark.parametrize(
    ("name", "venue"),
    [("ES_5m", "cme_es"), ("SPY_1h", "nyse"), ("AAPL_1d", "nyse"), ("BTC-USDT_15m", "crypto")],
)
def test_bars_stamped_one_by_one_are_the_series_stamped(
    shared: Path, name: str, venue: str
) -> None:
    bars = ohlcv(shared, name)
    plain = bars.rows(len(bars) - 900, len(bars))
    whole = with_session(plain, venue)
    befores = [None, *plain.open_time.tolist()]
    made = [stamped(bar, venue, before) for bar, before in zip(plain, befores, strict=False)]
    assert repr(made) == repr(list(whole))
    for stop in (1, 2, 57, 400):
        assert with_session(plain.until(stop), venue).hash() == whole.until(stop).hash()


def test_the_session_of_a_market_that_never_closes_is_the_day_of_utc() -> None:
    bars = world("random_walk", 100).bars
    made = session_columns(bars, "crypto")
    np.testing.assert_array_equal(made["session"], bars.open_time // DAY)
    np.testing.assert_array_equal(made["session_start"], bars.open_time % DAY == 0)
    np.testing.assert_array_equal(
        made["minutes_since_open"], (bars.open_time % DAY + HOUR) / 60_000
    )


def test_weekly_bars_are_expected_in_every_week_with_a_session(shared: Path) -> None:
    weeks = aggregate(ohlcv(shared, "AAPL_1d"), "1w").bars
    found = Calendar.of("nyse").bars_missing(weeks)
    assert (len(found.missing), len(found.outside)) == (0, 0)


def test_quality_tells_closures_of_a_venue_from_missing_bars(shared: Path) -> None:
    bars = ohlcv(shared, "AAPL_1d")
    assert check(bars).gap_count > 0
    kept = np.delete(np.arange(len(bars)), [100, 101, 3_000])
    columns = [getattr(bars, n)[kept] for n in ("open", "high", "low", "close", "volume")]
    report = check(Bars("AAPL", bars.timeframe, bars.open_time[kept], *columns), "nyse")
    assert (report.gap_count, report.missing_bars, report.outside_hours) == (2, 3, 0)
    assert [bars for _, bars in report.gaps] == [2, 1]
    assert report.scheduled_gaps == pytest.approx(1_253, abs=3)
    assert "closures of nyse: 12" in report.findings()[0]
    assert check(bars).venue is None
