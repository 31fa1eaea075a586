"""One closed bar, and a column store of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import BadBars
from folkmoot.core.hashing import content_hash
from folkmoot.core.mint import mint
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")

# Rows turned into Python numbers at a time: a whole history of them would fill the memory.
_CHUNK = 4096
_NOTHING: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed bar. Times are epoch milliseconds UTC; it may be used from `close_time` on."""

    symbol: str
    timeframe: Timeframe
    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    extra: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        reason = fault(self.open, self.high, self.low, self.close, self.volume)
        if reason:
            raise BadBars(
                f"bar of {self.symbol} opening at {self.open_time}: {reason}",
                rows=[(0, reason)],
                where="bar",
                allowed="finite prices > 0, low <= open, close <= high, volume >= 0 or unknown",
            )

    @property
    def close_time(self) -> int:
        """The first instant at which the bar may be used."""
        return self.open_time + self.timeframe.ms


_bar = mint(Bar)


def fault(open_: float, high: float, low: float, close: float, volume: float) -> str | None:
    """Say what makes these five numbers impossible as a bar, or return None."""
    for name, value in zip(PRICES, (open_, high, low, close), strict=True):
        if not (0.0 < value < 1e300):
            return f"{name} is {value}"
    if high < low:
        return f"high {high} is below low {low}"
    for name, value in (("open", open_), ("close", close)):
        if not low <= value <= high:
            return f"{name} {value} lies outside low {low} .. high {high}"
    if volume < 0.0 or volume > 1e300:
        return f"volume is {volume}"
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Closed bars of one symbol in one timeframe, oldest first, as columns.

    `open_time[n]` int64 epoch ms, strictly increasing; prices and `volume[n]` float64, where an
    unknown volume is NaN; `extra` holds further named columns, each known at the close.

    Raises `BadBars`, which lists the rows, for anything that no market can have produced.
    """

    symbol: str
    timeframe: Timeframe
    open_time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    extra: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, _frozen(column))
        times = np.ascontiguousarray(self.open_time, dtype=np.int64)
        object.__setattr__(self, "open_time", _frozen(times))
        extra = {k: _frozen(np.ascontiguousarray(v, np.float64)) for k, v in self.extra.items()}
        object.__setattr__(self, "extra", extra)
        lengths = {len(times), *(len(getattr(self, n)) for n in COLUMNS), *map(len, extra.values())}
        rows = [] if len(lengths) == 1 else [(0, f"columns have different lengths {lengths}")]
        rows = rows or list(_faults(self))
        if rows:
            shown = "; ".join(f"row {row}: {reason}" for row, reason in rows[:3])
            raise BadBars(f"{len(rows)} bad rows: {shown}", rows=rows, where=self.symbol)

    @classmethod
    def from_frame(
        cls, frame: "pd.DataFrame", symbol: str, timeframe: str | Timeframe | None = None
    ) -> "Bars":
        """Read any common column naming from a pandas frame; see `folkmoot.core.frames`."""
        from folkmoot.core.frames import read_frame

        return read_frame(frame, symbol, timeframe).bars

    @property
    def close_time(self) -> Times:
        """`close_time[n]`: the first instant at which each bar may be used."""
        return self.open_time + self.timeframe.ms

    def __len__(self) -> int:
        return len(self.open_time)

    def __iter__(self) -> Iterator[Bar]:
        # They were checked as a whole: none is checked again.
        columns = (self.open_time, *(getattr(self, name) for name in COLUMNS))
        for start in range(0, len(self), _CHUNK):
            span = slice(start, start + _CHUNK)
            lists = [column[span].tolist() for column in columns]
            extra: list[dict[str, float]] = [_NOTHING] * len(lists[0])
            if self.extra:
                each = zip(*(column[span].tolist() for column in self.extra.values()), strict=True)
                extra = [dict(zip(self.extra, values, strict=True)) for values in each]
            yield from map(_bar, repeat(self.symbol), repeat(self.timeframe), *lists, extra)

    def bar(self, row: int) -> Bar:
        """Return one row as a `Bar`."""
        return Bar(
            self.symbol,
            self.timeframe,
            int(self.open_time[row]),
            float(self.open[row]),
            float(self.high[row]),
            float(self.low[row]),
            float(self.close[row]),
            float(self.volume[row]),
            {name: float(column[row]) for name, column in self.extra.items()},
        )

    def rows(self, start: int, stop: int) -> "Bars":
        """Return rows `start` (inclusive) to `stop` (exclusive)."""
        return Bars(
            self.symbol,
            self.timeframe,
            self.open_time[start:stop],
            self.open[start:stop],
            self.high[start:stop],
            self.low[start:stop],
            self.close[start:stop],
            self.volume[start:stop],
            {name: column[start:stop] for name, column in self.extra.items()},
        )

    def until(self, stop: int) -> "Bars":
        """Return the first `stop` rows: the same market before anything later was known."""
        return self.rows(0, stop)

    def between(self, start: int | None, end: int | None) -> "Bars":
        """Return the bars whose open time lies in [start, end), epoch ms."""
        first = 0 if start is None else int(np.searchsorted(self.open_time, start))
        last = len(self) if end is None else int(np.searchsorted(self.open_time, end))
        return self.rows(first, last)

    def column(self, name: str) -> Floats:
        """Return a price, the volume or an extra column by name."""
        found = getattr(self, name) if name in COLUMNS else self.extra[name]
        return np.asarray(found, dtype=np.float64)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with a UTC `timestamp` column (open time)."""
        import pandas as pd

        stamps = pd.to_datetime(self.open_time, unit="ms", utc=True)
        prices = {name: getattr(self, name) for name in COLUMNS}
        return pd.DataFrame({"timestamp": stamps, **prices, **self.extra})

    def hash(self) -> str:
        """Return the SHA-256 of everything in here, columns in a fixed order."""
        parts: list[Any] = [self.symbol, self.timeframe.label, self.open_time]
        parts += [getattr(self, name) for name in COLUMNS]
        for name in sorted(self.extra):
            parts += [name, self.extra[name]]
        return content_hash(*parts)


def _frozen(array: Any) -> Any:
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def _faults(bars: Bars) -> Iterator[tuple[int, str]]:
    bad = np.zeros(len(bars), dtype=bool)
    for name in PRICES:
        value = getattr(bars, name)
        bad |= ~((value > 0.0) & (value < 1e300))
    body_high = np.maximum(bars.open, bars.close)
    body_low = np.minimum(bars.open, bars.close)
    bad |= (bars.high < body_high) | (bars.low > body_low)
    bad |= (bars.volume < 0.0) | (bars.volume > 1e300)
    for row in np.flatnonzero(bad):
        values = (float(getattr(bars, name)[row]) for name in COLUMNS)
        yield int(row), str(fault(*values))
    for row in np.flatnonzero(np.diff(bars.open_time) <= 0) + 1:
        yield int(row), f"open time {bars.open_time[row]} is not after the row before it"
