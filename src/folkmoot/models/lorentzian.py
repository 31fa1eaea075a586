"""Lorentzian nearest neighbours: what the market did after the bars most like this one.

The distance of jdehorty's "Lorentzian Classification", sum of log(1 + |a - b|), on causal ranks.
`variant="exact"`: only rows whose label was known at the fit can be neighbours, and

1. candidates are every `stride`-th training row from the last one back, at most `candidates`;
2. a row's `neighbours` nearest vote; a tie goes to the more recent candidate;
3. P(up) = (weight that rose + laplace) / (weight that moved + 2 laplace);
4. a row is as novel as the share of training rows that had nearer neighbours; with `abstain`
   below 1, one more novel than that is not answered.

The order by distance is the order by the product of 1 + |a - b|, so no logarithm is taken, and a
product that has passed the worst neighbour is not finished.

`variant="jdehorty"`: the original's loop, which does not find near neighbours (`lorentzian_loop`).
Its candidates are the first training rows, frozen at the fit, its lists begin empty `replay` bars
before the answer (30 bars gave its prediction on all of 1,941 bars of a TradingView export), and
P(up) is how often training rows with the same prediction rose.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import lorentzian_loop, memory, rows, spread

RANKS = ("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9")
VARIANTS = ("exact", "jdehorty")
PRESETS: dict[str, dict[str, Any]] = {
    "lorentzian": {},
    "lorentzian_jdehorty": {"variant": "jdehorty"},
}


class Lorentzian:
    """Answer with the vote of the nearest training rows, or as the original script votes.

    `horizons`: bars ahead, rising; `columns` the distance is measured in, each from 0 to 1;
    `neighbours` that vote; `candidates` kept, `stride` rows apart; `laplace`: votes for either side
    before the first neighbour; `variant`: "exact" or "jdehorty"; `abstain`: most novelty that is
    answered, 1 for any; `replay`: bars that the original's lists are filled over.
    """

    levels = LEVELS
    handles_missing = False

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        columns: tuple[str, ...] = RANKS,
        neighbours: int = 8,
        candidates: int = 2000,
        stride: int = 4,
        laplace: float = 1.0,
        variant: str = "exact",
        abstain: float = 1.0,
        replay: int = 30,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.columns = tuple(columns)
        self.neighbours, self.candidates = neighbours, candidates
        self.stride, self.laplace = stride, laplace
        self.variant, self.abstain, self.replay = variant, abstain, replay
        self.learnt: memory.Arrays = {}
        if variant not in VARIANTS:
            raise UsageError(f"variant {variant!r}", where="lorentzian", allowed=list(VARIANTS))
        if min(neighbours, candidates, stride) < 1 or not laplace > 0.0 or not 0.0 < abstain <= 1.0:
            raise UsageError("an option is out of range", where="lorentzian", allowed="above zero")
        if replay <= lorentzian_loop.LOOKS_BACK:
            raise UsageError(f"replay is {replay}", where="lorentzian", allowed=">= 5")
        closes = ("log_close",) if variant == "jdehorty" else ()
        self.needs: tuple[str, ...] = (*self.columns, *closes, "ewma_vol")
        self.lookback = replay if variant == "jdehorty" else 1
        # The script follows moves that have been; it does not look for bars like this one.
        self.learns_direction = variant == "exact"

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Keep the candidates; raises `DataError` if they are fewer than 30 or the neighbours."""
        rows.check_shapes(self, x, y, weights)
        learn = self._fit_original if self.variant == "jdehorty" else self._fit_exact
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.learnt = {"shape": shape, **learn(x, y, weights)}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        if self.variant == "jdehorty":
            said = self._said(x, learnt["places"], learnt["labels"])
            place = np.where(np.isfinite(said), said, 0.0).astype(np.int64) + self.neighbours
            p_up = np.where(np.isfinite(said)[:, None], learnt["rates"].T[place], np.nan)
            return rows.answer(self, x, p_up)
        values = rows.take(x, self.columns)
        found = [self._vote(values, horizon) for horizon in self.horizons]
        return rows.answer(self, x, np.column_stack(found))

    def novelty(self, x: Features) -> Floats:
        """Return `[rows, horizons]`: the share of training rows whose neighbours were nearer.

        Raises `UsageError` for the variant "jdehorty", whose neighbours are not near.
        """
        learnt = rows.learnt(self)
        if self.variant != "exact":
            raise UsageError("novelty of this variant", where="lorentzian", allowed=["exact"])
        values = rows.take(x, self.columns)
        return np.column_stack(
            [self._novelty(values, horizon, learnt) for horizon in self.horizons]
        )

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        columns, horizons = len(self.columns), len(self.horizons)
        forms = {"shape": memory.quantiles(horizons)}
        if self.variant == "jdehorty":
            forms["places"] = memory.Form(("candidates", columns))
            forms["labels"] = memory.Form(("candidates",), -1.0, 1.0)
            forms["rates"] = memory.Form((horizons, 2 * self.neighbours + 1), 0.0, 1.0)
            return forms
        for h in self.horizons:
            kept, fewest = f"candidates_{h}", self.neighbours
            forms[f"places_{h}"] = memory.Form((kept, columns), fewest=fewest)
            forms[f"votes_{h}"] = memory.Form((kept, 2), 0.0, fewest=fewest)
            forms[f"usual_{h}"] = memory.Form((kept,), 0.0, fewest=fewest)
        return forms

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)

    def _fit_exact(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        values = rows.take(x, self.columns)
        known = rows.known(values)
        learnt: memory.Arrays = {}
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
            used = known[chosen] & (y[chosen, k] != 0.0) & np.isfinite(y[chosen, k])
            at = chosen[used & (weights[chosen] > 0.0)]
            away = mean_distances(kept.values, at, kept.values, at, horizon, self.neighbours)
            learnt |= {f"places_{horizon}": kept.values, f"votes_{horizon}": votes}
            # An unknown one is kept as infinitely far, so that every candidate has its place.
            usual = np.where(np.isfinite(away), away, lorentzian_loop.NOWHERE)
            learnt[f"usual_{horizon}"] = np.sort(usual)
        return learnt

    def _vote(self, values: Floats, horizon: int) -> Floats:
        places, votes = self.learnt[f"places_{horizon}"], self.learnt[f"votes_{horizon}"]
        p_up: Floats = vote(values, places, votes, self.neighbours, self.laplace)
        if self.abstain < 1.0:
            p_up[self._novelty(values, horizon, self.learnt) > self.abstain] = np.nan
        return p_up

    def _novelty(self, values: Floats, horizon: int, learnt: memory.Arrays) -> Floats:
        places, usual = learnt[f"places_{horizon}"], learnt[f"usual_{horizon}"]
        usual = usual[usual < lorentzian_loop.NOWHERE]
        nowhere, at = np.zeros(len(values), dtype=np.int64), np.ones(len(places), dtype=np.int64)
        away = mean_distances(values, nowhere, places, at, 0, self.neighbours)
        share: Floats = np.searchsorted(usual, away) / max(len(usual), 1)
        return np.where(np.isfinite(away), share, np.nan)

    def _fit_original(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        closes = x.values[:, :, x.names.index("log_close")]
        moved = closes[:, -1] - closes[:, -1 - lorentzian_loop.LOOKS_BACK]
        labels = -np.sign(np.where(np.isnan(moved), 0.0, moved))
        places = rows.take(x, self.columns)[: self.candidates]
        labels = np.ascontiguousarray(labels[: self.candidates])
        start = lorentzian_loop.first_predicted(len(x), self.candidates)
        said = np.full(len(x), np.nan)
        asked = x.rows(slice(start, None))
        said[start:] = self._said(asked, places, labels, np.arange(start, len(x)) + 1)
        known = np.isfinite(said)
        found = rows.samples(self, said[:, None], y, weights, known)
        # A place of which something is unknown is never taken: infinitely many bars away.
        return {
            "places": np.where(np.isfinite(places), places, lorentzian_loop.NOWHERE),
            "labels": labels,
            "rates": np.array([self._rates(sample) for sample in found]),
        }

    def _said(
        self,
        x: Features,
        places: Floats,
        labels: Floats,
        tried: npt.NDArray[np.int64] | None = None,
    ) -> Floats:
        """Return the script's prediction of each row; NaN where the row is not wholly known."""
        windows = x.values[:, :, [x.names.index(name) for name in self.columns]]
        most = np.full(len(x), len(places)) if tried is None else np.minimum(tried, len(places))
        said: Floats = lorentzian_loop.replayed(windows, places, labels, most, self.neighbours)
        return np.where(rows.known(rows.take(x, self.needs)), said, np.nan)

    def _rates(self, sample: rows.Sample) -> Floats:
        """Return P(up) after each prediction from -neighbours to neighbours."""
        place = sample.values[:, 0].astype(np.int64) + self.neighbours
        size = 2 * self.neighbours + 1
        moved = np.bincount(place, sample.weights, size)
        rose = np.bincount(place, sample.weights * sample.up, size)
        return (rose + self.laplace) / (moved + 2.0 * self.laplace)


@njit(cache=True)
def mean_distances(
    values: Floats,
    at: npt.NDArray[np.int64],
    places: Floats,
    places_at: npt.NDArray[np.int64],
    apart: int,
    neighbours: int,
) -> Floats:
    """Return the mean distance of each row's nearest neighbours, NaN where there are too few.

    Row i stands at bar `at[i]`; places at most `apart` bars from it are no neighbours.
    """
    mean = np.full(len(values), np.nan)
    distance = np.empty(neighbours)
    for i in range(len(values)):
        if not np.isfinite(values[i]).all():
            continue
        distance[:] = np.inf
        for c in range(len(places)):
            if abs(at[i] - places_at[c]) > apart:
                _insert(values[i], places[c], distance)
        mean[i] = np.log(distance).sum() / neighbours
    return mean


@njit(cache=True)
def _insert(row: Floats, place: Floats, distance: Floats) -> None:
    product, k = 1.0, len(distance) - 1
    for j in range(len(row)):
        product *= 1.0 + abs(row[j] - place[j])
    if product < distance[k]:
        while k > 0 and distance[k - 1] > product:
            distance[k] = distance[k - 1]
            k -= 1
        distance[k] = product


@njit(cache=True)
def vote(values: Floats, places: Floats, votes: Floats, neighbours: int, laplace: float) -> Floats:
    """Return P(up) of each row of `values[rows, columns]`; NaN where a value is not finite.

    NaN too where fewer than `neighbours` are at a finite distance: 45 unscaled columns near 1e8 are
    as far apart as numbers go, and which of them is nearest cannot be told.

    `places[candidates, columns]` most recent first; `votes[candidates, 2]` weight up and in all.
    """
    p_up = np.full(len(values), np.nan)
    distance = np.empty(neighbours)
    nearest = np.empty(neighbours, dtype=np.int64)
    for i in range(len(values)):
        if not np.isfinite(values[i]).all():
            continue
        _find(values[i], places, distance, nearest)
        if not distance[neighbours - 1] < np.inf:
            continue
        up, total = laplace, 2.0 * laplace
        for k in range(neighbours):
            up += votes[nearest[k], 0]
            total += votes[nearest[k], 1]
        p_up[i] = up / total
    return p_up


@njit(cache=True)
def _find(row: Floats, places: Floats, distance: Floats, nearest: Floats) -> None:
    """Fill `nearest` with the candidates of smallest distance, nearest first.

    A place of it whose `distance` stays infinite is not written.
    """
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
