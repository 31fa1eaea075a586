"""Lorentzian nearest neighbours: what the market did after the bars most like this one.

The distance of jdehorty's "Lorentzian Classification", sum of log(1 + |a - b|), on causal ranks;
the neighbours are exact, and only rows whose label was known at the fit can be one:

1. Candidates: every `stride`-th training row from the last one back, at most `candidates`.
2. A row's `neighbours` nearest by distance; a tie goes to the more recent candidate.
3. P(up) = (weight that rose + laplace) / (weight that moved + 2 laplace).

The order by distance is the order by the product of 1 + |a - b|, so no logarithm is taken, and a
product that has passed the worst neighbour is not finished. (The original's loop does not find
near neighbours: `variant="jdehorty"` of the specification, sections 10.3 and 10.4.)
"""

from typing import Any, Self

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, spread

RANKS = ("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9")


class Lorentzian:
    """Answer with the vote of the nearest training rows.

    `horizons`: bars ahead, rising; `columns` the distance is measured in, each from 0 to 1;
    `neighbours` that vote; `candidates` kept, `stride` rows apart; `laplace`: votes for either side
    before the first neighbour.
    """

    levels = LEVELS
    lookback = 1
    handles_missing = False

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        columns: tuple[str, ...] = RANKS,
        neighbours: int = 8,
        candidates: int = 2000,
        stride: int = 4,
        laplace: float = 1.0,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.columns = tuple(columns)
        self.needs: tuple[str, ...] = (*self.columns, "ewma_vol")
        self.neighbours, self.candidates = neighbours, candidates
        self.stride, self.laplace = stride, laplace
        self.learnt: memory.Arrays = {}
        if min(neighbours, candidates, stride) < 1 or not laplace > 0.0:
            raise UsageError("an option is too small", where="lorentzian", allowed="above zero")

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Keep the candidates; raises `DataError` if they are fewer than 30 or the neighbours."""
        rows.check_shapes(self, x, y, weights)
        values = rows.take(x, self.columns)
        known = rows.known(values)
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.learnt = {"shape": shape}
        for k, horizon in enumerate(self.horizons):
            # Position, not knownness, sets the spacing: neighbours stay `stride` bars apart.
            labelled = np.flatnonzero(np.isfinite(y[:, k]))
            last = labelled[-1] if len(labelled) else -1
            chosen = np.arange(last, -1, -self.stride)[: self.candidates]
            kept = rows.sample(values[chosen], y[chosen, k], weights[chosen], known[chosen])
            if len(kept.up) < self.neighbours:
                raise DataError(
                    f"{len(kept.up)} candidates", where="fit", allowed=f">= {self.neighbours}"
                )
            votes = np.column_stack((kept.weights * kept.up, kept.weights))
            self.learnt |= {f"places_{horizon}": kept.values, f"votes_{horizon}": votes}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        values = rows.take(x, self.columns)
        p_up = [
            vote(
                values,
                learnt[f"places_{horizon}"],
                learnt[f"votes_{horizon}"],
                self.neighbours,
                self.laplace,
            )
            for horizon in self.horizons
        ]
        return rows.answer(self, x, np.column_stack(p_up))

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)


@njit(cache=True)
def vote(values: Floats, places: Floats, votes: Floats, neighbours: int, laplace: float) -> Floats:
    """Return P(up) of each row of `values[rows, columns]`; NaN where a value is not finite.

    `places[candidates, columns]` most recent first; `votes[candidates, 2]` weight up and in all.
    """
    p_up = np.full(len(values), np.nan)
    distance = np.empty(neighbours)
    nearest = np.empty(neighbours, dtype=np.int64)
    for i in range(len(values)):
        if not np.isfinite(values[i]).all():
            continue
        _find(values[i], places, distance, nearest)
        up, total = laplace, 2.0 * laplace
        for k in range(neighbours):
            up += votes[nearest[k], 0]
            total += votes[nearest[k], 1]
        p_up[i] = up / total
    return p_up


@njit(cache=True)
def _find(row: Floats, places: Floats, distance: Floats, nearest: Floats) -> None:
    """Fill `nearest` with the candidates of smallest distance, nearest first."""
    distance[:] = np.inf
    last = len(distance) - 1
    for candidate in range(len(places)):
        product, worst = 1.0, distance[last]
        for j in range(len(row)):
            product *= 1.0 + abs(row[j] - places[candidate, j])
            if product >= worst:
                break
        if product < worst:
            k = last
            while k > 0 and distance[k - 1] > product:
                distance[k], nearest[k] = distance[k - 1], nearest[k - 1]
                k -= 1
            distance[k], nearest[k] = product, candidate


PLUGIN = Lorentzian
