"""Bars from a Parquet file."""

from collections.abc import AsyncIterator

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import DataError
from folkmoot.core.frames import Reading
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.tables import existing, read_table, replay


class Parquet:
    """A file of bars; `live` replays it."""

    def __init__(self, path: str, *, lenient: bool = False) -> None:
        self.path = existing(path)
        self.lenient = lenient

    def reading(self, symbol: str | None, timeframe: Timeframe | None) -> Reading:
        """Return the whole file's bars with what was refused, dropped or assumed."""
        import pandas as pd
        import pyarrow as pa

        try:
            frame = pd.read_parquet(self.path)
        except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as why:
            raise DataError(f"not a Parquet file: {why}", where=str(self.path)) from why
        return read_table(frame, symbol or self.markets()[0], timeframe, self.lenient)

    def history(
        self,
        symbol: str | None,
        timeframe: Timeframe | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Bars:
        """Return the bars that open in [start, end), epoch ms."""
        return self.reading(symbol, timeframe).bars.between(start, end)

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield the file's bars in order."""
        return replay(self.history(symbol, timeframe))

    def markets(self) -> list[str]:
        """Return the file's name, which is what it calls its market."""
        return [self.path.name.partition(".")[0]]


PLUGIN = Parquet
