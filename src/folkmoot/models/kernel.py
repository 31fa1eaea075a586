"""Kernel regression: all past bars answer, the more alike the louder (Nadaraya 1964, Watson 1964).

1. Analogues are every `stride`-th training row with known ranks and label from the last one back,
   at most `analogues`.
2. One at Euclidean distance d weighs (1 + d^2 / (2 r b^2))^-r, the rational quadratic kernel, times
   its own weight; r = 1 has long tails, so that no row is without analogues.
3. P(up) is the weighted share that rose, the base rate counting as `prior` analogues at distance 0.
4. Quantiles are the same weighted analogues' ratios of return to volatility, times the row's own.
5. The bandwidth b of each horizon is the candidate with the least log loss on the last 15 % of the
   training rows, behind a gap of the longest horizon and one row, by analogues from before it.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import held_out, memory, rows, scaling, spread

RANKS = ("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9")
CHECKED = 0.15


class Kernel:
    """Answer the Nadaraya-Watson estimate over past bars alike in their ranks.

    `horizons`: bars ahead, rising; `columns` the distance is measured in; `bandwidths` to choose
    from, in their unit; `analogues` kept, `stride` rows apart; `prior`: analogues that the base
    rate and the unconditional quantiles count as.
    """

    levels = LEVELS
    lookback = 1
    handles_missing = False

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        columns: tuple[str, ...] = RANKS,
        bandwidths: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4),
        analogues: int = 4000,
        stride: int = 4,
        prior: float = 50.0,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.columns, self.bandwidths = tuple(columns), tuple(bandwidths)
        self.analogues, self.stride, self.prior = analogues, stride, prior
        self.needs: tuple[str, ...] = (*self.columns, "ewma_vol")
        self.learnt: memory.Arrays = {}
        if min(analogues, stride) < 1 or not bandwidths or not min(*bandwidths, prior) > 0.0:
            raise UsageError("an option is too small", where="kernel", allowed="above zero")

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Keep the analogues; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        values, spans = rows.take(x, self.columns), spread.scale(x, self.horizons)
        known = rows.known(rows.take(x, self.needs)) & (spans[:, 0] > 0.0)
        weights = scaling.even(np.where(known, weights, 0.0))
        found = rows.samples(self, values, y, weights, known)
        learnt: memory.Arrays = {"rate": np.array([sample.rate for sample in found])}
        chosen = []
        for k, horizon in enumerate(self.horizons):
            usable = np.flatnonzero(known & np.isfinite(y[:, k]) & (weights > 0.0))
            ratio = y[:, k] / spans[:, k]
            cut = held_out.split(x, usable, CHECKED, max(self.horizons) + 1)
            chosen.append(self._bandwidth(values, ratio, weights, cut, found[k].rate))
            kept = self._kept(usable, ratio)
            learnt[f"places_{horizon}"] = values[kept]
            learnt[f"told_{horizon}"] = np.column_stack((ratio[kept], weights[kept]))
        self.learnt = {**learnt, "bandwidth": np.array(chosen)}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        values = rows.take(x, self.columns)
        spans = spread.scale(x, self.horizons)
        unknown = ~rows.known(rows.take(x, self.needs))
        p_up = np.empty((len(x), len(self.horizons)))
        quantiles = np.empty((len(x), len(self.horizons), len(LEVELS)))
        for k, horizon in enumerate(self.horizons):
            told = (learnt[f"places_{horizon}"], learnt[f"told_{horizon}"])
            terms = np.array([learnt["bandwidth"][k], self.prior, learnt["rate"][k]])
            p_up[:, k], shape = regress(values, *told, terms, np.array(LEVELS))
            quantiles[:, k] = shape * spans[:, k, None]
        p_up[unknown], quantiles[unknown] = np.nan, np.nan
        return Forecast(p_up, quantiles, self.horizons, self.levels)

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        columns, horizons = len(self.columns), len(self.horizons)
        forms = {
            "rate": memory.Form((horizons,), 0.0, 1.0),
            "bandwidth": memory.Form((horizons,), min(self.bandwidths), max(self.bandwidths)),
        }
        for h in self.horizons:
            forms[f"places_{h}"] = memory.Form((f"analogues_{h}", columns))
            forms[f"told_{h}"] = memory.Form((f"analogues_{h}", 2))
        return forms

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state; raises `DataError` for analogues out of order."""
        model = memory.load(cls, arrays, facts)
        for horizon in model.horizons:
            ratio, weight = model.learnt[f"told_{horizon}"].T
            if (np.diff(ratio) < 0.0).any() or not (weight >= 0.0).all() or not weight.any():
                raise DataError(
                    f"what analogues of horizon {horizon} told is out of order",
                    where="kernel",
                    allowed="ratios rising, weights 0 or more",
                )
        return model

    def _kept(self, usable: npt.NDArray[np.int64], ratio: Floats) -> npt.NDArray[np.int64]:
        """Return the analogues' rows in order of their ratio, so that quantiles are one sum."""
        kept = usable[::-1][:: self.stride][: self.analogues]
        return kept[np.argsort(ratio[kept], kind="stable")]

    def _bandwidth(
        self,
        values: Floats,
        ratio: Floats,
        weights: Floats,
        cut: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
        rate: float,
    ) -> float:
        """Return the width that does best on held-out rows; `cut`: rows taught, rows held out."""
        kept = self._kept(cut[0], ratio)
        asked = cut[1][ratio[cut[1]] != 0.0]
        if min(len(kept), len(asked)) < rows.FEWEST:
            return max(self.bandwidths)
        told = np.column_stack((ratio[kept], weights[kept]))
        losses = []
        for bandwidth in self.bandwidths:
            terms = np.array([bandwidth, self.prior, rate])
            p_up, _ = regress(values[asked], values[kept], told, terms, np.empty(0))
            right = np.where(ratio[asked] > 0.0, p_up, 1.0 - p_up)
            losses.append(float(-np.average(np.log(right), weights=weights[asked])))
        return self.bandwidths[int(np.argmin(losses))]


