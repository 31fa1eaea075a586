"""Which of three barriers a position meets first, and how far labels share the same bars.

Lopez de Prado, Advances in Financial Machine Learning (2018), sections 3.2 - 3.4 and 4.3 - 4.5,
with what the book leaves open decided against the position: touches are of highs and lows, a bar
that holds both barriers counts as the lower one, a price that opens beyond a barrier is filled
there, and the position is opened at the next open, not at the close that decided it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.core.errors import UsageError
from folkmoot.features.labels import UNKNOWN_AT

Index = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]

SPAN = 100
"""Span of the average behind the barriers' distance, in bars."""


@dataclass(frozen=True, slots=True, eq=False)
class Barriers:
    """What each bar's position met first; unknown is NaN, -1, and the largest int64.

    `label[n]` 1.0 the upper barrier, -1.0 the lower one, 0.0 neither; `y[n]` the log return from
    entry to exit; `t1[n]` the row of the bar in which the position ended; `known_at[n]` that
    bar's close, epoch ms; `both[n]` whether that bar held both barriers.
    """

    label: Floats
    y: Floats
    t1: Index
    known_at: Times
    both: Rows

    def __len__(self) -> int:
        return len(self.label)

    @property
    def signs(self) -> Floats:
        """`[n]`: the label, with the sign of the return where neither barrier was met."""
        return np.where(self.label == 0.0, np.sign(self.y), self.label)


def triple_barrier(
    bars: Bars, upper: float = 2.0, lower: float = 2.0, span: int = SPAN, horizon: int = 48
) -> Barriers:
    """Return which barrier a position of each bar t meets first.

    It is opened at P = open[t+1], with barriers at P (1 + upper s) and P (1 - lower s), s the
    `ewm_deviation` over `span` known at t, and closed at open[t+1+horizon] if the bars from t+1 on
    meet neither; at that open too a price beyond a barrier is that barrier's. A label is unknown
    where s is, where the series or the market (more than one bar missing) ends first.

    Near the end of a series the labels that are known are those of positions that ended early.

    Raises `UsageError` for a distance that is not above 0, a span below 2 or a horizon below 1.
    """
    for name, value, allowed in (("upper", upper, 0.0), ("lower", lower, 0.0)):
        if not value > allowed:
            raise UsageError(f"{name} is {value}", where="triple_barrier", allowed="above 0")
    if horizon < 1 or span < 2:
        raise UsageError(
            f"span is {span} and horizon {horizon}",
            where="triple_barrier",
            allowed="2 or more and 1 or more",
        )
    reach = ewm_deviation(bars.close, span)
    found = first_touch(
        (bars.open, bars.high, bars.low), holes(bars), reach * upper, reach * lower, horizon
    )
    label, y, t1, both = found
    known_at = np.where(t1 >= 0, bars.close_time[t1], UNKNOWN_AT)
    return Barriers(label, y, t1, known_at, both)


def holes(bars: Bars) -> Rows:
    """Return `[n]`: whether more than one bar is missing before each bar."""
    missing = bars.open_time[1:] - bars.close_time[:-1]
    return np.concatenate(([False], missing > bars.timeframe.ms))[: len(bars)]


def ewm_deviation(price: Floats, span: int = SPAN) -> Floats:
    """Return the exponentially weighted standard deviation of the price's relative changes.

    pandas' `pct_change().ewm(span=span, min_periods=span).std()`: weights adjusted for the start,
    unbiased; a change that is unknown takes part in nothing but the ageing of the others.
    """
    change = np.full(len(price), np.nan)
    change[1:] = price[1:] / price[:-1] - 1.0
    made: Floats = _deviation(change, 2.0 / (span + 1.0), span)
    return made


def uniqueness(start: npt.ArrayLike, t1: npt.ArrayLike) -> Floats:
    """Return `[n]`: the mean, over the bars of a label's life, of one over the labels alive.

    A label lives from row `start` to row `t1`, both included: 1.0 is a label that shares no bar.
    NaN for one whose `t1` is unknown (-1). Raises `UsageError` if one ends before it starts.

    >>> uniqueness([0, 1], [1, 2]).tolist()
    [0.75, 0.75]
    """
    first, last = np.asarray(start, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    known = last >= 0
    if first.shape != last.shape or first.ndim != 1 or (last[known] < first[known]).any():
        raise UsageError("lives are not rows that end after they start", where="uniqueness")
    if (first[known] < 0).any():
        raise UsageError("a life starts before row 0", where="uniqueness")
    made = np.full(len(first), np.nan)
    if known.any():
        made[known] = _uniqueness(first[known], last[known])
    return made


def _uniqueness(first: Index, last: Index) -> Floats:
    rows = int(last.max()) + 1
    alive = np.cumsum(
        np.bincount(first, minlength=rows + 1) - np.bincount(last + 1, minlength=rows + 1)
    )[:rows]
    shares = np.concatenate(([0.0], np.cumsum(1.0 / np.maximum(alive, 1))))
    made: Floats = (shares[last + 1] - shares[first]) / (last + 1 - first)
    return made


@njit(cache=True)
def _deviation(change: Floats, share: float, fewest: int) -> Floats:
    made = np.full(len(change), np.nan)
    keep = 1.0 - share
    weight = squares = mean = spread = 0.0
    seen = 0
    for t in range(len(change)):
        weight *= keep
        squares *= keep * keep
        spread *= keep
        x = change[t]
        if np.isfinite(x):
            seen += 1
            weight += 1.0
            squares += 1.0
            apart = x - mean
            mean += apart / weight
            spread += apart * (x - mean)
        # The debiased variance needs two observations or more.
        if seen >= max(fewest, 2):
            made[t] = np.sqrt(max(spread / (weight - squares / weight), 0.0))
    return made


@njit(cache=True)
def first_touch(
    prices: tuple[Floats, Floats, Floats], hole: Rows, up: Floats, down: Floats, horizon: int
) -> tuple[Floats, Floats, Index, Rows]:
    """Return (label, log return, row of the exit, both in one bar) of each row's position.

    `prices` are open, high and low; `up[n]` and `down[n]` the barriers' relative distances.
    """
    n = len(up)
    label, y = np.full(n, np.nan), np.full(n, np.nan)
    t1, both = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    for t in range(n - 1):
        if up[t] > 0.0 and down[t] > 0.0:
            entry = prices[0][t + 1]
            high, low = entry * (1.0 + up[t]), entry * (1.0 - down[t])
            side, fill, row, twice = _follow(prices, hole, t + 1, horizon, high, low)
            if row >= 0:
                label[t], y[t], t1[t], both[t] = side, np.log(fill / entry), row, twice
    return label, y, t1, both


@njit(cache=True)
def _follow(
    prices: tuple[Floats, Floats, Floats],
    hole: Rows,
    entry: int,
    horizon: int,
    up: float,
    down: float,
) -> tuple[float, float, int, bool]:
    """Return (label, fill, row, both in one bar), row -1 where the end is not known."""
    opens, highs, lows = prices
    for row in range(entry, min(entry + horizon + 1, len(opens))):
        price = opens[row]
        if row > entry and hole[row]:
            return np.nan, np.nan, -1, False
        if price >= up:
            return 1.0, price, row, False
        if price <= down:
            return -1.0, price, row, False
        if row == entry + horizon:
            return 0.0, price, row, False
        if lows[row] <= down:
            return -1.0, down, row, highs[row] >= up
        if highs[row] >= up:
            return 1.0, up, row, False
    return np.nan, np.nan, -1, False
