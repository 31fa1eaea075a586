"""The days and hours on which venues depart from their week: rules first, then a list.

Times are New York's. The rules of the New York Stock Exchange hold from 1998, those of the E-mini
S&P 500 on CME Globex from 2021-06-28, when it gave up its afternoon halt. Closures that no rule
foretells are listed up to 2025; later ones have to be added here.
"""

from datetime import date, time, timedelta
from functools import lru_cache

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
ONE, QUARTER_PAST_ONE = time(13), time(13, 15)

UNFORESEEN = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),  # the attacks of September 11
        date(2004, 6, 11),  # mourning for President Reagan
        date(2007, 1, 2),  # for President Ford
        *(date(2012, 10, day) for day in (29, 30)),  # the hurricane Sandy
        date(2018, 12, 5),  # mourning for President Bush
        date(2025, 1, 9),  # for President Carter
    }
)
EARLY = {date(1999, 12, 31): ONE, date(2003, 12, 26): ONE}
LATE = {date(2002, 9, 11): time(12)}
"""Openings after 09:30; delays of some minutes are left out."""
GLOBEX_EARLY = {date(2025, 1, 9): time(9, 30)}
"""Unforeseen closures of the exchange on which Globex traded until then."""


def easter(year: int) -> date:
    """Return Easter Sunday (Gregorian; J.-M. Oudin, 1940).

    >>> easter(2026)
    datetime.date(2026, 4, 5)
    """
    century, golden = year // 100, year % 19
    moon = century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15
    moon %= 30
    late = (moon // 28) * (29 // (moon + 1)) * ((21 - golden) // 11)
    moon -= (moon // 28) * (1 - late)
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    return date(year, 3, 28) + timedelta(days=moon - weekday)


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """Return the n-th such weekday of a month; n = -1 is the last.

    >>> nth(2024, 11, THU, 4), nth(2024, 5, MON, -1)
    (datetime.date(2024, 11, 28), datetime.date(2024, 5, 27))
    """
    if n < 0:
        following = date(year + month // 12, month % 12 + 1, 1)
        return nth(following.year, following.month, weekday, 1) - timedelta(weeks=1)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=n - 1)


def observed(day: date) -> date:
    """Return the weekday on which a holiday is kept: Friday for Saturday, Monday for Sunday."""
    return day + timedelta(days={SAT: -1, SUN: 1}.get(day.weekday(), 0))


@lru_cache(maxsize=256)
def half_observed(year: int) -> frozenset[date]:
    """Return the holidays of a year that close the exchange and only shorten Globex's day."""
    days = {
        nth(year, 1, MON, 3),  # Martin Luther King Jr.
        nth(year, 2, MON, 3),  # Washington's Birthday
        nth(year, 5, MON, -1),  # Memorial Day
        observed(date(year, 7, 4)),
        nth(year, 9, MON, 1),  # Labor Day
        nth(year, 11, THU, 4),  # Thanksgiving
    }
    return frozenset(days | ({observed(date(year, 6, 19))} if year >= 2022 else set()))


@lru_cache(maxsize=256)
def whole_observed(year: int) -> frozenset[date]:
    """Return the holidays of a year that close everything, Good Friday aside."""
    first = date(year, 1, 1)
    # A Saturday's New Year would be kept in the year before, which it is not.
    start = {observed(first)} if first.weekday() != SAT else set()
    return frozenset(start | {observed(date(year, 12, 25))})


def good_friday(year: int) -> date:
    """Return the Friday before Easter."""
    return easter(year) - timedelta(days=2)


@lru_cache(maxsize=256)
def nyse_closed(year: int) -> frozenset[date]:
    """Return the weekdays of a year on which the New York Stock Exchange does not open."""
    unforeseen = {day for day in UNFORESEEN if day.year == year}
    return half_observed(year) | whole_observed(year) | {good_friday(year)} | unforeseen


@lru_cache(maxsize=256)
def nyse_early(year: int) -> dict[date, time]:
    """Return the days of a year on which the New York Stock Exchange closes early, and when."""
    fourth, eve = date(year, 7, 4), date(year, 12, 24)
    days = {nth(year, 11, THU, 4) + timedelta(days=1)}
    if fourth.weekday() == THU and year < 2013:
        days.add(date(year, 7, 5))
    elif fourth.weekday() in (TUE, WED, THU, FRI):
        days.add(date(year, 7, 3))
    if eve.weekday() in (MON, TUE, WED, THU):
        days.add(eve)
    return dict.fromkeys(days, ONE) | {day: at for day, at in EARLY.items() if day.year == year}


@lru_cache(maxsize=256)
def globex_closed(year: int) -> frozenset[date]:
    """Return the days of a year to which no Globex session of stock indices leads."""
    friday = good_friday(year)
    return whole_observed(year) | (frozenset() if _employment(friday) else {friday})


@lru_cache(maxsize=256)
def globex_early(year: int) -> dict[date, time]:
    """Return the days of a year on which Globex's session of stock indices ends early, and when."""
    friday = good_friday(year)
    half = dict.fromkeys(half_observed(year), ONE)
    eves = dict.fromkeys(nyse_early(year), QUARTER_PAST_ONE)
    report = {friday: time(9, 15)} if _employment(friday) else {}
    unforeseen = {day: at for day, at in GLOBEX_EARLY.items() if day.year == year}
    return eves | half | report | unforeseen


def _employment(friday: date) -> bool:
    """Whether a Good Friday is the month's first, on which the employment report is traded."""
    return friday.day <= 7
