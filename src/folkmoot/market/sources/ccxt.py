"""Bars from any exchange that ccxt speaks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from difflib import get_close_matches
from typing import Any

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
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.polling import Sleep, poll
from folkmoot.market.reach import start_before
from folkmoot.market.symbols import resolve
from folkmoot.market.tables import empty

PAGE = 500
"""Bars asked for at once where the exchange states no limit."""
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What ccxt's parsers raise on an answer of the wrong shape."""


class Ccxt:
    """One exchange's public market data; only bars that the exchange's own clock has closed.

    `config` goes to ccxt as it is; an open start reaches at least `bars` bars back, to the start
    of a year, quarter, month, week or day; `timeout` bounds one request and `patience` all attempts
    at it, in seconds.
    """

    def __init__(
        self,
        exchange: str,
        *,
        config: Mapping[str, Any] | None = None,
        bars: int = 36_000,
        timeout: float = 10.0,
        patience: float = 20.0,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.exchange = exchange
        self.bars = bars
        self.patience = patience
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._venue = _venue(exchange, {"timeout": int(1000 * timeout), **(config or {})})

    def history(
        self, symbol: str, timeframe: Timeframe, start: int | None = None, end: int | None = None
    ) -> Bars:
        """Return the closed bars that open in [start, end), epoch ms, page after page.

        Raises `Unreachable`, `UnknownSymbol`, `AmbiguousSymbol`, or `UsageError` for a timeframe
        that the exchange does not offer.
        """
        market = resolve(symbol, self.markets())
        offered = self._venue.timeframes or {}
        if timeframe.label not in offered:
            raise UsageError(
                f"{self.exchange} has no {timeframe} bars", where="timeframe", allowed=[*offered]
            )
        now = self._now()
        last = min(now - timeframe.ms, now if end is None else end - 1)
        first = start_before(now, self.bars * timeframe.ms) if start is None else start
        rows = self._pages(market, timeframe, first, last)
        if not rows:
            return empty(market, timeframe)
        return _bars(rows, market, timeframe)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield each bar after it has closed; gives up after ten minutes without an answer."""
        return self.live_from(symbol, timeframe, None)

    def live_from(self, symbol: str, timeframe: Timeframe, since: int | None) -> AsyncIterator[Bar]:
        """Do what `live` does, beginning with the first closed bar at or after `since`."""

        def history(start: int) -> Bars:
            return self.history(symbol, timeframe, start, None)

        return poll(history, timeframe, self._clock, self._sleep, 600.0, since)

    def markets(self) -> list[str]:
        """Return the unified names of the exchange's markets."""
        return sorted(self._ask(self._venue.load_markets))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._venue.session.close()

    def _now(self) -> int:
        if self._venue.has.get("fetchTime"):
            return int(self._ask(self._venue.fetch_time))
        return self._clock.now()

    def _pages(self, market: str, timeframe: Timeframe, first: int, last: int) -> list[list[Any]]:
        limit = self._venue.feature_value(market, "fetchOHLCV", "limit", PAGE) or PAGE
        rows: list[list[Any]] = []
        cursor = first
        while cursor <= last:
            page = self._ask(self._venue.fetch_ohlcv, market, timeframe.label, cursor, limit)
            rows += [row for row in page if cursor <= row[0] <= last]
            reached = max((int(row[0]) for row in page), default=0)
            # Some exchanges answer a window before the listing with nothing.
            skip = cursor + limit * timeframe.ms
            cursor = reached + timeframe.ms if reached >= cursor else skip
        return rows

    def _ask(self, call: Callable[..., Any], *given: Any) -> Any:
        """Call ccxt, try again while the network fails, and speak of errors in our words."""
        import ccxt

        began, wait = time.monotonic(), 0.5
        while True:
            try:
                return call(*given)
            except ccxt.BadSymbol as why:
                raise UnknownSymbol(str(why), where=self.exchange) from why
            except ccxt.NetworkError as why:
                spent = time.monotonic() - began
                if wait > 1.0 or spent + wait > self.patience:
                    raise Unreachable(
                        f"{self.exchange} did not answer in {spent:.1f} s: {str(why)[:200]}",
                        where=self.exchange,
                    ) from why
            except ccxt.BaseError as why:
                raise SourceError(str(why)[:300], where=self.exchange) from why
            except UNREADABLE as why:
                raise SourceError(
                    f"an answer could not be read: {why!r:.200}", where=self.exchange
                ) from why
            time.sleep(wait)
            wait *= 2.0


def _venue(exchange: str, config: Mapping[str, Any]) -> Any:
    try:
        import ccxt
    except ImportError as why:
        raise EnvironmentProblem(
            "the package ccxt is missing", where="ccxt", allowed=get_extra("exchange")
        ) from why
    if exchange not in ccxt.exchanges:
        raise UsageError(
            f"ccxt knows no exchange {exchange!r}",
            where="exchange",
            allowed=get_close_matches(exchange, ccxt.exchanges) or list(ccxt.exchanges),
        )
    venue = getattr(ccxt, exchange)(dict(config))
    if not venue.has.get("fetchOHLCV"):
        raise UsageError(f"{exchange} offers no bars", where="exchange")
    _refuse_blanks(venue)
    return venue


def _refuse_blanks(venue: Any) -> None:
    """Make ccxt raise on a bar that it could not read, which it drops without a word."""
    parse = venue.parse_ohlcv

    def checked(row: Any, market: Any = None) -> Any:
        bar = parse(row, market)
        if len(bar) < 5 or any(value is None for value in bar[:5]):
            raise ValueError(f"a bar reads {row!r:.100}")
        return bar

    venue.parse_ohlcv = checked


def _bars(rows: list[list[Any]], market: str, timeframe: Timeframe) -> Bars:
    import pandas as pd

    names = ["timestamp", "open", "high", "low", "close", "volume"]
    frame = pd.DataFrame([row[:6] for row in rows], columns=names)
    return read_frame(frame, market, timeframe).bars


PLUGIN = Ccxt
