"""Live bars from a source that can only be asked: wait for the close, ask, repeat."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import Clock
from folkmoot.core.errors import Unreachable
from folkmoot.core.timeframe import Timeframe

Sleep = Callable[[float], Awaitable[None]]
LONGEST_WAIT = 60.0
"""Seconds between attempts while the venue does not answer."""


async def poll(
    history: Callable[[int], Bars],
    timeframe: Timeframe,
    clock: Clock,
    sleep: Sleep,
    patience: float,
) -> AsyncIterator[Bar]:
    """Yield each bar that closes from now on, once and in order.

    `history(start)` returns the closed bars opening at or after `start`; it runs in a thread. What
    closed while the venue was away follows when it is back; if it stays away for `patience`
    seconds, `Unreachable` is raised.
    """
    cursor = timeframe.floor(clock.now())
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
