"""When venues are open: sessions by rule, and what a series of bars lacks by them.

Steps: the days of a year with a session, their local opening and closing times, both in UTC
through the zone's own rules for summer time. Everything here is known in advance, except closures
that nobody foresaw, which `folkmoot.market.holidays` lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bar, Bars, Floats, Times
from folkmoot.core.errors import EnvironmentProblem, UsageError
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import DAY, MINUTE, Timeframe
from folkmoot.market.holidays import (
    FRI,
    LATE,
    SAT,
    globex_closed,
    globex_early,
    half_observed,
    nyse_closed,
    nyse_early,
)

KNOWN_FROM: dict[str, date] = {
    "crypto": date(1970, 1, 1),
    "nyse": date(1998, 1, 1),
    "cme_es": date(2021, 6, 28),
    "fx": date(1999, 1, 1),
}
"""The venues, and the first day for which their rules are right."""
KNOWN_UNTIL = date(2200, 1, 1)
COLUMNS = ("session", "session_start", "minutes_since_open", "minutes_to_close", "is_early_close")

_FIVE, _SIX = time(17), time(18)
_MARGIN = 11 * DAY


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Sessions in order, `[n]` each: epoch ms of opening and closing, the day each is booked on.

    `day` is 00:00 UTC of the trading day's date, `early` whether it closes before its usual time.
    """

    opens: Times
    closes: Times
    day: Times
    early: npt.NDArray[np.bool_]

    def rows(self, first: int, stop: int) -> "Sessions":
        """Return sessions `first` (inclusive) to `stop` (exclusive)."""
        span = slice(first, stop)
        return Sessions(self.opens[span], self.closes[span], self.day[span], self.early[span])


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """A series beside its venue's calendar, from its first bar to its last.

    `missing` are the open times of bars that the venue was open for and that are not there,
    `outside` those of bars that are there though it was closed throughout; `expected` counts the
    bars that should be there, `closures` the breaks of the series in which nothing is missing.
    """

    missing: Times
    outside: Times
    expected: int
    closures: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """A venue's week, holidays and half-days.

    `crypto` never closes, its session is the UTC day. `nyse`: 09:30 to 16:00 New York. `cme_es`:
    18:00 to 17:00 of the next day, Sunday to Friday. `fx`: 17:00 to 17:00, Sunday to Friday,
    without holidays. Times asked about before the venue's rules hold raise `UsageError`.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in KNOWN_FROM:
            known = [*KNOWN_FROM]
            raise UsageError(f"unknown venue {self.name!r}", where="calendar", allowed=known)

    @classmethod
    def of(cls, name: "str | Calendar") -> "Calendar":
        """Return the calendar of that venue, or raise `UsageError` that lists the venues."""
        return name if isinstance(name, Calendar) else cls(name)

    def is_open(self, ms: int) -> bool:
        """Whether the venue trades at that instant (epoch ms); it does at its opening only.

        >>> Calendar.of("fx").is_open(1_704_067_200_000)
        True
        """
        return self.session(ms) is not None

    def session(self, ms: int) -> tuple[int, int] | None:
        """Return (opening, closing) of the session that holds an instant, None while closed."""
        found = self.sessions(ms, ms + 1)
        return (int(found.opens[0]), int(found.closes[0])) if len(found.opens) else None

    def sessions(self, start: int, end: int) -> Sessions:
        """Return the sessions of which a part lies in [start, end), epoch ms."""
        self.check(start, end)
        whole = self.around(start, end)
        first = int(np.searchsorted(whole.closes, start, "right"))
        stop = int(np.searchsorted(whole.opens, end, "left"))
        return whole.rows(first, max(first, stop))

    def trading_days(self, start: int, end: int) -> Times:
        """Return the dates in [start, end) on which sessions are booked, as 00:00 UTC in ms."""
        self.check(start, end)
        days = np.unique(self.around(start, end).day)
        made: Times = days[(days >= start) & (days < end)]
        return made

    def expected(self, start: int, end: int, timeframe: Timeframe | str) -> Times:
        """Return the open times in [start, end) of the grid's bars that the venue trades in.

        A bar is expected if a session overlaps it; from a day on, if one is booked on its dates.
        """
        step = Timeframe.of(timeframe)
        if step.ms >= DAY:
            days = self.trading_days(start, end)
            slots = np.unique((days - step.anchor) // step.ms * step.ms + step.anchor)
        else:
            found = self.sessions(start, end)
            first = found.opens // step.ms
            counts = (found.closes - 1) // step.ms - first + 1
            begins = np.cumsum(counts) - counts
            each = np.arange(int(counts.sum())) - np.repeat(begins, counts)
            slots = np.unique(np.repeat(first, counts) + each) * step.ms
        kept: Times = slots[(slots >= start) & (slots < end)]
        return kept

    def bars_missing(self, bars: Bars) -> Gaps:
        """Return which breaks of a series are closures of the venue and which are not."""
        step = bars.timeframe
        slots = (bars.open_time - step.anchor) // step.ms * step.ms + step.anchor
        if len(bars) == 0:
            return Gaps(slots, slots, 0, 0)
        due = self.expected(int(slots[0]), int(slots[-1]) + step.ms, step)
        missing = np.setdiff1d(due, slots)
        outside = bars.open_time[~np.isin(slots, due)]
        breaks = np.flatnonzero(np.diff(slots) > step.ms)
        before = np.searchsorted(missing, slots)
        closures = int((before[breaks + 1] == before[breaks]).sum())
        return Gaps(missing, outside, len(due), closures)

    def check(self, start: int, end: int) -> None:
        """Raise `UsageError` unless all of [start, end) is known."""
        earliest = KNOWN_FROM[self.name]
        if start < _midnight(earliest) or end > _midnight(KNOWN_UNTIL):
            raise UsageError(
                f"{iso(start)} to {iso(end)} is beyond what is known of {self.name}",
                where="calendar",
                allowed=f"{earliest} to {KNOWN_UNTIL}",
            )

    def around(self, start: int, end: int) -> Sessions:
        """Return the sessions of [start, end) with at least ten days before and after.

        Those before the venue's rules hold are what its rules would make of them.
        """
        first, last = (_date(instant).year for instant in (start - _MARGIN, end + _MARGIN))
        years = [_year(self.name, year) for year in range(first, last + 1)]
        opens, closes, day = (
            np.concatenate([getattr(year, name) for year in years])
            for name in ("opens", "closes", "day")
        )
        return Sessions(opens, closes, day, np.concatenate([year.early for year in years]))


@lru_cache(maxsize=512)
def _year(venue: str, year: int) -> Sessions:
    """Return the sessions of a venue that close on the days of a year, in the venue's zone."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    rows = [row for day in days if day.year == year for row in [_RULES[venue](day)] if row]
    opens, closes, booked, early = zip(*rows, strict=True)
    starts, ends, dates = (np.array(column, np.int64) for column in (opens, closes, booked))
    return Sessions(starts, ends, dates, np.array(early, dtype=bool))


