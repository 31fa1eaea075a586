"""Bars from a recording of order-book messages; see `folkmoot.market.microstructure`."""

from collections.abc import AsyncIterator

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.frames import Reading
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.microstructure import microstructure_bars
from folkmoot.market.recordings import read_recording
from folkmoot.market.tables import existing, replay


class Recorded:
    """A file of messages `<local ns> <json>`, plain or gzip; `live` replays its bars."""

    def __init__(self, path: str, *, lenient: bool = False) -> None:
        self.path = existing(path)
        self.lenient = lenient

    def reading(self, symbol: str | None, timeframe: Timeframe | None) -> Reading:
        """Return the closed bars of `timeframe` (1m unless given), and what was refused or found.

        Rows of `refused` are lines of the file.
        """
        found = read_recording(self.path, lenient=self.lenient)
        built = microstructure_bars(found, timeframe or "1m")
        bars = built.bars
        if symbol is not None:
            bars = Bars(
                symbol, bars.timeframe, bars.open_time, bars.open, bars.high, bars.low,
                bars.close, bars.volume, bars.extra,
            )  # fmt: skip
        notes = [f"built from {len(found.messages)} messages by the time they were received"]
        if found.clock_error > 0.0:
            late = f"{found.clock_error:.0f} ms"
            notes.append(f"the recorder's clock is at least {late} behind the venue's")
        if found.cut_off:
            notes.append("the file's compression is cut off; what comes before is used")
        if built.breaks:
            notes.append(f"the chain of depth broke {built.breaks} times")
        if built.quiet:
            notes.append(f"{built.quiet} bars without a trade are left out")
        return Reading(bars, found.refused, 0, notes, first_line=1)

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
        """Yield the recording's bars in order."""
        return replay(self.history(symbol, timeframe))

    def markets(self) -> list[str]:
        """Return the symbol that the messages name."""
        return [read_recording(self.path, lenient=self.lenient).symbol]


PLUGIN = Recorded
