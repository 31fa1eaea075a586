"""Read instants in any common notation as epoch milliseconds UTC."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times
from folkmoot.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = np.iinfo(np.int64).min
"""The stamp of a row whose time could not be read."""
UNITS = ("s", "ms", "us", "ns")
# An epoch number's unit shows in its size: each covers 1973-03-03 to the year 5138.
_BOUNDS = (1e8, 1e11, 1e14, 1e17, 1e20)
_DAY_ORDERS = {"month/day": "%m/%d/%Y", "day/month": "%d/%m/%Y"}
_LOCAL_MIDNIGHT = r"\d{4}-\d\d-\d\d[ T]00:00(?::00(?:\.0+)?)?(?!\+00:?00)[+-]\d\d:?\d\d"
_FORMATS = ("%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d", "%b %d, %Y", "%d %b %Y")


@dataclass(frozen=True, slots=True)
class Stamps:
    """`times[n]` epoch ms (`UNKNOWN` where unreadable), why rows failed, what was assumed."""

    times: Times
    faults: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def instant(value: int | str | None) -> int | None:
    """Return an epoch ms number or an ISO time as epoch ms; a time without zone is UTC.

    >>> instant("2024-01-01")
    1704067200000
    """
    if value is None or isinstance(value, int):
        return value
    import pandas as pd

    stamp = pd.to_datetime(value, utc=True, format="ISO8601", errors="coerce")
    if pd.isna(stamp):
        raise UsageError(
            f"{value!r} is no time", where="time", allowed="epoch milliseconds or ISO 8601"
        )
    milliseconds: int = round(stamp.timestamp() * 1000.0)
    return milliseconds


def iso(time: int) -> str:
    """Return epoch ms as ISO 8601 UTC, to the second.

    >>> iso(1704067200000)
    '2024-01-01T00:00:00Z'
    """
    return f"{np.datetime_as_string(np.datetime64(time, 'ms'), unit='s')}Z"


def read_stamps(column: "pd.Series", daily: bool = False) -> Stamps:
    """Read a column of epoch numbers (s, ms, us, ns), ISO text or datetimes, naive = UTC.

    Stamps that are all midnights of another zone are dates, and are read as those dates in UTC;
    a single stamp is taken so only if `daily` says that the bars are.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        return _of_datetimes(column, daily)
    if column.dtype.kind in "iuf":
        return _of_numbers(column.to_numpy(), column)
    return _of_mixed(column, daily)


def _of_datetimes(column: "pd.Series", daily: bool) -> Stamps:
    import pandas as pd

    notes = []
    zone = getattr(column.dtype, "tz", None)
    known = column.dropna()
    dated = len(known) > 1 or daily
    if zone is not None and dated and (known == known.dt.normalize()).all():
        column = column.dt.tz_localize(None)
        if str(zone) != "UTC":
            notes.append(f"dates of {zone} are read as the same dates in UTC")
    times = _milliseconds(pd.to_datetime(column, utc=True))
    missing = np.flatnonzero(times == UNKNOWN)
    return Stamps(times, {int(row): "timestamp is missing" for row in missing}, notes)


def _milliseconds(column: "pd.Series") -> Times:
    """Return UTC datetimes of any resolution as epoch ms."""
    return np.asarray(column.dt.as_unit("ms").astype("int64"), dtype=np.int64)


def _of_numbers(values: npt.NDArray[Any], shown: "pd.Series") -> Stamps:
    size = values.astype(np.float64)
    unit = np.searchsorted(_BOUNDS, size, side="right") - 1
    good = (unit >= 0) & (unit < len(UNITS))
    times = np.full(len(size), UNKNOWN)
    for index, name in enumerate(UNITS):
        rows = good & (unit == index)
        times[rows] = _scaled(values[rows], name)
    faults = {}
    for row in np.flatnonzero(~good):
        missing = np.isnan(size[row])
        faults[int(row)] = (
            "timestamp is missing" if missing else f"timestamp {shown.iloc[row]} is no epoch time"
        )
    found = [UNITS[index] for index in np.unique(unit[good])]
    return Stamps(times, faults, [f"timestamps mix {' and '.join(found)}"] if found[1:] else [])


def _scaled(values: npt.NDArray[Any], unit: str) -> Times:
    if unit == "s":
        return np.rint(values.astype(np.float64) * 1000.0).astype(np.int64)
    parts = {"ms": 1, "us": 1_000, "ns": 1_000_000}[unit]
    if values.dtype.kind == "f":
        return np.rint(values / parts).astype(np.int64)
    return values.astype(np.int64) // parts


def _of_mixed(column: "pd.Series", daily: bool) -> Stamps:
    """Read text or objects: numbers among them by size, the rest as written times."""
    blank = column.isna().to_numpy(dtype=bool)
    numbers: Floats = np.array([_number(value) for value in column], dtype=np.float64)
    numeric = ~np.isnan(numbers)
    written = column[~numeric & ~blank]
    times = np.full(len(column), UNKNOWN)
    faults = {int(row): "timestamp is missing" for row in np.flatnonzero(blank)}
    notes: list[str] = []
    if numeric.any():
        part = _of_numbers(numbers[numeric], column[numeric])
        rows = np.flatnonzero(numeric)
        times[rows] = part.times
        faults |= {int(rows[row]): reason for row, reason in part.faults.items()}
        notes += part.notes
    if len(written):
        rows = np.flatnonzero(~numeric & ~blank)
        parsed, notes_here = _of_text(written, daily)
        times[rows] = parsed
        notes += notes_here
        for row in rows[parsed == UNKNOWN]:
            faults[int(row)] = f"timestamp {str(column.iloc[row])[:60]!r} {_excuse(written)}"
    if numeric.any() and (times[~numeric] != UNKNOWN).any():
        notes.append("timestamps mix numbers and written times")
    return Stamps(times, dict(sorted(faults.items())), notes) if len(column) else Stamps(times)


def _number(value: Any) -> float:
    """Return a number or a text that is one as a float, else NaN."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            return np.nan
    return np.nan


def _of_text(column: "pd.Series", daily: bool) -> tuple[Times, list[str]]:
    import pandas as pd

    text = column.map(str)
    if (len(text) > 1 or daily) and text.str.fullmatch(_LOCAL_MIDNIGHT).all():
        dates = pd.to_datetime(text.str[:10], utc=True, format="%Y-%m-%d", errors="coerce")
        return _milliseconds(dates), ["dates with an offset are read as the same dates in UTC"]
    zoned = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    if zoned.notna().any():
        return _milliseconds(zoned), []
    for pattern in _FORMATS:
        parsed = pd.to_datetime(text, utc=True, format=pattern, errors="coerce")
        if parsed.notna().any():
            return _milliseconds(parsed), []
    fits = _day_orders(text)
    if len(fits) == 1:
        order, parsed = fits[0]
        return _milliseconds(parsed), [f"dates are read as {order}/year"]
    return np.full(len(column), UNKNOWN), []


def _day_orders(text: "pd.Series") -> list[tuple[str, "pd.Series"]]:
    """Return the readings of 01/02/2017 under which every date exists and none goes back."""
    import pandas as pd

    fits = []
    for order, pattern in _DAY_ORDERS.items():
        parsed = pd.to_datetime(text, utc=True, format=pattern, errors="coerce")
        if parsed.notna().all() and parsed.is_monotonic_increasing:
            fits.append((order, parsed))
    return fits


def _excuse(written: "pd.Series") -> str:
    if len(_day_orders(written.map(str))) > 1:
        return "may be month/day or day/month"
    return "is no time"
