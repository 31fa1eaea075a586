"""Live bars from a source that can only be asked: wait for the close, ask, repeat."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Protocol, runtime_checkable

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import Clock
from folkmoot.core.errors import Unreachable
from folkmoot.core.protocols import Source
from folkmoot.core.timeframe import Timeframe

Sleep = Callable[[float], Awaitable[None]]
LONGEST_WAIT = 60.0
"""Seconds between attempts while the venue does not answer."""


@runtime_checkable
class Resumable(Protocol):
    """A source whose live bars can begin in the past."""

    def live_from(self, symbol: str, timeframe: Timeframe, since: int | None) -> AsyncIterator[Bar]:
        """Yield each closed bar that opens at or after `since`, epoch ms, once."""


async def follow(
    source: Source, symbol: str, timeframe: Timeframe, since: int
) -> AsyncGenerator[Bar, None]:
    """Yield every bar of `source` that opens at or after `since`, epoch ms, once and in order.

    History is asked until it has nothing new; then live bars follow. What closed between the two
    comes first in a source that is `Resumable`; of any other, history is asked again before a live
    bar that does not join the bar before it. So none is lost, however slow the caller is.
    """
    cursor = since

    async def closed(end: int | None) -> Bars:
        bars = await asyncio.to_thread(source.history, symbol, timeframe, cursor, end)
        return bars.between(cursor, end)

    while len(bars := await closed(None)):
        for bar in bars:
            cursor = bar.open_time + 1
            yield bar
    async for bar in _live(source, symbol, timeframe, cursor):
        if bar.open_time >= cursor + timeframe.ms:
            for missed in await closed(bar.open_time):
                cursor = missed.open_time + 1
                yield missed
        if bar.open_time >= cursor:
            cursor = bar.open_time + 1
            yield bar


async def poll(
    history: Callable[[int], Bars],
    timeframe: Timeframe,
    clock: Clock,
    sleep: Sleep,
    patience: float,
    since: int | None = None,
) -> AsyncIterator[Bar]:
    """Yield each bar that opens at or after `since` once it has closed, once and in order.

    Without `since` (epoch ms) these are the bars that close from the first request on.
    `history(start)` returns the closed bars opening at or after `start`; it runs in a thread. What
    closed while the venue was away follows when it is back; if it stays away for `patience`
    seconds, `Unreachable` is raised.
    """
    cursor = timeframe.floor(clock.now()) if since is None else since
    pause = min(max(timeframe.ms / 60_000.0, 1.0), 15.0)
    silent_since: int | None = None
    wait = 1.0
    while True:
        early = cursor + timeframe.ms - clock.now()
        if early > 0:
            await sleep(early / 1000.0)
        try:
            bars = await asyncio.to_thread(history, cursor)
        except Unreachable:
            silent_since = clock.now() if silent_since is None else silent_since
            if clock.now() - silent_since > patience * 1000.0:
                raise
            await sleep(wait)
            wait = min(2.0 * wait, LONGEST_WAIT)
            continue
        silent_since, wait = None, 1.0
        for bar in bars:
            yield bar
            cursor = bar.close_time
        if len(bars) == 0:
            await sleep(pause)


def _live(source: Source, symbol: str, timeframe: Timeframe, since: int) -> AsyncIterator[Bar]:
    if isinstance(source, Resumable):
        return source.live_from(symbol, timeframe, since)
    return source.live(symbol, timeframe)
