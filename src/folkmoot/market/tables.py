"""What every source that holds a table of bars does with it."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import SourceError
from folkmoot.core.frames import Reading, read_frame, step_of
from folkmoot.core.timeframe import MINUTE, TIMEFRAMES, Timeframe
from folkmoot.market.aggregate import aggregate

if TYPE_CHECKING:
    import pandas as pd


def existing(path: str) -> Path:
    """Return the path of a file that is there, or raise `SourceError`."""
    place = Path(path).expanduser()
    if not place.is_file():
        raise SourceError(f"there is no file {path}", where=path)
    return place


def read_table(
    frame: "pd.DataFrame", symbol: str, timeframe: Timeframe | None, lenient: bool
) -> Reading:
    """Read a frame; rows finer than the timeframe asked for are aggregated, and a note says so."""
    step = step_of(frame, symbol)
    if timeframe is None or not step or step >= timeframe.ms or timeframe.ms % step:
        return read_frame(frame, symbol, timeframe, lenient=lenient)
    fine = Timeframe(f"{step / MINUTE:g}m", step)
    reading = read_frame(frame, symbol, fine, lenient=lenient)
    made = aggregate(reading.bars, timeframe)
    partial = int((made.coverage < 1.0).sum())
    known = next((one for one in TIMEFRAMES.values() if one.ms == step), fine)
    note = f"aggregated from {known}: {len(made.bars)} bars"
    if partial:
        note += f"; {partial} of fewer parts than round the clock, as days off and gaps leave them"
    return dataclasses.replace(reading, bars=made.bars, notes=[*reading.notes, note])


async def replay(bars: Bars) -> AsyncIterator[Bar]:
    """Yield the bars of a table one by one, as if each had just closed."""
    for bar in bars:
        yield bar


def empty(symbol: str, timeframe: Timeframe) -> Bars:
    """Return bars of a market in which nothing happened."""
    none = np.empty(0)
    times = np.empty(0, dtype=np.int64)
    return Bars(symbol, timeframe, times, none, none, none, none, none)
