"""Read any common table of bars, and refuse, with the row and the reason, what no market made.

1. Find the columns by name; parse stamps and numbers without ever guessing a value.
2. Set exact duplicates aside and count them; a row that contradicts its twin is a fault.
3. Check order, spacing and every bar; raise with all faults, or set the rows aside if lenient.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import COLUMNS, PRICES, Bars, Floats, Times, fault
from folkmoot.core.errors import BadBars, DataError
from folkmoot.core.stamps import UNKNOWN, Stamps, iso, read_stamps
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe

if TYPE_CHECKING:
    import pandas as pd

STAMP_NAMES = (
    "timestamp", "open_time", "opentime", "datetime", "date", "time", "unix", "ts", "t",
    "gmt_time", "local_time", "start", "start_time", "date_time", "window_start",
)  # fmt: skip
PRICE_NAMES = {
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price", "max"),
    "low": ("low", "l", "low_price", "min"),
    "close": ("close", "c", "close_price", "last", "close_last", "price"),
    "volume": ("volume", "v", "vol", "base_volume", "tick_volume", "tickvol", "volume_base"),
}
DROPPED = frozenset({"ignore", "close_time", "symbol", "index", "tic", "ticker", "unnamed_0"})
HINDSIGHT = frozenset({"adj_close", "adjclose", "adjusted_close", "close_adj"})
"""Columns rewritten by every later split and dividend: they were not known at the close."""
HOUR = 3_600_000
ENOUGH = 10
"""Steps from which the most common one is trusted against a timeframe that was given."""
SHOWN = 20
"""How many bad rows an error message spells out; its `rows` holds all of them."""
KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_base_volume", "taker_quote_volume", "ignore",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a table held: its bars, rows refused as (row, reason), and what was dropped or assumed.

    Rows count from 0 below the header. Row n stands on line `first_line` + n of its file, lines
    counted from 1; `None` where there are no lines, or not one a row.
    """

    bars: Bars
    refused: list[tuple[int, str]]
    duplicates: int
    notes: list[str]
    first_line: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A frame's columns, parsed; `faults` says which rows cannot be a bar and why."""

    times: Times
    columns: dict[str, Floats]
    extra: dict[str, Floats]
    faults: dict[int, str]
    notes: list[str]


def read_frame(
    frame: "pd.DataFrame",
    symbol: str | None = None,
    timeframe: str | Timeframe | None = None,
    *,
    lenient: bool = False,
) -> Reading:
    """Read bars from a pandas frame of any common layout.

    Assumes open times. Known are Binance klines, freqtrade, Yahoo and yfinance (a date index,
    two-level columns), TradingView and `timestamp, open, high, low, close, volume`; stamps in s,
    ms, us, ns or ISO form, without a zone UTC. Numeric columns that remain become `extra`. A volume
    column that is absent or wholly blank is unknown. The timeframe is the most common step unless
    given. Exact duplicates are dropped and counted.

    Raises `BadBars`, listing (row, reason), for rows that cannot be bars, contradict each other or
    go back in time; with `lenient` the first two kinds are set aside in `refused` instead. Raises
    `DataError` for a missing column or an empty table.
    """
    given = Timeframe.of(timeframe) if timeframe is not None else None
    where = symbol or "frame"
    flat = _flatten(frame, symbol)
    if len(flat) == 0:
        raise DataError("the table has no rows", where=where)
    table = _parse(flat, where, given is not None and given.ms >= TIMEFRAMES["1d"].ms)
    faults = dict(table.faults)
    _check_rows(table, faults)
    kept, duplicates = _distinct(table, faults)
    if faults and not lenient:
        raise _refusal(faults, where)
    kept = kept[[int(row) not in faults for row in kept]] if faults else kept
    if len(kept) == 0:
        raise DataError(f"none of the {len(flat)} rows is a bar", where=where)
    step = _order(table.times, kept, given, where)
    open_, high, low, close, volume = (table.columns[name][kept] for name in COLUMNS)
    extra = {name: column[kept] for name, column in table.extra.items()}
    name = symbol or _symbol(frame)
    bars = Bars(name, step, table.times[kept], open_, high, low, close, volume, extra)
    return Reading(bars, sorted(faults.items()), duplicates, table.notes)


def _flatten(frame: "pd.DataFrame", symbol: str | None) -> "pd.DataFrame":
    """Return one level of plain snake-case columns; a date index becomes the column `timestamp`."""
    import pandas as pd

    frame = frame.copy(deep=False)
    if isinstance(frame.columns, pd.MultiIndex):
        frame = _one_ticker(frame, symbol)
    names = [_snake(str(name)) for name in frame.columns]
    index = frame.index
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index(names)
    dated = isinstance(index, pd.DatetimeIndex) or _snake(str(index.name)) in STAMP_NAMES
    if dated and not set(names) & set(STAMP_NAMES):
        frame.insert(0, "timestamp", index)
    elif names.count("date") == names.count("time") == 1 and "timestamp" not in names:
        return _one_stamp(frame)
    return frame


