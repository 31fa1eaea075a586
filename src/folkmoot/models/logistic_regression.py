"""`LogisticRegression`: the same optimum as scikit-learn's, with standard errors.

`legacy_capissimo` is the other thing that went by this name on TradingView ("Logistic Regression",
version 3): it is no logistic regression, and kept for curiosity only.
"""

from typing import Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.models import newton

UNPENALISED = 1e10


class LogisticRegression:
    """Fit P(up) = 1 / (1 + exp(-(intercept + slopes . x))) by penalised maximum likelihood.

    `C`: inverse strength of the L2 penalty on the slopes, None for none.

    After `fit`: `coef_[columns]`, `intercept_`, and `standard_errors_[1 + columns]`, the
    intercept's first: roots of the diagonal of the inverse Fisher information, to which a penalty
    adds its curvature.

    >>> x = np.linspace(-2.0, 2.0, 50)[:, None]
    >>> bool(LogisticRegression().fit(x, x[:, 0] > 0.3).coef_[0] > 1.0)
    True
    """

    def __init__(self, C: float | None = 1.0) -> None:
        if C is not None and not C > 0.0:
            raise UsageError(f"C is {C}", where="LogisticRegression", allowed="above zero, or None")
        self.C = C
        self._beta: Floats = np.empty(0)
        self.standard_errors_: Floats = np.empty(0)

    @property
    def coef_(self) -> Floats:
        """The slopes `[columns]`; raises `Untrained` before a fit."""
        return self._fitted()[1:]

    @property
    def intercept_(self) -> float:
        """The intercept; raises `Untrained` before a fit."""
        return float(self._fitted()[0])

    def fit(self, x: Floats, up: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit to `x[rows, columns]` and `up[rows]` of 1 or 0, or true or false.

        Raises `DataError` for an unknown number, one class only, or shapes that do not fit.
        """
        values, side = np.ascontiguousarray(x, dtype=np.float64), np.asarray(up, dtype=np.float64)
        weights = np.ones(len(side)) if sample_weight is None else np.asarray(sample_weight)
        weights = np.ascontiguousarray(weights, dtype=np.float64)
        if values.ndim != 2 or not side.shape == weights.shape == values.shape[:1]:
            raise DataError(f"x {values.shape}, up {side.shape}", where="fit", allowed="same rows")
        if not (np.isfinite(values).all() and np.isfinite(weights).all() and (weights >= 0).all()):
            raise DataError("a number is unknown or below zero", where="fit", allowed="finite")
        if set(np.unique(side[weights > 0.0])) != {0.0, 1.0}:
            raise DataError("up is not both 0 and 1", where="fit", allowed="both classes")
        c = UNPENALISED if self.C is None else self.C
        self._beta = newton.fit_logistic(values, side, weights, c)
        curve = newton.curvature(values, weights, self._beta, c) / c
        self.standard_errors_ = np.sqrt(np.diag(np.linalg.inv(curve)))
        return self

    def decision_function(self, x: Floats) -> Floats:
        """Return the log odds of each row; NaN where a value is."""
        beta = self._fitted()
        values = np.asarray(x, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(beta) - 1:
            raise DataError(
                f"x {values.shape}", where="predict", allowed=f"{len(beta) - 1} columns"
            )
        odds: Floats = values @ beta[1:] + beta[0]
        return odds

    def predict_proba(self, x: Floats) -> Floats:
        """Return `[rows, 2]`: P(down) and P(up)."""
        p: Floats = newton.squash(self.decision_function(x))
        return np.column_stack((1.0 - p, p))

    def predict(self, x: Floats) -> Floats:
        """Return 1.0 for up and 0.0 for down; NaN where a value is."""
        odds = self.decision_function(x)
        return np.where(np.isnan(odds), np.nan, (odds > 0.0).astype(np.float64))

    def _fitted(self) -> Floats:
        if not len(self._beta):
            raise Untrained("no coefficients", where="LogisticRegression", allowed="fit first")
        return self._beta


def legacy_capissimo(
    prices: Floats, window: int = 3, rate: float = 0.0009, iterations: int = 1000
) -> Floats:
    """Return what capissimo's script calls its prediction, `[bars]`; NaN before the first window.

    Its target ln(|price^2 - 1| + 0.5) is no probability and its hypothesis is always one half, so
    that all iterations are one step: w = rate x iterations x mean of price x (target - 0.5), and
    the prediction is 1 / (1 + exp(-w x sum of prices)). It says 1 for anything that trades above a
    few units of money, which is why it stands here.

    >>> legacy_capissimo(np.array([100.0, 101.0, 102.0]))[2]
    np.float64(1.0)
    """
    if window < 1 or len(np.shape(prices)) != 1:
        raise UsageError(
            f"window is {window}", where="legacy_capissimo", allowed=">= 1, one series"
        )
    x = np.asarray(prices, dtype=np.float64)
    found = np.full(len(x), np.nan)
    if len(x) < window:
        return found
    runs = np.lib.stride_tricks.sliding_window_view(x, window)
    target = np.log(np.abs(runs**2 - 1.0) + 0.5)
    w = rate * iterations * (runs * (target - 0.5)).mean(axis=1)
    found[window - 1 :] = 0.5 * (1.0 + np.tanh(0.5 * w * runs.sum(axis=1)))
    return found
