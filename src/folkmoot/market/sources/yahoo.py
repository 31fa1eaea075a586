"""Bars from Yahoo Finance through yfinance."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import Clock, SystemClock
from folkmoot.core.errors import (
    EnvironmentProblem,
    SourceError,
    UnknownSymbol,
    Unreachable,
    UsageError,
)
from folkmoot.core.extras import get_extra
from folkmoot.core.frames import read_frame
from folkmoot.core.timeframe import DAY, MINUTE, Timeframe
from folkmoot.market.polling import Sleep, poll
from folkmoot.market.reach import start_within
from folkmoot.market.tables import empty

if TYPE_CHECKING:
    import pandas as pd

INTERVALS = {
    "1m": "1m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1h": "1h",
    "1d": "1d",
    "1w": "1wk",
}
REACH = {"1m": 8, "5m": 60, "15m": 60, "30m": 60, "1h": 730}
"""Days that Yahoo looks back from now; it has all days and weeks."""
NOT_FOUND = 404
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What yfinance raises on an answer of the wrong shape."""


class Yahoo:
    """Yahoo's prices, adjusted for splits and not for dividends; only bars that have closed."""

    def __init__(
        self, *, timeout: float = 10.0, clock: Clock | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.timeout = timeout
        self._clock = clock or SystemClock()
        self._sleep = sleep

    def history(
        self, symbol: str, timeframe: Timeframe, start: int | None = None, end: int | None = None
    ) -> Bars:
        """Return the closed bars that open in [start, end), epoch ms; all there are by default.

        Yahoo has a fixed number of days of intraday bars; by default they begin with the first
        day, week or quarter that it has whole, so that the start stays put while bars are appended.

        Raises `UnknownSymbol`, `Unreachable`, or `UsageError` for a timeframe Yahoo lacks.
        """
        if timeframe.label not in INTERVALS:
            raise UsageError(
                f"Yahoo has no {timeframe} bars", where="timeframe", allowed=[*INTERVALS]
            )
        frame = self._frame(symbol, timeframe, start, end)
        closed = _instants(frame) + timeframe.ms <= self._clock.now()
        if not closed.any():
            return empty(symbol, timeframe)
        return read_frame(frame[closed], symbol, timeframe).bars.between(start, end)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield each bar after it has closed; gives up after ten minutes without an answer."""
        return self.live_from(symbol, timeframe, None)

    def live_from(self, symbol: str, timeframe: Timeframe, since: int | None) -> AsyncIterator[Bar]:
        """Do what `live` does, beginning with the first closed bar at or after `since`."""

        def history(start: int) -> Bars:
            return self.history(symbol, timeframe, start, None)

        return poll(history, timeframe, self._clock, self._sleep, 600.0, since)

    def markets(self) -> list[str]:
        """Return nothing: Yahoo does not list its symbols."""
        return []

    def _frame(
        self, symbol: str, timeframe: Timeframe, start: int | None, end: int | None
    ) -> "pd.DataFrame":
        yahoo = _yfinance()
        everything = start is None and end is None
        try:
            frame: pd.DataFrame = yahoo.Ticker(symbol).history(
                interval=INTERVALS[timeframe.label],
                auto_adjust=False,
                actions=False,
                timeout=self.timeout,
                **_span(timeframe, start, end, self._clock.now()),
            )
        except yahoo.exceptions.YFPricesMissingError as why:
            if everything:
                raise UnknownSymbol(str(why), where="yahoo") from why
            return _nothing()
        except yahoo.exceptions.YFTickerMissingError as why:
            raise UnknownSymbol(str(why), where="yahoo") from why
        except (OSError, yahoo.exceptions.YFRateLimitError) as why:
            raise _silence(why, symbol) from why
        except (yahoo.exceptions.YFException, *UNREADABLE) as why:
            raise SourceError(f"Yahoo's answer could not be read: {why!r:.200}") from why
        if len(frame) == 0 and everything:
            raise Unreachable(f"Yahoo sent an empty table for {symbol}", where="yahoo")
        return frame


def _span(timeframe: Timeframe, start: int | None, end: int | None, now: int) -> dict[str, Any]:
    """Return yfinance's words for a span, somewhat wider than asked for."""
    import pandas as pd

    # A date-stamped bar stands at its exchange's midnight, up to half a day off UTC's.
    margin = pd.Timedelta(days=1)
    if start is None and timeframe.label in REACH:
        tick = start_within(now, REACH[timeframe.label] * DAY - MINUTE)
        first = pd.Timestamp(tick, unit="ms", tz="UTC")
    elif start is None and end is None:
        return {"period": "max"}
    else:
        first = pd.Timestamp(start or 0, unit="ms", tz="UTC") - margin
    last = now if end is None else end
    return {"start": first, "end": pd.Timestamp(last, unit="ms", tz="UTC") + margin}


def _yfinance() -> Any:
    try:
        import yfinance
    except ImportError as why:
        raise EnvironmentProblem(
            "the package yfinance is missing",
            where="yahoo",
            allowed=get_extra("exchange"),
        ) from why
    # Otherwise every failure is an empty frame.
    yfinance.config.debug.hide_exceptions = False
    return yfinance


def _silence(why: Exception, symbol: str) -> SourceError:
    """Tell a symbol that Yahoo does not know from a network that does not answer."""
    status = getattr(getattr(why, "response", None), "status_code", None)
    if status == NOT_FOUND:
        return UnknownSymbol(f"Yahoo knows no {symbol!r}", where="yahoo")
    return Unreachable(f"Yahoo did not answer: {str(why)[:200]}", where="yahoo")


def _nothing() -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(index=pd.DatetimeIndex([], tz="UTC"))


def _instants(frame: "pd.DataFrame") -> Any:
    """Return each row's open in epoch ms; a midnight of the exchange is that date in UTC."""
    index = frame.index
    if len(index) and (index == index.normalize()).all():
        index = index.tz_localize(None).tz_localize("UTC")
    return index.tz_convert("UTC").as_unit("ms").astype("int64").to_numpy()


PLUGIN = Yahoo
