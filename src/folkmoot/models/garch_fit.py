"""GARCH(1,1) by Gaussian quasi-maximum likelihood (Bollerslev 1986), and what it foretells.

    variance' = omega + alpha x return^2 + beta x variance

The first variance is a decayed mean of the first 75 squared returns, .94 a bar. The optimum is
sought in unbounded terms, level, persistence alpha + beta and alpha's share of it, so that every
trial is stationary.
"""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

FIRST, FIRST_DECAY = 75, 0.94
LEAST = 1e-12
STARTS = ((0.98, 0.05), (0.9, 0.2), (0.6, 0.3))


def fit_garch(returns: Floats) -> Floats:
    """Return `[omega, alpha, beta]` for `returns[bars]`, all finite and of zero mean.

    Raises `DataError` for returns that do not vary.
    """
    from scipy.optimize import minimize

    level = float(np.mean(returns * returns))
    if not level > 0.0:
        raise DataError("returns are all zero", where="garch", allowed="returns that vary")
    unit = returns / math.sqrt(level)

    def loss(terms: Floats) -> float:
        return float(loss_of(unit, _bounded(terms)))

    starts = [np.array([0.0, _logit(p), _logit(share)]) for p, share in STARTS]
    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000}
    best = minimize(loss, min(starts, key=loss), method="Nelder-Mead", options=options)
    omega, alpha, beta = _bounded(best.x)
    return np.array([omega * level, alpha, beta])


def _bounded(terms: Floats) -> Floats:
    """Return `[omega, alpha, beta]` of log level, logit of persistence, logit of alpha's share."""
    level, persistence, share = math.exp(min(terms[0], 50.0)), _squash(terms[1]), _squash(terms[2])
    return np.array([level * (1.0 - persistence), persistence * share, persistence * (1.0 - share)])


def _squash(x: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * x)) * (1.0 - 1e-9)


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


@njit(cache=True)
def loss_of(returns: Floats, terms: Floats) -> float:
    """Return the mean of log variance + return^2 / variance over the returns."""
    omega, alpha, beta = terms
    variance, total = first_variance(returns), 0.0
    for r in returns:
        variance = max(variance, LEAST)
        total += math.log(variance) + r * r / variance
        variance = omega + alpha * r * r + beta * variance
    return total / len(returns)


@njit(cache=True)
def first_variance(returns: Floats) -> float:
    """Return the decayed mean of the first squared returns that are known."""
    total, weights, weight, seen = 0.0, 0.0, 1.0, 0
    for r in returns:
        if np.isfinite(r):
            total, weights = total + weight * r * r, weights + weight
            weight, seen = weight * FIRST_DECAY, seen + 1
            if seen == FIRST:
                break
    return total / weights if weights > 0.0 else np.nan


@njit(cache=True)
def scales(closes: Floats, terms: Floats, horizons: Floats) -> Floats:
    """Return `[rows, horizons]`: the root of the variance summed over the bars ahead.

    `closes[rows, bars]` are log closes. After an unknown return the variance is the expected one.
    Terms without a usual variance, which no fit finds, answer NaN.
    """
    omega, alpha, beta = terms
    kept = alpha + beta
    found = np.full((len(closes), len(horizons)), np.nan)
    if not kept < 1.0:
        return found
    usual = omega / (1.0 - kept)
    for i in range(len(closes)):
        moves = closes[i, 1:] - closes[i, :-1]
        variance = first_variance(moves)
        for r in moves:
            square = r * r if np.isfinite(r) else variance
            variance = omega + alpha * square + beta * variance
        for k in range(len(horizons)):
            h = horizons[k]
            ahead = h * usual + (variance - usual) * (1.0 - kept**h) / (1.0 - kept)
            found[i, k] = math.sqrt(ahead)
    return found