Row = tuple[int, int, int, bool]


def _crypto(day: date) -> Row | None:
    opened = _midnight(day)
    return opened, opened + DAY, opened, False


def _nyse(day: date) -> Row | None:
    if day.weekday() >= SAT or day in nyse_closed(day.year):
        return None
    early = nyse_early(day.year).get(day)
    opened = _local(day, LATE.get(day, time(9, 30)))
    return opened, _local(day, early or time(16)), _midnight(day), early is not None


def _cme_es(day: date) -> Row | None:
    if day.weekday() >= SAT or day in globex_closed(day.year):
        return None
    early = globex_early(day.year).get(day)
    opened = _local(day - timedelta(days=1), _SIX)
    booked = day
    # What is traded on a holiday belongs to the next trading day.
    while booked in half_observed(booked.year) or booked.weekday() >= SAT:
        booked += timedelta(days=1)
    return opened, _local(day, early or _FIVE), _midnight(booked), early is not None


def _fx(day: date) -> Row | None:
    if day.weekday() > FRI:
        return None
    opened = _local(day - timedelta(days=1), _FIVE)
    return opened, _local(day, _FIVE), _midnight(day), False


_RULES = {"crypto": _crypto, "nyse": _nyse, "cme_es": _cme_es, "fx": _fx}


