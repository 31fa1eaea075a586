"""Sources whose bars close while they are asked."""

from collections.abc import AsyncIterator

import numpy as np

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import BarClock
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.polling import poll


class Market:
    """A source whose bars close while it is asked: one more before live bars begin."""

    def __init__(self, bars: Bars, closed: int) -> None:
        self.bars, self.closed = bars, closed

    def history(
        self, symbol: str, timeframe: Timeframe, start: int | None, end: int | None
    ) -> Bars:
        """Return the closed bars that open in [start, end)."""
        assert (symbol, timeframe) == (self.bars.symbol, self.bars.timeframe)
        return self.bars.until(self.closed).between(start, end)

    async def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield each bar that closes from now on."""
        assert (symbol, timeframe) == (self.bars.symbol, self.bars.timeframe)
        self.closed += 1
        while self.closed < len(self.bars):
            self.closed += 1
            yield self.bars.bar(self.closed - 1)


class Exchange(Market):
    """A venue that is polled; every question to it takes a while."""

    def __init__(self, bars: Bars, closed: int) -> None:
        super().__init__(bars, closed)
        self.clock = BarClock(int(bars.close_time[closed - 1]) + 1)

    def history(
        self, symbol: str, timeframe: Timeframe, start: int | None, end: int | None
    ) -> Bars:
        """Return the bars that had closed when the question came."""
        self.closed = int(np.searchsorted(self.bars.close_time, self.clock.now(), "right"))
        found = super().history(symbol, timeframe, start, end)
        self.clock.set(self.clock.now() + timeframe.ms // 2)
        return found

    async def live_from(
        self, symbol: str, timeframe: Timeframe, since: int | None
    ) -> AsyncIterator[Bar]:
        """Poll."""

        async def sleep(seconds: float) -> None:
            self.clock.set(self.clock.now() + int(1000 * seconds))

        def history(start: int) -> Bars:
            return self.history(symbol, timeframe, start, None)

        async for bar in poll(history, timeframe, self.clock, sleep, 10.0, since):
            yield bar
