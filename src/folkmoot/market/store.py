"""The bar store: append-only Parquet segments that a crash cannot damage.

Under the root stands a folder per symbol (name percent-encoded) and timeframe; in it segments
named `first-last-hash.parquet` that are never changed. Appending writes the new bars to a
temporary file, syncs it, renames it and syncs the folder. Reading merges segments; equal bars in
two of them (a crash while small segments were being joined) count once.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import BadBars, DataError, UsageError
from folkmoot.core.locks import locked
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".parquet"
PARTIAL = ".partial"
MOST_SEGMENTS = 64
"""Segments of one series from which appending joins them into one."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Appended:
    """How many bars were new and how many were there already."""

    new: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Series:
    """One stored series; `first` and `last` are open times, epoch ms."""

    symbol: str
    timeframe: Timeframe
    rows: int
    first: int
    last: int


class BarStore:
    """Bars on disk below `root`; several processes may read and append."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser()

    def append(self, bars: Bars) -> Appended:
        """Add bars that are not there yet, all or none.

        Raises `BadBars`, listing the rows of `bars`, if stored bars say otherwise.
        """
        folder = self._folder(bars.symbol, bars.timeframe)
        with locked(folder):
            for stray in folder.glob(f"*{PARTIAL}"):
                stray.unlink()
            segments = _segments(folder)
            near = [one for one in segments if _overlaps(one, bars)]
            fresh = _unseen(bars, self._merge(near, bars.symbol, bars.timeframe))
            if len(fresh):
                _write(folder, fresh)
            if len(segments) >= MOST_SEGMENTS:
                self._join(folder, bars.symbol, bars.timeframe)
        return Appended(len(fresh), len(bars) - len(fresh))

    def read(
        self,
        symbol: str,
        timeframe: Timeframe | str,
        start: int | None = None,
        end: int | None = None,
    ) -> Bars:
        """Return the stored bars that open in [start, end), epoch ms; none if there are none.

        Raises `DataError` for a damaged segment, `BadBars` if segments contradict each other.
        """
        step = Timeframe.of(timeframe)
        folder = self._folder(symbol, step)
        while True:
            segments = [
                one
                for one in _segments(folder)
                if (end is None or _span(one)[0] < end)
                and (start is None or _span(one)[1] >= start)
            ]
            try:
                return self._merge(segments, symbol, step).between(start, end)
            except FileNotFoundError:
                # An append in another process has just joined these segments into one.
                continue

    def series(self) -> list[Series]:
        """Return what is stored, by symbol and timeframe."""
        return list(self._series())

    def _series(self) -> Iterator[Series]:
        order = list(TIMEFRAMES)
        for folder in sorted(self.root.glob("*")):
            labels = [label for label in order if (folder / label).is_dir()]
            for label in labels:
                timeframe = Timeframe.of(label)
                symbol = unquote(folder.name)
                segments = _segments(folder / label)
                if segments:
                    opens = np.concatenate([_table(one)["open_time"] for one in segments])
                    rows = len(np.unique(opens))
                    yield Series(symbol, timeframe, rows, int(opens.min()), int(opens.max()))

    def _folder(self, symbol: str, timeframe: Timeframe) -> Path:
        name = quote(symbol, safe="").replace(".", "%2E")
        if not symbol or len(name) > LONGEST_NAME:
            raise UsageError(
                f"symbol {symbol[:60]!r} cannot be stored",
                where="store",
                allowed=f"1 to {LONGEST_NAME} characters once percent-encoded",
            )
        return self.root / name / timeframe.label

    def _merge(self, segments: list[Path], symbol: str, timeframe: Timeframe) -> Bars:
        parts = [_columns(_table(one)) for one in segments]
        names = list(dict.fromkeys([*COLUMNS, *(n for p in parts for n in p if n != "open_time")]))
        opens = np.concatenate([part["open_time"] for part in parts] or [np.empty(0)])
        values = {
            name: np.concatenate(
                [p.get(name, np.full(len(p["open_time"]), np.nan)) for p in parts] or [np.empty(0)]
            )
            for name in names
        }
        kept = _once(opens.astype(np.int64), values, symbol)
        chosen = {name: column[kept] for name, column in values.items()}
        return _bars(symbol, timeframe, opens[kept].astype(np.int64), chosen)

    def _join(self, folder: Path, symbol: str, timeframe: Timeframe) -> None:
        """Replace all segments by one; equal bars count once if this is cut short."""
        old = _segments(folder)
        joined = _write(folder, self._merge(old, symbol, timeframe))
        for segment in old:
            if segment != joined:
                segment.unlink()


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"), key=_span)


def _span(segment: Path) -> tuple[int, int]:
    """Return the open times of a segment's first and last bar, which its name states."""
    try:
        first, last, _ = segment.name.removesuffix(SUFFIX).split("_")
        return int(first), int(last)
    except ValueError as why:
        raise DataError(
            f"{segment.name} is no segment of the bar store", where=str(segment.parent)
        ) from why


