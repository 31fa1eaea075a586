"""The loop of jdehorty's "Lorentzian Classification" (TradingView, Pine v5), exactly.

1. A bar's label looks back: -1 where the close has risen over four bars, +1 where it has fallen.
2. For a bar, candidates 0, 1, 2, ... of the chart's *oldest* 2,000 bars are tried in that order;
   every fourth is skipped.
3. One at least as far as the last bound is taken, and its distance becomes the bound: the search
   walks outwards, it does not find near neighbours.
4. Above eight, the bound falls back to the seventh distance kept and the oldest is dropped.
5. The prediction is the sum of the labels kept, from -8 to 8. The lists are kept from bar to bar.

What this does to its neighbours is told in the specification of `lorentzian`'s exact variant.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats

LOOKS_BACK = 4
SKIPPED = 4
MOST_BARS = 2000
NEIGHBOURS = 8
NOWHERE = 1e300
"""Stands for an unknown number where only finite ones may be stored; its distance is infinite."""


def labels_of(closes: Floats) -> Floats:
    """Return the script's label of each bar: -sign(close - close four bars before), else 0."""
    labels = np.zeros(len(closes))
    moved = closes[LOOKS_BACK:] - closes[:-LOOKS_BACK]
    labels[LOOKS_BACK:] = -np.sign(np.where(np.isnan(moved), 0.0, moved))
    return labels


def first_predicted(bars: int, most_bars: int = MOST_BARS) -> int:
    """Return the first bar that the script predicts on a chart of so many bars.

    >>> first_predicted(7995)
    5994
    """
    return max(0, bars - 1 - most_bars)


@njit(cache=True)
def predictions(
    values: Floats,
    labels: Floats,
    start: int,
    neighbours: int = NEIGHBOURS,
    most_bars: int = MOST_BARS,
) -> Floats:
    """Return the script's prediction of each bar of `values[bars, columns]`; NaN before `start`."""
    said = np.full(len(values), np.nan)
    far, votes, kept = np.empty(neighbours + 1), np.empty(neighbours + 1), 0
    away = np.empty(most_bars)
    for t in range(start, len(values)):
        tried = min(most_bars - 1, t) + 1
        measure(values[t], values, tried, away)
        kept = outwards(away, labels, tried, far, votes, kept)
        said[t] = votes[:kept].sum()
    return said


@njit(cache=True)
def measure(row: Floats, places: Floats, tried: int, away: Floats) -> None:
    """Write how far the candidates that are not skipped are; NaN where that is unknown.

    The order of the products is the order of the sums of logarithms, at a tenth of the cost.
    """
    for i in range(tried):
        if i % SKIPPED == 0:
            continue
        product = 1.0
        for j in range(len(row)):
            product *= 1.0 + abs(row[j] - places[i, j])
        away[i] = product


@njit(cache=True)
def outwards(
    away: Floats, labels: Floats, tried: int, far: Floats, votes: Floats, kept: int
) -> int:
    """Walk one bar's candidates outwards; `far` and `votes` go on from the bar before.

    Return how many are kept.
    """
    most = len(far) - 1
    bound, seventh = -1.0, (6 * most + 4) // 8
    for i in range(tried):
        if i % SKIPPED == 0 or not bound <= away[i] < np.inf:
            continue
        bound = away[i]
        far[kept], votes[kept] = away[i], labels[i]
        kept += 1
        if kept > most:
            bound = far[seventh]
            far[:most], votes[:most] = far[1:].copy(), votes[1:].copy()
            kept = most
    return kept


@njit(cache=True)
def replayed(
    windows: Floats, places: Floats, labels: Floats, tried: npt.NDArray[np.int64], neighbours: int
) -> Floats:
    """Return the prediction of the last bar of each window `[rows, steps, columns]`.

    Every window begins with empty lists, so that a row needs nothing but itself; row i tries the
    first `tried[i]` candidates. What a window shares with the one before is not measured again.
    NaN where the last bar is at no finite distance from a known candidate, though there are some.
    """
    rows, steps, _ = windows.shape
    said = np.empty(rows)
    away = np.empty((steps, len(places)))
    far, votes = np.empty(neighbours + 1), np.empty(neighbours + 1)
    for i in range(rows):
        shared = i > 0 and tried[i] == tried[i - 1] and _follows(windows[i - 1], windows[i])
        for k in range(steps):
            # The ring's place of a step moves on by one a row.
            if not shared or k == steps - 1:
                measure(windows[i, k], places, tried[i], away[(i + k) % steps])
        kept = 0
        for k in range(steps):
            kept = outwards(away[(i + k) % steps], labels, tried[i], far, votes, kept)
        lost = _lost(away[(i + steps - 1) % steps], places, tried[i])
        said[i] = np.nan if lost else votes[:kept].sum()
    return said


@njit(cache=True)
def _lost(away: Floats, places: Floats, tried: int) -> bool:
    """Return whether the distances to all known candidates, at least one, are infinite."""
    lost = False
    for i in range(tried):
        if i % SKIPPED == 0:
            continue
        if away[i] < np.inf:
            return False
        lost |= bool((np.abs(places[i]) < NOWHERE).all())
    return lost


@njit(cache=True)
def _follows(before: Floats, after: Floats) -> bool:
    for k in range(len(after) - 1):
        for j in range(after.shape[1]):
            if before[k + 1, j] != after[k, j]:
                return False
    return True