def _date(ms: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).date()


def _midnight(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY


def _local(day: date, at: time) -> int:
    return round(datetime.combine(day, at, _zone()).timestamp()) * 1_000


@lru_cache(maxsize=1)
def _zone() -> ZoneInfo:
    try:
        return ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError as why:
        raise EnvironmentProblem(
            f"no time zones on this machine: {why}", where="calendar", allowed="the package tzdata"
        ) from why


def session_columns(
    bars: Bars, calendar: Calendar | str, before: int | None = None
) -> dict[str, Floats]:
    """Return what the calendar says of each bar, `float64[n]` by the names in `COLUMNS`.

    A bar belongs to the last session that overlaps it, a daily bar to those booked on its date.
    `session` numbers the trading day (days since 1970), `session_start` is 1.0 on the first bar
    of its session that is there, the minutes are counted at the bar's close and not below zero.
    On the series' first bar the start is known by the session's opening alone, unless `before`
    gives the open time of the bar before it. NaN on a bar outside all sessions.

    All of it but the absence of earlier bars is known before the bar opens. Raises `UsageError`
    for bars longer than a day.
    """
    venue = Calendar.of(calendar)
    if bars.timeframe.ms > DAY:
        raise UsageError(
            f"bars of {bars.timeframe} hold several sessions", where=bars.symbol, allowed="1d"
        )
    if len(bars) == 0:
        return {name: np.empty(0) for name in COLUMNS}
    first = int(bars.open_time[0])
    venue.check(first, int(bars.close_time[-1]))
    found = venue.around(min(first, first if before is None else before), int(bars.close_time[-1]))
    place, inside = _places(bars.open_time, bars.timeframe, found)
    # A bar outside all sessions keeps the place of the session before it.
    last = place[0]
    if before is not None:
        last = _places(np.array([before]), bars.timeframe, found)[0][0]
    elif bars.timeframe.ms == DAY or found.opens[place[0]] >= first:
        last = -1
    close, opens, closes = bars.close_time, found.opens[place], found.closes[place]
    values = {
        "session": found.day[place] / DAY,
        "session_start": (np.diff(place, prepend=last) != 0).astype(np.float64),
        "minutes_since_open": (np.minimum(close, closes) - opens) / MINUTE,
        "minutes_to_close": np.maximum(closes - close, 0) / MINUTE,
        "is_early_close": found.early[place].astype(np.float64),
    }
    return {name: np.where(inside, column, np.nan) for name, column in values.items()}


def _places(
    times: Times, timeframe: Timeframe, found: Sessions
) -> tuple[Times, npt.NDArray[np.bool_]]:
    """Return the place of the last session begun by each bar's end, and if it holds the bar."""
    if timeframe.ms == DAY:
        dates = times // DAY * DAY
        place = np.searchsorted(found.day, dates, "right") - 1
        return place, found.day[place] == dates
    place = np.searchsorted(found.opens, times + timeframe.ms, "left") - 1
    return place, found.closes[place] > times


def with_session(bars: Bars, calendar: Calendar | str) -> Bars:
    """Return the bars with the columns of `session_columns` among their extra ones."""
    return replace(bars, extra={**bars.extra, **session_columns(bars, calendar)})


def stamped(bar: Bar, calendar: Calendar | str, before: int | None = None) -> Bar:
    """Return one bar as `with_session` would; `before` is the open time of the bar before it."""
    times, one = np.array([bar.open_time]), np.ones(1)
    alone = Bars(bar.symbol, bar.timeframe, times, one, one, one, one, one)
    columns = session_columns(alone, calendar, before)
    extra: Mapping[str, float] = {name: float(value[0]) for name, value in columns.items()}
    return replace(bar, extra={**bar.extra, **extra})
