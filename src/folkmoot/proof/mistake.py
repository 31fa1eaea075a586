"""The popular mistake: one classifier, one random walk, three ways to keep score.

1. Describe each bar of a Gaussian random walk by five oscillators, each as its rank among the last
   500 bars.
2. Let the 8 nearest bars (Lorentzian distance) vote on the sign of the next four bars' move.
3. Score it where each bar may be its own neighbour, where only the bar itself is taken out, and
   where a neighbour's label must have been known at the time. Nothing can be predicted here, so
   whatever the first two show above one half is the mistake.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from folkmoot.core.bars import Bars, Floats
from folkmoot.features import feature_set
from folkmoot.market.worlds import world
from folkmoot.proof.statistics import share_interval

COLUMNS = ("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9")
NEIGHBOURS = 8
AHEAD = 4
WINDOW = 2_000


@dataclass(frozen=True, slots=True)
class Score:
    """Share of the votes that were right, its 95 % interval (labels overlap), and their number."""

    accuracy: float
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """The same classifier scored three ways on the same random walk."""

    same_bar: Score
    self_removed: Score
    point_in_time: Score

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "same_bar_accuracy": self.same_bar.accuracy,
            "same_bar_interval": list(self.same_bar.interval),
            "self_removed_accuracy": self.self_removed.accuracy,
            "self_removed_interval": list(self.self_removed.interval),
            "point_in_time_accuracy": self.point_in_time.accuracy,
            "point_in_time_interval": list(self.point_in_time.interval),
            "n": self.same_bar.n,
            "point_in_time_n": self.point_in_time.n,
        }


def popular_mistake(n: int = 12_000, seed: int = 0) -> Mistake:
    """Compute all three scores on a Gaussian random walk of `n` bars."""
    bars = world("random_walk", n=n, seed=seed).bars
    described, sign = _described(bars)
    everywhere = np.zeros(len(sign), np.int64)
    end = np.full(len(sign), len(sign), np.int64)
    own = votes(described, sign, everywhere, end, NEIGHBOURS, True)
    others = votes(described, sign, everywhere, end, NEIGHBOURS, False)
    # A neighbour counts at t only if its label, four bars later, was known by then.
    known = np.arange(len(sign)) - AHEAD + 1
    past = votes(described, sign, np.maximum(known - WINDOW, 0), known, NEIGHBOURS, False)
    return Mistake(_score(own, sign), _score(others, sign), _score(past[WINDOW:], sign[WINDOW:]))


def _described(bars: Bars) -> tuple[Floats, Floats]:
    columns = feature_set("core", bars.timeframe)
    table = columns.matrix(bars)
    values = np.column_stack([table.values[:, table.names.index(name)] for name in COLUMNS])
    sign = np.full(len(bars), np.nan)
    sign[:-AHEAD] = np.sign(bars.close[AHEAD:] - bars.close[:-AHEAD])
    rows = ~np.isnan(values).any(axis=1) & ~np.isnan(sign)
    return np.ascontiguousarray(values[rows]), sign[rows]


def _score(vote: Floats, sign: Floats) -> Score:
    spoken = (vote != 0.0) & (sign != 0.0)
    right = (np.sign(vote[spoken]) == sign[spoken]).astype(np.float64)
    return Score(float(right.mean()), share_interval(right, AHEAD), len(right))


@njit(cache=True)
def votes(
    values: Floats, sign: Floats, first: Floats, stop: Floats, k: int, own: bool
) -> Floats:  # pragma: no cover - compiled
    """Return `[rows]`: the summed signs of each row's k nearest candidates in [first, stop).

    The product of 1 + |difference| orders like the sum of its logarithms.
    """
    rows, width = values.shape
    result = np.zeros(rows)
    near = np.empty(k)
    label = np.empty(k)
    for t in range(rows):
        near[:] = np.inf
        label[:] = 0.0
        for i in range(first[t], stop[t]):
            if i == t and not own:
                continue
            distance = 1.0
            for c in range(width):
                distance *= 1.0 + abs(values[t, c] - values[i, c])
            if distance < near[k - 1]:
                place = k - 1
                while place > 0 and near[place - 1] > distance:
                    near[place] = near[place - 1]
                    label[place] = label[place - 1]
                    place -= 1
                near[place] = distance
                label[place] = sign[i]
        result[t] = label.sum()
    return result