@njit(cache=True)
def regress(
    values: Floats, places: Floats, told: Floats, terms: Floats, levels: Floats
) -> tuple[Floats, Floats]:
    """Return P(up) `[rows]` and quantiles of the ratio `[rows, levels]`; NaN for unknown rows.

    `told[analogues, 2]` holds ratio and weight, ratios rising; `terms` are bandwidth, prior and
    base rate.
    """
    p_up = np.full(len(values), np.nan)
    quantiles = np.full((len(values), len(levels)), np.nan)
    bandwidth, prior, rate = terms
    share = prior / told[:, 1].sum()
    weight = np.empty(len(places))
    for i in range(len(values)):
        if not np.isfinite(values[i]).all():
            continue
        rose, moved, mass = prior * rate, prior, 0.0
        for c in range(len(places)):
            square = 0.0
            for j in range(values.shape[1]):
                apart = values[i, j] - places[c, j]
                square += apart * apart
            alike = told[c, 1] / (1.0 + square / (2.0 * bandwidth * bandwidth))
            if told[c, 0] != 0.0:
                moved += alike
                rose += alike if told[c, 0] > 0.0 else 0.0
            weight[c] = alike + share * told[c, 1]
            mass += weight[c]
        p_up[i] = rose / moved
        _quantiles(told, weight, mass, levels, quantiles[i])
    return p_up, quantiles


@njit(cache=True)
def _quantiles(told: Floats, weight: Floats, mass: float, levels: Floats, found: Floats) -> None:
    total, place = 0.0, 0
    for c in range(len(weight)):
        total += weight[c]
        while place < len(levels) and total >= levels[place] * mass:
            found[place] = told[c, 0]
            place += 1
    found[place:] = told[-1, 0]


PLUGIN = Kernel
