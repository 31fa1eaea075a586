"""Bars from a text file: comma, semicolon, tab or bar separated, plain, gzip or zip."""

import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import DataError
from folkmoot.core.frames import KLINES, Reading
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.tables import existing, read_table, replay

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (",", ";", "\t", "|")
FEWEST = 5
"""A table of bars has a time and four prices."""
PLAIN = ("timestamp", "open", "high", "low", "close", "volume")


class Csv:
    """A file of bars; `live` replays it. Binance klines need no header."""

    def __init__(self, path: str, *, lenient: bool = False) -> None:
        self.path = existing(path)
        self.lenient = lenient

    def reading(self, symbol: str | None, timeframe: Timeframe | None) -> Reading:
        """Return the whole file's bars with what was refused, dropped or assumed."""
        frame, first_line = _frame(_text(self.path), str(self.path))
        found = read_table(frame, symbol or self.markets()[0], timeframe, self.lenient)
        return replace(found, first_line=first_line)

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


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                data = packed.read(packed.namelist()[0])
        return data.decode("utf-8-sig")
    except (UnicodeDecodeError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as why:
        raise DataError(
            f"not a text file: {why}", where=str(path), allowed="UTF-8 text, plain, gzip or zip"
        ) from why


def _frame(text: str, where: str) -> "tuple[pd.DataFrame, int | None]":
    """Return the table, and the line of its first row unless blank lines or the like shift rows."""
    import pandas as pd

    head = text[:65_536].splitlines()[:20]
    if not text.strip():
        raise DataError("the file is empty", where=where)
    # Some vendors write their address above the header.
    skipped, delimiter = _header(head, where)
    fields = [part.strip() for part in head[skipped].split(delimiter)]
    names = _names_without_header(fields, where)
    # From 3.1 on pandas reads every number to the nearest float without being asked.
    asked = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    exact: dict[str, Any] = {"float_precision": "round_trip"} if asked else {}
    try:
        with warnings.catch_warnings():
            # Otherwise a row with more fields than the header loses the last ones.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                names=names,
                header=None if names else 0,
                skiprows=skipped,
                index_col=False,
                low_memory=False,
                **exact,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as why:
        raise DataError(f"the table is broken: {why}", where=where) from why
    first_line = skipped + (1 if names else 2)
    one_each = text.rstrip().count("\n") + 2 - first_line == len(frame)
    return frame, first_line if one_each else None


def _header(head: list[str], where: str) -> tuple[int, str]:
    """Return how many lines stand above the header, and the delimiter."""
    for skipped, line in enumerate(head):
        counts = {delimiter: line.count(delimiter) + 1 for delimiter in DELIMITERS}
        delimiter = max(counts, key=lambda one: counts[one])
        if counts[delimiter] >= FEWEST:
            return skipped, delimiter
    first = next((line for line in head if line.strip()), "")
    raise DataError(
        f"no line has {FEWEST} columns; the first is {first[:80]!r}",
        where=where,
        allowed="columns separated by comma, semicolon, tab or |",
    )


def _names_without_header(fields: list[str], where: str) -> list[str] | None:
    """Return the columns' names if the first line is already a bar, None if it names them."""
    if not all(_numeric(field) for field in fields):
        return None
    for names in (KLINES, PLAIN):
        if len(fields) == len(names):
            return list(names)
    raise DataError(
        f"the file has no header and {len(fields)} columns",
        where=where,
        allowed=f"a header, or the {len(KLINES)} columns of Binance klines, or {len(PLAIN)}",
    )


def _numeric(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


PLUGIN = Csv
