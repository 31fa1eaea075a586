"""Bars from a synthetic world of known truth."""

from collections.abc import AsyncIterator

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.aggregate import aggregate
from folkmoot.market.tables import replay
from folkmoot.market.worlds import RECIPES, world

LARGEST_SEED = 2**63 - 1
MOST_BARS = 2_000_000
"""228 years of hours; more would be a matter of memory, not of markets."""


class WorldSource:
    """The world called `name`; text is taken for the numbers, so that `world:fast:3:500` works."""

    def __init__(self, name: str, seed: int | str = 0, n: int | str = 36_000) -> None:
        if name not in RECIPES:
            raise UsageError(f"no world is called {name!r}", where="world", allowed=list(RECIPES))
        self.name = name
        self.seed = _whole("seed", seed, 0, LARGEST_SEED)
        self.n = _whole("n", n, 1, MOST_BARS)

    def history(
        self,
        symbol: str | None,
        timeframe: Timeframe | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Bars:
        """Return the world's hourly bars, or coarser ones made of them, that open in [start, end).

        A symbol only renames them.
        """
        bars = world(self.name, self.n, self.seed).bars
        if symbol is not None and symbol != bars.symbol:
            columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            bars = Bars(symbol, bars.timeframe, bars.open_time, *columns)
        if timeframe is not None and timeframe != bars.timeframe:
            bars = aggregate(bars, timeframe).bars
        return bars.between(start, end)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield the world's bars in order."""
        return replay(self.history(symbol, timeframe))

    def markets(self) -> list[str]:
        """Return the world's own symbol."""
        return [RECIPES[self.name].symbol]


def _whole(name: str, value: int | str, least: int, most: int) -> int:
    try:
        found = int(value)
    except ValueError:
        found = least - 1
    if not least <= found <= most:
        raise UsageError(
            f"{name} is {str(value)[:40]!r}",
            where="world",
            allowed=f"a whole number from {least} to {most}",
        )
    return found


PLUGIN = WorldSource