def _overlaps(segment: Path, bars: Bars) -> bool:
    first, last = _span(segment)
    return len(bars) > 0 and first <= int(bars.open_time[-1]) and last >= int(bars.open_time[0])


def _table(segment: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(segment).read()
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as why:
        raise DataError(f"a segment is damaged: {why}", where=str(segment)) from why


def _columns(table: "pa.Table") -> dict[str, npt.NDArray[np.generic]]:
    return {name: table[name].to_numpy() for name in table.column_names}


def _once(
    opens: npt.NDArray[np.int64], values: dict[str, Floats], symbol: str
) -> npt.NDArray[np.int64]:
    """Return the rows in order of time, one for each; those that disagree are an error."""
    order = np.argsort(opens, kind="stable")
    twin = np.flatnonzero(np.diff(opens[order]) == 0) + 1
    clash = np.zeros(len(twin), dtype=bool)
    for name in COLUMNS:
        one, other = values[name][order[twin - 1]], values[name][order[twin]]
        clash |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    if clash.any():
        rows = [(int(row), iso(int(opens[order[row]]))) for row in twin[clash]]
        raise BadBars(f"{len(rows)} stored bars contradict each other", rows=rows, where=symbol)
    return np.delete(order, twin)


def _unseen(bars: Bars, stored: Bars) -> Bars:
    """Return the bars that are not stored; raise `BadBars` for those stored with other values."""
    _, mine, theirs = np.intersect1d(
        bars.open_time, stored.open_time, assume_unique=True, return_indices=True
    )
    differs: list[tuple[int, str]] = []
    names = [*COLUMNS, *(name for name in bars.extra if name in stored.extra)]
    for name in names:
        new, old = bars.column(name)[mine], stored.column(name)[theirs]
        for i in np.flatnonzero((new != old) & ~(np.isnan(new) & np.isnan(old))):
            at = iso(int(bars.open_time[mine[i]]))
            differs.append((int(mine[i]), f"{at}: {name} is {new[i]}, stored is {old[i]}"))
    if differs:
        differs.sort()
        shown = "; ".join(f"row {row}: {reason}" for row, reason in differs[:5])
        raise BadBars(
            f"{len({row for row, _ in differs})} bars contradict the store: {shown}",
            rows=differs,
            where=bars.symbol,
            allowed="new bars, or the stored ones unchanged",
        )
    kept = np.ones(len(bars), dtype=bool)
    kept[mine] = False
    chosen = {name: bars.column(name)[kept] for name in (*COLUMNS, *bars.extra)}
    return _bars(bars.symbol, bars.timeframe, bars.open_time[kept], chosen)


def _bars(
    symbol: str, timeframe: Timeframe, opens: npt.NDArray[np.int64], values: Mapping[str, Floats]
) -> Bars:
    extra = {name: column for name, column in values.items() if name not in COLUMNS}
    open_, high, low, close, volume = (values[name] for name in COLUMNS)
    return Bars(symbol, timeframe, opens, open_, high, low, close, volume, extra)


def _write(folder: Path, bars: Bars) -> Path:
    """Write one segment so that it is there whole or not at all, and survives a power cut."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"open_time": bars.open_time, **{name: bars.column(name) for name in COLUMNS}}
    table = pa.table({**columns, **bars.extra})
    name = f"{bars.open_time[0]}_{bars.open_time[-1]}_{bars.hash()[:12]}"
    target = folder / f"{name}{SUFFIX}"
    partial = folder / f"{name}{PARTIAL}"
    with partial.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    _sync(folder)
    return target


def _sync(folder: Path) -> None:
    """Make a rename durable; Windows has no handle on folders and does it by itself."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
