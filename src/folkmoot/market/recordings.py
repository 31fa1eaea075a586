"""Recorded order-book messages, one a line: `<local ns> <json>` of Binance's combined streams.

Known are `trade`, `bookTicker`, `depth` (diffs) and the REST snapshot of the book, plain or gzip.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from folkmoot.core.errors import DataError

CHUNK = 1 << 18
TOLERATED = 0.001
"""The largest share of lines that may be unreadable."""
SHOWN = 3
STAMPS = (946_684_800 * 10**9, 4_102_444_800 * 10**9)
"""The years 2000 to 2100 in ns: a stamp outside is not one."""
LEAP = 30 * 86_400 * 10**9
"""The longest that a recorder can have been silent, ns: a stamp further on is broken."""

Levels = tuple[tuple[float, float], ...]
"""(price, size) pairs; size 0 removes a level."""


class Trade(NamedTuple):
    """One trade: `number` counts a symbol's trades, `sign` is +1 where the buyer was aggressive.

    `received` is local epoch ns, `event` the venue's epoch ms.
    """

    received: int
    event: int
    number: int
    price: float
    size: float
    sign: float


class Quote(NamedTuple):
    """The best bid and ask after the book's update number `update`."""

    received: int
    update: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Diff(NamedTuple):
    """Changed levels of the updates `first` to `last`."""

    received: int
    event: int
    first: int
    last: int
    bids: Levels
    asks: Levels


class Snapshot(NamedTuple):
    """The whole book after update `last`."""

    received: int
    last: int
    bids: Levels
    asks: Levels


Message = Trade | Quote | Diff | Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording's messages in the order received, and lines refused as (number from 0, reason).

    `cut_off` says that the file's compression ends in the middle; its last line is then refused.
    """

    symbol: str
    messages: list[Message]
    refused: list[tuple[int, str]]
    cut_off: bool

    @property
    def clock_error(self) -> float:
        """Median of the venue's stamps less the local ones, ms; above 0 the local clock is late."""
        stamped = [m for m in self.messages if isinstance(m, Trade | Diff)]
        apart = sorted(message.event - message.received / 1e6 for message in stamped)
        return apart[len(apart) // 2] if apart else float("nan")


def read_recording(path: str | Path, *, lenient: bool = False) -> Recording:
    """Read a recording of one symbol.

    Raises `DataError` where more than one line in a thousand cannot be read (`lenient` lets any
    number be refused), where the lines are of several symbols, or where there are none.
    """
    where = str(path)
    lines, cut_off = _lines(Path(path), where)
    messages: list[Message] = []
    refused: list[tuple[int, str]] = []
    symbols: dict[str, None] = {}
    newest = 0
    for number, line in enumerate(lines):
        try:
            symbol, message = _message(line)
            _check_order(message.received, newest)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as why:
            refused.append((number, f"{type(why).__name__}: {str(why)[:80]}"))
            continue
        newest = message.received
        symbols.update({symbol: None} if symbol else {})
        messages.append(message)
    if len(symbols) > 1:
        raise DataError("a recording of several symbols", where=where, allowed=[*symbols][:20])
    if not symbols:
        raise DataError("no trades, quotes or depth", where=where, allowed="<local ns> <json>")
    if len(refused) > TOLERATED * len(lines) and not lenient and not _only_the_end(refused, lines):
        shown = "; ".join(f"line {number + 1}: {reason}" for number, reason in refused[:SHOWN])
        raise DataError(
            f"{len(refused)} of {len(lines)} lines cannot be read: {shown}",
            where=where,
            allowed=f"at most {TOLERATED:.1%}",
        )
    return Recording(next(iter(symbols)), messages, refused, cut_off)


def _check_order(received: int, newest: int) -> None:
    if received < newest:
        raise ValueError(f"received before the line above it, at {received}")
    if newest and received > newest + LEAP:
        raise ValueError(f"received more than {LEAP // 86_400 // 10**9} days later, at {received}")


def _only_the_end(refused: list[tuple[int, str]], lines: list[bytes]) -> bool:
    """Whether only the last line is bad, as where a recorder was stopped."""
    return [number for number, _ in refused] == [len(lines) - 1]


def _lines(path: Path, where: str) -> tuple[list[bytes], bool]:
    """Return a file's lines and whether its compression was cut off."""
    if not path.is_file():
        raise DataError(f"there is no file {where}", where=where)
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data.splitlines(), False
    try:
        text, cut_off = _unpacked(data)
    except zlib.error as why:
        raise DataError(f"not a gzip file: {why}", where=where) from why
    return text.splitlines(), cut_off


def _unpacked(data: bytes) -> tuple[bytes, bool]:
    """Return the text of every gzip member; what is there of the last one if it is cut off."""
    parts = []
    while data:
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(data))
        if not member.eof:
            return b"".join(parts), True
        data = member.unused_data
    return b"".join(parts), False


def _message(line: bytes) -> tuple[str, Message]:
    """Return a line's symbol (empty for a snapshot, which names none) and message."""
    stamp, _, body = line.partition(b" ")
    received = int(stamp)
    if not STAMPS[0] <= received < STAMPS[1]:
        raise ValueError(f"{received} is no time in ns")
    found = orjson.loads(body)
    if "lastUpdateId" in found:
        sides = _levels(found["bids"]), _levels(found["asks"])
        return "", Snapshot(received, int(found["lastUpdateId"]), *sides)
    stream, data = found["stream"], found["data"]
    symbol, _, kind = stream.partition("@")
    if kind not in _KINDS and not kind.startswith("depth@"):
        raise ValueError(f"a stream of {kind!r}")
    return symbol.upper(), _KINDS.get(kind, _diff)(received, data)


def _trade(received: int, data: dict[str, Any]) -> Message:
    price, size = float(data["p"]), float(data["q"])
    if not (0.0 < price < 1e300 and 0.0 < size < 1e300):
        raise ValueError(f"a trade of {size} at {price}")
    # `m`: the buyer was the maker, so that the seller crossed the spread.
    return Trade(received, int(data["T"]), int(data["t"]), price, size, -1.0 if data["m"] else 1.0)


def _quote(received: int, data: dict[str, Any]) -> Message:
    bid, bid_size, ask, ask_size = (float(data[name]) for name in "bBaA")
    if not (0.0 < bid < ask < 1e300 and bid_size > 0.0 and ask_size > 0.0):
        raise ValueError(f"a quote of {bid} x {bid_size}, {ask} x {ask_size}")
    return Quote(received, int(data["u"]), bid, bid_size, ask, ask_size)


def _diff(received: int, data: dict[str, Any]) -> Message:
    # Streams of futures skip numbers and name the update that theirs follow.
    first = int(data["pu"]) + 1 if "pu" in data else int(data["U"])
    last = int(data["u"])
    if first > last:
        raise ValueError(f"updates {first} to {last}")
    return Diff(received, int(data["E"]), first, last, _levels(data["b"]), _levels(data["a"]))


def _levels(pairs: list[list[str]]) -> Levels:
    levels = tuple((float(price), float(size)) for price, size in pairs)
    if not all(0.0 < price < 1e300 and 0.0 <= size < 1e300 for price, size in levels):
        raise ValueError("a level that is no price or no size")
    return levels


_KINDS: dict[str, Callable[[int, dict[str, Any]], Message]] = {
    "trade": _trade,
    "bookTicker": _quote,
    "depth": _diff,
}


def trades_of(recording: Recording) -> Iterator[Trade]:
    """Yield a recording's trades."""
    return (message for message in recording.messages if isinstance(message, Trade))
