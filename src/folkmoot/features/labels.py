"""What a decision earned, from the first open it could have traded at, and when that was known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.core.errors import UsageError

UNKNOWN_AT = int(np.iinfo(np.int64).max)
"""The `known_at` of a label that will never be known."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """`y[n]` float64 log returns, NaN if unknown; `known_at[n]` int64 epoch ms."""

    y: Floats
    known_at: Times

    def __len__(self) -> int:
        return len(self.y)


def labels(bars: Bars, horizon: int = 1) -> Labels:
    """Return log(open[t+1+h] / open[t+1]) for each bar t, known at close_time[t+1+h].

    The horizon h counts rows, not time. A label is unknown, its `known_at` the largest int64,
    where its last bar does not exist yet or where more than one timeframe is missing between two
    of the bars t+1 .. t+1+h. A return of exactly zero stays 0.0.

    Raises `UsageError` for a horizon that is not 1 or more.
    """
    if horizon < 1:
        raise UsageError(f"horizon is {horizon}", where="labels", allowed=">= 1")
    n = len(bars)
    y = np.full(n, np.nan)
    known_at = np.full(n, UNKNOWN_AT, dtype=np.int64)
    rows = n - 1 - horizon
    if rows <= 0:
        return Labels(y, known_at)
    entry, leave = bars.open[1 : 1 + rows], bars.open[1 + horizon :]
    whole = ~_broken(bars, horizon)
    y[:rows] = np.where(whole, np.log(leave / entry), np.nan)
    known_at[:rows] = np.where(whole, bars.close_time[1 + horizon :], UNKNOWN_AT)
    return Labels(y, known_at)


def _broken(bars: Bars, horizon: int) -> npt.NDArray[np.bool_]:
    """Return, for each label, whether a gap longer than one timeframe lies inside it."""
    missing = bars.open_time[1:] - bars.close_time[:-1]
    holes = np.concatenate(([0], np.cumsum(missing > bars.timeframe.ms)))
    return holes[1 + horizon :] > holes[1:-horizon]
