"""Bars from the bar store."""

from collections.abc import AsyncIterator
from pathlib import Path

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.settings import settings
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.store import BarStore
from folkmoot.market.symbols import resolve
from folkmoot.market.tables import replay


class Store:
    """What was imported under `root`, by default the `bars` folder of the data root."""

    def __init__(self, root: str | None = None) -> None:
        self._bars = BarStore(Path(root) if root else settings().data_root / "bars")

    def history(
        self,
        symbol: str,
        timeframe: Timeframe | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Bars:
        """Return the stored bars that open in [start, end), epoch ms.

        Raises `UnknownSymbol`, or `UsageError` that lists the stored timeframes.
        """
        market = resolve(symbol, self.markets())
        stored = [one.timeframe for one in self._bars.series() if one.symbol == market]
        chosen = timeframe or stored[0]
        if chosen not in stored or (timeframe is None and len(stored) > 1):
            raise UsageError(
                f"{market} is not stored as {timeframe}" if timeframe else "no timeframe was given",
                where="timeframe",
                allowed=[one.label for one in stored],
            )
        return self._bars.read(market, chosen, start, end)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield the stored bars in order."""
        return replay(self.history(symbol, timeframe))

    def markets(self) -> list[str]:
        """Return the stored symbols."""
        return list(dict.fromkeys(one.symbol for one in self._bars.series()))


PLUGIN = Store
