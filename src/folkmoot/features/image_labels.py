"""What the next bars turned out to be: regime, direction, volatility, for heads that name them.

1. All three look at the same h bars: the opens t+1 .. t+1+h of `labels`, and the highs and lows
   between them. They are known together, at the close of bar t+1+h.
2. Volatility: the root mean square log return of the h bars over that of the trailing 500 bars,
   cut at the quartiles of the training rows.
3. Direction: the triple barrier, as far away as one standard deviation of h bars: of a random
   walk about a third meets neither side. The usual 2 deviations of one bar would leave none.
4. Regime: volatile above the third quartile of (2.); else trending above the third quartile of
   the efficiency ratio; else mean reverting below the first quartile of the variance ratio of
   four bars; else quiet.

Thresholds come from training rows alone, see `fit_thresholds`.
"""

from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.core.errors import DataError, UsageError
from folkmoot.features.barriers import SPAN, ewm_deviation, first_touch, holes
from folkmoot.features.labels import UNKNOWN_AT

HEADS: dict[str, tuple[str, ...]] = {
    "regime": ("trending", "mean_reverting", "volatile", "quiet"),
    "direction": ("bullish", "bearish", "neutral"),
    "volatility": ("calm", "normal", "elevated", "explosive"),
}
"""The questions in the order of a head's numbers, and their answers in the order of the classes."""

Classes = npt.NDArray[np.int8]
Rows = npt.NDArray[np.bool_]

TRAILING = 500
LAG = 4
SHORTEST = 8
"""The variance ratio needs more than one change of four bars."""
FEWEST = 30


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What the bars after each row did; unknown is NaN, and the largest int64 in `known_at`.

    `volatility[n]` against the trailing one; `efficiency[n]` 0 to 1 and `ratio[n]`, both NaN where
    nothing moved; `barrier[n]` 1.0, -1.0 or 0.0; `known_at[n]` epoch ms.
    """

    volatility: Floats
    efficiency: Floats
    ratio: Floats
    barrier: Floats
    known_at: Times

    def __len__(self) -> int:
        return len(self.known_at)

    @property
    def known(self) -> Rows:
        """`[n]`: rows of which everything is known that a label needs."""
        return np.isfinite(self.volatility) & np.isfinite(self.barrier)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Quartiles of the training rows: three of the volatility, one each of the two ratios."""

    calm: float
    normal: float
    elevated: float
    trending: float
    reverting: float

    def as_dict(self) -> dict[str, float]:
        """Return the JSON form."""
        names = ("calm", "normal", "elevated", "trending", "reverting")
        return dict(zip(names, astuple(self), strict=True))


def outlook(bars: Bars, horizon: int = 24) -> Outlook:
    """Return what the `horizon` bars after each decision did, see the module.

    A row is unknown where its last bar does not exist yet, where more than one bar is missing on
    the way, or before 500 bars. Raises `UsageError` for a horizon below 8.
    """
    prices = (bars.open, bars.high, bars.low, bars.close)
    return outlook_of(prices, holes(bars), bars.close_time, horizon)


def outlook_of(
    prices: tuple[Floats, Floats, Floats, Floats], hole: Rows, close_time: Times, horizon: int
) -> Outlook:
    """Return the outlook of open, high, low and close; `hole[n]`: bars missing before the row."""
    if horizon < SHORTEST:
        raise UsageError(f"horizon is {horizon}", where="outlook", allowed=f">= {SHORTEST}")
    opens, highs, lows, closes = (np.ascontiguousarray(price) for price in prices)
    reach = np.sqrt(horizon) * ewm_deviation(closes, SPAN)
    barrier, _, _, _ = first_touch((opens, highs, lows), hole, reach, reach, horizon)
    trailing = _trailing(np.log(closes))
    volatility, efficiency, ratio = _measured(np.log(opens), hole, trailing, horizon)
    known = np.isfinite(volatility) & np.isfinite(barrier)
    ends = np.minimum(np.arange(len(opens)) + 1 + horizon, len(opens) - 1)
    known_at = np.where(known, close_time[ends], UNKNOWN_AT)
    return Outlook(volatility, efficiency, ratio, barrier, known_at)


def fit_thresholds(found: Outlook, training: Rows) -> Thresholds:
    """Return the quartiles of the rows of `training[n]`, which alone are looked at.

    Raises `DataError` if fewer than 30 of them are known.
    """
    rows = training & found.known
    if rows.sum() < FEWEST:
        raise DataError(
            f"{int(rows.sum())} rows have a known outlook", where="thresholds", allowed=">= 30"
        )
    calm, normal, elevated = np.quantile(found.volatility[rows], (0.25, 0.5, 0.75)).tolist()
    trending = float(np.nanquantile(found.efficiency[rows], 0.75))
    reverting = float(np.nanquantile(found.ratio[rows], 0.25))
    return Thresholds(calm, normal, elevated, trending, reverting)


def image_classes(found: Outlook, cuts: Thresholds) -> Classes:
    """Return `[n, 3]` int8, the class of each head of `HEADS` by its place; -1 is unknown.

    Bars that did not move are quiet: they have neither a trend nor a return to a mean.
    """
    edges = [cuts.calm, cuts.normal, cuts.elevated]
    level = np.searchsorted(edges, found.volatility, side="left")
    regime = np.select(
        [
            found.volatility > cuts.elevated,
            found.efficiency > cuts.trending,
            found.ratio < cuts.reverting,
        ],
        [2, 0, 1],
        3,
    )
    direction = np.select([found.barrier > 0.0, found.barrier < 0.0], [0, 1], 2)
    made = np.column_stack((regime, direction, level)).astype(np.int8)
    made[~found.known] = -1
    return made


def _trailing(log_close: Floats) -> Floats:
    """Return the root mean square of the last 500 log returns, NaN before that."""
    made = np.full(len(log_close), np.nan)
    squares = np.diff(log_close) ** 2
    if len(squares) >= TRAILING:
        spells = np.lib.stride_tricks.sliding_window_view(squares, TRAILING)
        made[TRAILING:] = np.sqrt(spells.mean(axis=1))
    return made


@njit(cache=True)
def _measured(
    log_open: Floats, hole: Rows, trailing: Floats, horizon: int
) -> tuple[Floats, Floats, Floats]:
    """Return (volatility, efficiency, variance ratio) of the opens t+1 .. t+1+horizon."""
    n = len(log_open)
    volatility, efficiency, ratio = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    for t in range(n - 1 - horizon):
        first, last = t + 1, t + 1 + horizon
        if not trailing[t] > 0.0 or hole[first + 1 : last + 1].any():
            continue
        path = log_open[first : last + 1]
        steps, leaps = path[1:] - path[:-1], path[LAG:] - path[:-LAG]
        way = np.abs(steps).sum()
        volatility[t] = np.sqrt((steps * steps).mean()) / trailing[t]
        if way > 0.0:
            efficiency[t] = abs(path[-1] - path[0]) / way
        spread = np.var(steps)
        if spread > 0.0:
            ratio[t] = np.var(leaps) / (LAG * spread)
    return volatility, efficiency, ratio
