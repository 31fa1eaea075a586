"""One market with others joined to it, for expressions of `of(symbol, ...)`.

`joined:MAIN|OTHER|...` where MAIN is a source (`ccxt:binance`, a file) and each OTHER a source of
its own or a symbol on MAIN.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from folkmoot.core.bars import COLUMNS, Bar, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.frames import Reading
from folkmoot.core.protocols import Source
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.joining import join, join_live, twice
from folkmoot.market.symbols import resolve


class Joined:
    """Several sources read as one market with extra columns."""

    def __init__(self, parts: str, *, lenient: bool = False) -> None:
        self.parts = [part.strip() for part in parts.split("|")]
        self.lenient = lenient
        if len(self.parts) < 2 or not all(self.parts):
            raise UsageError(
                f"{parts!r} joins nothing", where="joined", allowed="joined:MAIN|OTHER|..."
            )

    def reading(self, symbol: str | None, timeframe: Timeframe | None) -> Reading:
        """Return the main market's reading, the others joined to it."""
        from folkmoot.market.specs import reading

        main = reading(self.parts[0], symbol, timeframe, lenient=self.lenient)
        frame, notes = main.bars.timeframe, list(main.notes)
        others = []
        for spec, name in self._others():
            found = reading(spec, name, frame, lenient=self.lenient)
            notes += [f"{found.bars.symbol}: {note}" for note in found.notes]
            others.append(found.bars)
        return replace(main, bars=join(main.bars, *others), notes=notes)

    def history(
        self,
        symbol: str | None,
        timeframe: Timeframe | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Bars:
        """Return the bars that open in [start, end), epoch ms, the other markets joined."""
        return self.reading(symbol, timeframe).bars.between(start, end)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield each closed bar of the main market with the others' bars of the same close.

        Raises `UsageError` for a market that is there twice, as `history` does.
        """
        from folkmoot.market.specs import open_source

        main = open_source(self.parts[0], lenient=self.lenient)
        seen = {self._market(self.parts[0], main, symbol, timeframe)[0]}
        others: dict[str, AsyncIterator[Bar]] = {}
        columns: dict[str, tuple[str, ...]] = {}
        for spec, name in self._others():
            source = open_source(spec, lenient=self.lenient)
            market, named = self._market(spec, source, name, timeframe)
            if market in seen:
                raise twice(market)
            seen.add(market)
            others[market], columns[market] = source.live(market, timeframe), named
        return join_live(main.live(symbol, timeframe), others, columns)

    def _market(
        self, spec: str, source: Source, name: str | None, timeframe: Timeframe
    ) -> tuple[str, tuple[str, ...]]:
        """Return what history calls a market, and the columns that it has there.

        A venue that is polled is not asked for bars: it has no others until one brings some.
        """
        from folkmoot.market.specs import reading

        if not hasattr(source, "live_from"):
            bars = reading(spec, name, timeframe, lenient=self.lenient).bars
            return bars.symbol, (*COLUMNS, *bars.extra)
        if name is None:
            return _only(source, spec), COLUMNS
        listed = source.markets() if hasattr(source, "markets") else []
        return (resolve(name, listed) if listed else name), COLUMNS

    def markets(self) -> list[str]:
        """Return the main source's markets."""
        from folkmoot.market.specs import open_source

        source = open_source(self.parts[0])
        listed: list[str] = source.markets() if hasattr(source, "markets") else []
        return listed

    def _others(self) -> list[tuple[str, str | None]]:
        """Return (source, symbol) of each other market; a bare symbol lies on the main source."""
        from pathlib import Path

        from folkmoot.core import plugins
        from folkmoot.market.specs import PACKAGE, SUFFIXES

        kinds = set(plugins.names(PACKAGE))
        found: list[tuple[str, str | None]] = []
        for part in self.parts[1:]:
            own = part.partition(":")[0] in kinds or Path(part).suffix.lower() in SUFFIXES
            found.append((part, None) if own else (self.parts[0], part))
        return found


def _only(source: Source, spec: str) -> str:
    names = source.markets() if hasattr(source, "markets") else []
    if len(names) != 1:
        raise UsageError(
            f"{spec} has {len(names)} markets", where="joined", allowed="one, or a symbol"
        )
    return str(names[0])


PLUGIN = Joined
