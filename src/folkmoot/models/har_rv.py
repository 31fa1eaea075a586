"""HAR-RV: volatility from what it was over a bar, five bars and twenty-two (Corsi 2009).

1. A bar's realised variance is the mean of its squared return and of its range squared over 4 ln 2
   (Parkinson): bars hold no ticks, and the range says what a return conceals.
2. log scale = b0 + b1 log v1 + b2 log v5 + b3 log v22, v the roots of its means.
3. b is the optimum of |y| / scale + log scale over the training rows, the likelihood of double
   exponential returns: convex, and a return of zero is a return like others. Corsi regresses the
   realised volatility to come, of which a label tells only the sum.
"""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import ewma_scale, memory, rows

PARKINSON = 4.0 * math.log(2.0)
SPANS = (1, 5, 22)
LEAST = 0.05
"""A span's volatility counts as at least this share of `ewma_vol`, so that it has a logarithm."""

STEPS = 100
SMALL = 1e-10


class HARRV(ewma_scale.ScaleMember):
    """Answer the base rate and quantiles of HAR-RV volatility x empirical shape.

    `horizons`: bars ahead, rising; `spans`: bars that the realised variance is averaged over.
    """

    needs: tuple[str, ...] = ("log_high", "log_low", "log_close", "ewma_vol")

    def __init__(self, horizons: tuple[int, ...] = (1,), spans: tuple[int, ...] = SPANS) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.spans = tuple(spans)
        self.learnt: memory.Arrays = {}
        if not spans or min(spans) < 1 or sorted(set(spans)) != list(spans):
            raise UsageError(f"spans are {spans}", where="har_rv", allowed="rising, each >= 1")
        self.lookback = max(spans) + 1

    def fit_scale(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        """Regress the size of each horizon's return on the logarithms of past volatility."""
        logs = self._logs(x)
        found = [_regress(logs, np.abs(y[:, k]), weights) for k in range(len(self.horizons))]
        return {"beta": np.array(found)}

    def scale_form(self) -> memory.Forms:
        """Return what the arrays that `fit_scale` leaves must be."""
        return {"beta": memory.Form((len(self.horizons), 1 + len(self.spans)))}

    def scale(self, x: Features, learnt: memory.Arrays) -> Floats:
        """Return `[rows, horizons]`: the expected size of the log return."""
        found: Floats = scales(self._logs(x), learnt["beta"])
        return found

    def _logs(self, x: Features) -> Floats:
        high, low, close, usual = (x.values[:, :, x.names.index(name)] for name in self.needs)
        spans = np.asarray(self.spans, dtype=np.int64)
        found: Floats = log_volatility(high, low, close, usual[:, -1], spans)
        return found


def _regress(logs: Floats, size: Floats, weights: Floats) -> Floats:
    """Return `[b0, b1, ...]` by Newton's method; raises `DataError` if no return is known."""
    used = np.isfinite(size) & np.isfinite(logs).all(axis=1) & (weights > 0.0)
    if not (size[used] > 0.0).any():
        raise DataError("no known return that moved", where="har_rv", allowed=">= 1")
    w, size = weights[used] / weights[used].sum(), size[used]
    design = np.column_stack((np.ones(len(size)), logs[used]))
    b = np.zeros(design.shape[1])
    b[1:] = 1.0 / len(b[1:])
    b[0] = math.log(float((w * size * np.exp(-design @ b)).sum()))
    for _ in range(STEPS):
        ratio = size * np.exp(-design @ b)
        slope = (w * (1.0 - ratio)) @ design
        curve = (design * (w * ratio)[:, None]).T @ design + SMALL * np.eye(len(b))
        if not (np.isfinite(curve).all() and np.isfinite(slope).all()):
            raise DataError("returns too large for its scale", where="har_rv", allowed="finite")
        step = np.linalg.solve(curve, slope)
        while _loss(design, size, w, b - step) > _loss(design, size, w, b) and any(
            abs(step) > SMALL
        ):
            step *= 0.5
        b = b - step
        if np.abs(step).max() < SMALL:
            break
    return b


def _loss(design: Floats, size: Floats, w: Floats, b: Floats) -> float:
    log_scale = design @ b
    with np.errstate(over="ignore"):
        return float((w * (size * np.exp(-log_scale) + log_scale)).sum())


@njit(cache=True)
def log_volatility(
    high: Floats, low: Floats, close: Floats, usual: Floats, spans: Floats
) -> Floats:
    """Return `[rows, spans]`: the log of the root mean realised variance of the last bars.

    `high`, `low`, `close` are logs `[rows, bars]`; bars of which something is unknown are passed
    over, and a span without a known bar is unknown.
    """
    rows, bars = close.shape
    found = np.full((rows, len(spans)), np.nan)
    for i in range(rows):
        total, seen, place = 0.0, 0, 0
        for back in range(1, bars):
            k = bars - back
            move, width = close[i, k] - close[i, k - 1], high[i, k] - low[i, k]
            variance = 0.5 * (move * move + width * width / PARKINSON)
            if np.isfinite(variance):
                total, seen = total + variance, seen + 1
            if back == spans[place]:
                if seen > 0:
                    volatility = max(math.sqrt(total / seen), LEAST * usual[i])
                    found[i, place] = math.log(volatility) if volatility > 0.0 else np.nan
                place += 1
                if place == len(spans):
                    break
    return found


@njit(cache=True)
def scales(logs: Floats, beta: Floats) -> Floats:
    """Return `[rows, horizons]` of `logs[rows, spans]` and `beta[horizons, 1 + spans]`."""
    found = np.empty((len(logs), len(beta)))
    for i in range(len(logs)):
        for k in range(len(beta)):
            total = beta[k, 0]
            for j in range(logs.shape[1]):
                total += beta[k, j + 1] * logs[i, j]
            found[i, k] = math.exp(total)
    return found


PLUGIN = HARRV