def _one_stamp(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Join a date column and a time-of-day column (MetaTrader, Stooq) into `timestamp`."""
    clock = frame["time"].astype(str).str.strip()
    if not clock.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?").any():
        return frame
    joined = frame.drop(columns=["date", "time"])
    joined.insert(0, "timestamp", frame["date"].astype(str).str.strip() + " " + clock)
    return joined


def _one_ticker(frame: "pd.DataFrame", symbol: str | None) -> "pd.DataFrame":
    levels = [{str(name) for name in frame.columns.get_level_values(i)} for i in range(2)]
    fields = 0 if any(_snake(name) == "close" for name in levels[0]) else 1
    tickers = sorted(levels[1 - fields])
    chosen = symbol if symbol in tickers else tickers[0]
    if len(tickers) > 1 and symbol not in tickers:
        raise DataError(
            f"the frame holds {len(tickers)} symbols", where=symbol or "symbol", allowed=tickers
        )
    return frame.xs(chosen, axis=1, level=1 - fields)


def _snake(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^0-9a-z]+", "_", spaced.lower()).strip("_")


def _symbol(frame: "pd.DataFrame") -> str:
    for name in ("symbol", "Symbol", "ticker"):
        if name in frame.columns and frame[name].nunique() == 1:
            return str(frame[name].iloc[0])
    return "UNNAMED"


def _parse(frame: "pd.DataFrame", where: str, daily: bool) -> _Table:
    found = _locate(list(frame.columns), where)
    stamps: Stamps = read_stamps(frame.iloc[:, found["timestamp"]], daily)
    faults = dict(stamps.faults)
    notes = list(stamps.notes)
    columns = {name: _numbers(frame, found[name], name, faults) for name in PRICES}
    columns["volume"] = _volume(frame, found.get("volume"), faults, notes)
    extra = {}
    for index, name in enumerate(frame.columns):
        if index in found.values() or name in DROPPED or name in extra:
            continue
        if name in HINDSIGHT:
            notes.append(f"column {name} is adjusted in hindsight and is left out")
        elif frame.dtypes.iloc[index].kind in "iuf":
            extra[name] = frame.iloc[:, index].to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            notes.append(f"column {name} holds no numbers and is left out")
    return _Table(stamps.times, columns, extra, faults, notes)


def _locate(names: list[str], where: str) -> dict[str, int]:
    """Return the position of each needed column, or raise `DataError` naming what is missing."""
    wanted = {"timestamp": STAMP_NAMES, **PRICE_NAMES}
    found = {}
    for field, aliases in wanted.items():
        fits = [alias for alias in aliases if alias in names]
        if fits and names.count(fits[0]) > 1:
            raise DataError(f"column {fits[0]} appears more than once", where=where, allowed=names)
        if fits:
            found[field] = names.index(fits[0])
    missing = [field for field in ("timestamp", *PRICES) if field not in found]
    if missing:
        raise DataError(
            f"missing column {', '.join(missing)}; the table has {', '.join(names[:20])}",
            where=where,
            allowed="timestamp, open, high, low, close, volume under any common name",
        )
    return found


def _numbers(frame: "pd.DataFrame", index: int, name: str, faults: dict[int, str]) -> Floats:
    """Return a column as floats; a row that is blank or no number is noted in `faults`."""
    column = frame.iloc[:, index]
    if column.dtype.kind in "iuf":
        values: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.array([_number(value) for value in column], dtype=np.float64)
    for row in np.flatnonzero(np.isnan(values)):
        raw = column.iloc[row]
        blank = raw is None or raw != raw or not str(raw).strip()
        reason = f"{name} is missing" if blank else f"{name} is {str(raw)[:60]!r}"
        faults.setdefault(int(row), reason)
    return values


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _volume(
    frame: "pd.DataFrame", index: int | None, faults: dict[int, str], notes: list[str]
) -> Floats:
    if index is None or frame.iloc[:, index].isna().all():
        notes.append("volume is unknown")
        return np.full(len(frame), np.nan)
    return _numbers(frame, index, "volume", faults)


def _check_rows(table: _Table, faults: dict[int, str]) -> None:
    """Add the rows whose five numbers cannot be a bar."""
    open_, high, low, close, volume = (table.columns[name] for name in COLUMNS)
    bad = (volume < 0.0) | (volume > 1e300)
    for price in (open_, high, low, close):
        bad |= ~((price > 0.0) & (price < 1e300))
    bad |= (high < np.maximum(open_, close)) | (low > np.minimum(open_, close))
    for row in np.flatnonzero(bad):
        if int(row) not in faults:
            reason = fault(*(float(table.columns[name][row]) for name in COLUMNS))
            faults[int(row)] = f"{iso(int(table.times[row]))}: {reason}"


def _distinct(table: _Table, faults: dict[int, str]) -> tuple[npt.NDArray[np.int64], int]:
    """Return the rows that remain without exact duplicates, and how many those were.

    A later row of the same time with other values is added to `faults`.
    """
    rows = np.flatnonzero(table.times != UNKNOWN)
    order = rows[np.argsort(table.times[rows], kind="stable")]
    again = np.flatnonzero(np.diff(table.times[order]) == 0) + 1
    twins: set[int] = set()
    for place in again:
        first = place - 1
        while first > 0 and table.times[order[first - 1]] == table.times[order[place]]:
            first -= 1
        one, other = int(order[first]), int(order[place])
        differing = _differences(table, one, other)
        if not differing:
            twins.add(other)
            faults.pop(other, None)
        elif other not in faults and one not in faults:
            at = iso(int(table.times[other]))
            faults[other] = f"{at}: contradicts row {one} in {', '.join(differing)}"
    return rows[[int(row) not in twins for row in rows]] if twins else rows, len(twins)


def _differences(table: _Table, one: int, other: int) -> list[str]:
    names = {**table.columns, **table.extra}
    return [
        name
        for name, column in names.items()
        if not np.array_equal(column[one], column[other], equal_nan=True)
    ]


def _refusal(faults: dict[int, str], where: str) -> BadBars:
    rows = sorted(faults.items())
    shown = "; ".join(f"row {row}: {reason}" for row, reason in rows[:SHOWN])
    more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return BadBars(
        f"{len(rows)} bad rows: {shown}{more}",
        rows=rows,
        where=where,
        allowed="finite prices > 0, low <= open, close <= high, volume >= 0 or wholly unknown;"
        " lenient reading sets bad rows aside",
    )


def _order(
    times: Times, kept: npt.NDArray[np.int64], given: Timeframe | None, where: str
) -> Timeframe:
    """Return the timeframe of rows in order, or raise `BadBars` naming those that are not."""
    steps = np.diff(times[kept])
    back = np.flatnonzero(steps <= 0) + 1
    if len(back):
        newest = " (the table runs newest first)" if len(back) == len(steps) else ""
        rows = [
            (int(kept[i]), f"{iso(int(times[kept[i]]))} is before the row above it") for i in back
        ]
        raise _unordered(f"{len(back)} rows go back in time{newest}", rows, where)
    step = given or _common_step(steps, where)
    if given is not None and len(steps) >= ENOUGH and _most_common(steps) > given.ms:
        found = _most_common(steps) / 60_000
        raise DataError(f"the rows are {found:g} minutes apart, not {given}", where=where)
    # Daily sessions stamped at their local opening shift by an hour twice a year.
    slack = HOUR if step.ms >= TIMEFRAMES["1d"].ms else 0
    early = np.flatnonzero(steps < step.ms - slack) + 1
    if len(early):
        rows = [
            (
                int(kept[i]),
                f"{iso(int(times[kept[i]]))} opens before the {step} bar above it has closed",
            )
            for i in early
        ]
        raise _unordered(f"{len(early)} rows are closer than {step}", rows, where)
    return step


def _unordered(what: str, rows: list[tuple[int, str]], where: str) -> BadBars:
    shown = "; ".join(f"row {row}: {reason}" for row, reason in rows[:3])
    return BadBars(
        f"{what}: {shown}",
        rows=rows,
        where=where,
        allowed="rows oldest first, at least one timeframe apart",
    )


def _common_step(steps: Times, where: str) -> Timeframe:
    if len(steps) == 0:
        raise DataError("one row has no step", where=where, allowed="a timeframe given by name")
    step = _most_common(steps)
    for timeframe in TIMEFRAMES.values():
        if timeframe.ms == step:
            return timeframe
    raise DataError(
        f"the most common step is {step / 60_000:g} minutes", where=where, allowed=list(TIMEFRAMES)
    )


def _most_common(steps: Times) -> int:
    sizes, counts = np.unique(steps, return_counts=True)
    return int(sizes[np.argmax(counts)])


def step_of(frame: "pd.DataFrame", symbol: str | None = None) -> int:
    """Return the most common time between rows in ms, 0 if fewer than two rows have a time."""
    flat = _flatten(frame, symbol)
    if len(flat) == 0:
        return 0
    found = _locate(list(flat.columns), symbol or "frame")
    times = read_stamps(flat.iloc[:, found["timestamp"]]).times
    steps = np.diff(times[times != UNKNOWN])
    steps = steps[steps > 0]
    return _most_common(steps) if len(steps) else 0
