"""Where a history begins when nobody says: on a tick of a coarse calendar that stays for long.

A start that slid with the clock would make another history, and another study, of every bar.
"""

import numpy as np

from folkmoot.core.timeframe import DAY, Timeframe

SHARE = 0.3
"""The most that the way to a tick may add to, or take from, the span asked for."""
MONTHS = (12, 3, 1)
"""Years, quarters and months; weeks and days come after them."""


def start_before(now: int, span: int) -> int:
    """Return the tick at or before `now - span`, epoch ms, and not before 1970.

    Ticks are the starts of UTC years, quarters, months, weeks or days: the coarsest that add at
    most three tenths to `span`, or days.

    >>> from folkmoot.core.stamps import instant
    >>> start_before(instant("2024-05-07"), 1500 * DAY) == instant("2020-01-01")
    True
    """
    return max(0, _floor(now - span, span))


def start_within(now: int, span: int) -> int:
    """Return a tick at or after `now - span`, for a venue that refuses what is older."""
    return _floor(now - span + _length(span), span)


def _length(span: int) -> int:
    """Return the longest distance of two ticks."""
    lengths = (*(31 * DAY * months for months in MONTHS), 7 * DAY)
    return next((length for length in lengths if length <= SHARE * span), DAY)


def _floor(time: int, span: int) -> int:
    length = _length(span)
    if length <= 7 * DAY:
        return Timeframe.of("1d" if length == DAY else "1w").floor(time)
    months = length // (31 * DAY)
    month = int(np.datetime64(time, "ms").astype("datetime64[M]").astype(np.int64))
    tick = np.datetime64(month // months * months, "M")
    return int(tick.astype("datetime64[ms]").astype(np.int64))
