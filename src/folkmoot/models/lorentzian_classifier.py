"""`LorentzianClassifier`: the neighbours of `lorentzian` for arrays or bars, with no walk-forward.

Both variants answer every bar from what was known at its close: the exact one takes its neighbours
from bars whose label, the sign of the return over the next `horizon` bars, was known by then.
"""

from typing import Self

import numpy as np
from numba import njit

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.indicators.lorentzian_features import lorentzian_features
from folkmoot.models import lorentzian_loop

VARIANTS = ("exact", "jdehorty")
RANKED_OVER = 500


class LorentzianClassifier:
    """Classify bars by the labels of other bars that were like them.

    `variant`: "exact" (nearest neighbours, labels that look forward) or "jdehorty" (TradingView's
    script to the bar); `neighbours` that vote, of `max_bars_back` bars; for the exact variant
    `horizon` of the label in bars, `stride` between candidates and `laplace` votes for each side.

    `fit` keeps a chart, `predict` goes on from it: what it is given are the bars that follow. As
    the script has it, the first bar it predicts depends on how long the chart was (`start`).

    >>> chart = np.column_stack([np.sin(np.arange(300.0) / 5.0)])
    >>> model = LorentzianClassifier(variant="jdehorty").fit(chart, 100.0 + chart[:, 0])
    >>> model.votes.shape, model.start
    ((300,), 0)
    """

    def __init__(
        self,
        variant: str = "exact",
        neighbours: int = 8,
        max_bars_back: int = 2000,
        horizon: int = 4,
        stride: int = 4,
        laplace: float = 1.0,
    ) -> None:
        if variant not in VARIANTS:
            raise UsageError(f"variant {variant!r}", where="lorentzian", allowed=list(VARIANTS))
        if min(neighbours, max_bars_back, horizon, stride) < 1 or not laplace > 0.0:
            raise UsageError("an option is too small", where="lorentzian", allowed="above zero")
        self.variant, self.neighbours, self.max_bars_back = variant, neighbours, max_bars_back
        self.horizon, self.stride, self.laplace = horizon, stride, laplace
        self.votes: Floats = np.empty(0)
        self.start = 0
        self._values: Floats = np.empty((0, 0))
        self._closes: Floats = np.empty(0)

    def fit(self, x: Bars | Floats, closes: Floats | None = None) -> Self:
        """Keep a chart and its `votes[bars]`, NaN where the variant gives none.

        `x` is bars, whose five features are computed, or features `[bars, columns]` from 0 to 1
        with their `closes[bars]`. Raises `UsageError` for shapes that do not fit.
        """
        self._values, self._closes = self._chart(x, closes)
        original = self.variant == "jdehorty"
        bars = len(self._closes)
        self.start = lorentzian_loop.first_predicted(bars, self.max_bars_back) if original else 0
        self.votes = self._walk(self._values, self._closes)
        return self

    def decision_function(self, x: Bars | Floats, closes: Floats | None = None) -> Floats:
        """Return the votes for up less the votes for down of each bar after the fitted chart.

        `x` is all bars from the chart's first on, or the features of the bars that follow it with
        their `closes`; a bar is answered from what was known at its close.
        """
        if not len(self._closes):
            raise Untrained("no chart is kept", where="LorentzianClassifier", allowed="fit first")
        if isinstance(x, Bars):
            values, close = self._chart(x, None)
        else:
            more, after = self._chart(x, closes)
            if more.shape[1] != self._values.shape[1]:
                raise UsageError(
                    f"{more.shape[1]} columns", where="lorentzian", allowed="as fitted"
                )
            values = np.concatenate((self._values, more))
            close = np.concatenate((self._closes, after))
        return self._walk(values, close)[len(self._closes) :]

    def predict(self, x: Bars | Floats, closes: Floats | None = None) -> Floats:
        """Return 1.0 for up, -1.0 for down, 0.0 for a draw, NaN where there is no vote."""
        return np.sign(self.decision_function(x, closes))

    def predict_proba(self, x: Bars | Floats, closes: Floats | None = None) -> Floats:
        """Return `[bars, 2]`, P(down) and P(up): the votes, each side credited with `laplace`.

        The original's votes are no frequencies: raises `UsageError` for that variant, of which the
        member `lorentzian_jdehorty` maps predictions to what followed them.
        """
        if self.variant != "exact":
            raise UsageError("probabilities of votes", where=self.variant, allowed=["exact"])
        votes = self.decision_function(x, closes)
        # Candidates that did not move are none, so that all neighbours vote.
        up = (0.5 * (votes + self.neighbours) + self.laplace) / (
            self.neighbours + 2.0 * self.laplace
        )
        return np.column_stack((1.0 - up, up))

    def _walk(self, values: Floats, closes: Floats) -> Floats:
        if self.variant == "jdehorty":
            labels = lorentzian_loop.labels_of(closes)
            votes: Floats = lorentzian_loop.predictions(
                values, labels, self.start, self.neighbours, self.max_bars_back
            )
            return votes
        labels = np.full(len(closes), np.nan)
        labels[: -self.horizon] = np.sign(closes[self.horizon :] - closes[: -self.horizon])
        usable = np.isfinite(values).all(axis=1) & np.isfinite(labels) & (labels != 0.0)
        options = (self.horizon, self.stride, self.max_bars_back, self.neighbours)
        nearest: Floats = nearest_votes(values, np.where(usable, labels, 0.0), *options)
        return nearest

    def _chart(self, x: Bars | Floats, closes: Floats | None) -> tuple[Floats, Floats]:
        if isinstance(x, Bars):
            ranked = None if self.variant == "jdehorty" else RANKED_OVER
            lines = compile(lorentzian_features(ranked_over=ranked)).batch(x)
            return np.column_stack(list(lines.values())), np.asarray(x.close, dtype=np.float64)
        values = np.ascontiguousarray(x, dtype=np.float64)
        if closes is None or values.ndim != 2 or np.shape(closes) != values.shape[:1]:
            raise UsageError(
                f"features of shape {values.shape}",
                where="lorentzian",
                allowed="[bars, columns] with closes [bars]",
            )
        if len(values) <= max(self.horizon, lorentzian_loop.LOOKS_BACK) and not len(self._closes):
            raise DataError(f"{len(values)} bars", where="lorentzian", allowed="more bars")
        return values, np.asarray(closes, dtype=np.float64)


