"""Compiled steps that group finer bars into coarser ones: a level of the cascade, and bar by bar.

Rows are bars of any timeframe, oldest first. Amounts travel as whole lots in int64, so that their
sums are exact at every level; a group with a part that is not in whole lots is marked instead.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats, Times

Flags = npt.NDArray[np.bool_]

PER_UNIT = 100_000_000
LOT = 1.0 / PER_UNIT
MOST = 2.0**53
"""A double counts whole lots exactly below this."""
ROOM = 1 << 61
"""Lots beyond which a sum of int64 is given up, well before it could wrap around."""

compiled = njit(error_model="numpy", nogil=True, cache=True)


@compiled
def to_lots(column: Floats) -> tuple[Times, Flags]:
    """Return a column in lots, and where it is a whole number of them."""
    n = len(column)
    lots, whole = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_)
    for i in range(n):
        count = np.rint(column[i] / LOT)
        good = count / PER_UNIT == column[i] and abs(count) < MOST
        lots[i] = np.int64(count) if good else 0
        whole[i] = good
    return lots, whole


@compiled
def group(
    times: Times,
    prices: tuple[Floats, Floats, Floats, Floats],
    rows: Times,
    step: int,
    grid: tuple[int, int],
    known: int,
    most: int,
) -> tuple[Times, Floats, Times, Times, bool]:
    """Group n bars of `step` by the `grid` (length, anchor), if a group has closed by `known`.

    `rows[n + 1]` says where each bar begins in the finest series, and where the last ends; `most`
    is how many groups there can be. Returns the groups' open times and prices, where they begin
    and the last ends, in the finest series and among the n bars, and whether a bar crossed over.
    """
    opens, out = np.empty(most, dtype=np.int64), np.empty((4, most))
    firsts, members = np.empty(most + 1, dtype=np.int64), np.empty(most + 1, dtype=np.int64)
    count, end, stop, crossed = 0, np.iinfo(np.int64).min, len(times), False
    high = low = 0.0
    for i in range(len(times)):
        if times[i] >= end:
            opened = (times[i] - grid[1]) // grid[0] * grid[0] + grid[1]
            if opened + grid[0] > known:
                stop = i
                break
            end, high, low = opened + grid[0], prices[1][i], prices[2][i]
            opens[count], firsts[count], members[count] = opened, rows[i], i
            out[0, count], out[1, count], out[2, count] = prices[0][i], high, low
            count += 1
        else:
            high, low = max(high, prices[1][i]), min(low, prices[2][i])
            out[1, count - 1], out[2, count - 1] = high, low
        out[3, count - 1] = prices[3][i]
        crossed |= times[i] + step > end
    firsts[count], members[count] = rows[stop], stop
    return opens[:count], out[:, :count], firsts[: count + 1], members[: count + 1], crossed


@compiled
def add_lots(lots: Times, whole: Flags, members: Times) -> tuple[Times, Flags]:
    """Return each group's lots, and whether all of its members were whole lots."""
    n = len(members) - 1
    sums, good = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_)
    for j in range(n):
        total, fine = np.int64(0), True
        for i in range(members[j], members[j + 1]):
            total += lots[i]
            fine = fine and whole[i] and abs(total) < ROOM
        sums[j], good[j] = total, fine
    return sums, good


@compiled
def from_lots(column: Floats, firsts: Times, lots: Times, whole: Flags) -> Floats:
    """Return each group's sum: of its lots where they are exact, else of its rows in order."""
    n = len(firsts) - 1
    sums = np.empty(n)
    for j in range(n):
        if whole[j] and abs(lots[j]) < MOST:
            sums[j] = lots[j] / PER_UNIT
            continue
        total = column[firsts[j]]
        for i in range(firsts[j] + 1, firsts[j + 1]):
            total += column[i]
        sums[j] = total
    return sums


@compiled
def crossing(times: Times, step: int, ms: int, anchor: int) -> tuple[int, int]:
    """Return how many bars of `step` reach across the grid of `ms`, and the first such row."""
    found, first, end = 0, -1, np.iinfo(np.int64).min
    for i in range(len(times)):
        if times[i] >= end:
            end = (times[i] - anchor) // ms * ms + anchor + ms
        if times[i] + step > end:
            first = i if found == 0 else first
            found += 1
    return found, first


MS, ANCHOR, OPENED, LOTS = 0, 1, 2, 3
"""Columns of a running bar's whole numbers: its grid, its open time (`NONE` without one), lots."""
NONE = np.iinfo(np.int64).min


@compiled
def _emit(whole: Times, real: Floats, j: int, out: Floats) -> None:
    """Write the running bar of one timeframe to `out`, and have none running."""
    amounts = len(out) - 6
    out[0], out[1] = j, whole[OPENED]
    out[2:6] = real[:4]
    for k in range(amounts):
        exact = real[4 + amounts + k] == 1.0 and abs(whole[LOTS + k]) < MOST
        out[6 + k] = whole[LOTS + k] / PER_UNIT if exact else real[4 + k]
    whole[OPENED] = NONE


@compiled
def _take(whole: Times, real: Floats, time: int, bar: Floats) -> None:
    """Add a finer bar to the running one of one timeframe, or begin one with it."""
    amounts = len(bar) - 4
    begins = whole[OPENED] == NONE
    if begins:
        whole[OPENED] = (time - whole[ANCHOR]) // whole[MS] * whole[MS] + whole[ANCHOR]
        real[:4] = bar[:4]
    else:
        real[1], real[2] = max(real[1], bar[1]), min(real[2], bar[2])
        real[3] = bar[3]
    for k in range(amounts):
        count = np.rint(bar[4 + k] / LOT)
        good = count / PER_UNIT == bar[4 + k] and abs(count) < MOST
        lots = np.int64(count) if good else 0
        whole[LOTS + k] = lots if begins else whole[LOTS + k] + lots
        real[4 + k] = bar[4 + k] if begins else real[4 + k] + bar[4 + k]
        good = good and (begins or real[4 + amounts + k] == 1.0)
        real[4 + amounts + k] = 1.0 if good and abs(whole[LOTS + k]) < ROOM else 0.0


@compiled
def advance(times: Times, step: int, bars: Floats, whole: Times, real: Floats, out: Floats) -> int:
    """Take finer bars, float64[n, 4 + amounts], and write those that the last of them closes.

    `whole` and `real` hold the running bar of each timeframe. Rows of `out` are the timeframe's
    place, open time, prices and amounts; returns how many there are, at most two a timeframe.
    """
    count = 0
    for i in range(len(times)):
        count = 0
        for j in range(len(whole)):
            if whole[j, OPENED] != NONE and whole[j, OPENED] + whole[j, MS] <= times[i]:
                _emit(whole[j], real[j], j, out[count])
                count += 1
            _take(whole[j], real[j], times[i], bars[i])
            if whole[j, OPENED] + whole[j, MS] <= times[i] + step:
                _emit(whole[j], real[j], j, out[count])
                count += 1
    return count