@njit(cache=True)
def nearest_votes(
    values: Floats, labels: Floats, horizon: int, stride: int, most_bars: int, neighbours: int
) -> Floats:
    """Return the summed labels of each bar's nearest neighbours; NaN where there are too few.

    Candidates of bar t are t - horizon, t - horizon - stride, ... within `most_bars`; a label of 0
    makes a bar none. A tie goes to the more recent.
    """
    votes = np.full(len(values), np.nan)
    distance, vote = np.empty(neighbours), np.empty(neighbours)
    for t in range(len(values)):
        if not np.isfinite(values[t]).all():
            continue
        distance[:] = np.inf
        for i in range(t - horizon, max(t - most_bars, 0) - 1, -stride):
            if labels[i] != 0.0:
                _vote(values[t], values[i], labels[i], distance, vote)
        if np.isfinite(distance[neighbours - 1]):
            votes[t] = vote.sum()
    return votes


@njit(cache=True)
def _vote(row: Floats, place: Floats, label: float, distance: Floats, vote: Floats) -> None:
    product, k = 1.0, len(distance) - 1
    for j in range(len(row)):
        product *= 1.0 + abs(row[j] - place[j])
    if product < distance[k]:
        while k > 0 and distance[k - 1] > product:
            distance[k], vote[k] = distance[k - 1], vote[k - 1]
            k -= 1
        distance[k], vote[k] = product, label
