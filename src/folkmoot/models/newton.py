"""Logistic regression with an L2 penalty, solved by Newton's method.

The objective is scikit-learn's: |w|^2 / 2 + c * sum of weights * log loss, the intercept free.

1. One pass over the rows gives the objective and its slope at the coefficients.
2. The curvature is computed at the start, and again only when a step shrinks less than tenfold:
   where little can be foretold it hardly changes, and it costs as much as fifteen slopes.
3. A Cholesky solve gives the step, which is halved while it makes the objective worse.

Every sum runs in the order of the rows, so the answer does not depend on how many threads a linear
algebra library has.
"""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

SMALL_STEP = 1e-9
"""Steps shrink at least tenfold at the end: what is left is below 1e-9."""

SHRINKS = 0.1
STEPS = 100
CERTAIN = 30.0
"""Log odds are held within this, so that a probability stays strictly inside 0 and 1."""


def fit_logistic(z: Floats, up: Floats, weights: Floats, c: float) -> Floats:
    """Return `[intercept, *slopes]` for scores `z[rows, columns]` and `up[rows]` of 1.0 or 0.0.

    Raises `DataError` if it does not converge in 100 steps, a step is not finite as the numbers are
    too large to be multiplied, or only one class has weight.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rate = (up * weights).sum() / weights.sum()
    if not 0.0 < rate < 1.0:
        raise DataError(f"a share of {rate} went up", where="fit", allowed="both, finite weights")
    beta: Floats = np.zeros(z.shape[1] + 1)
    beta[0] = math.log(rate / (1.0 - rate))
    loss, slope = _slope(z, up, weights, beta, c)
    curve, before = _curvature(z, weights, beta, c), math.inf
    for _ in range(STEPS):
        step = _solve(curve, slope)
        if not (np.isfinite(step).all() and math.isfinite(loss)):
            break
        beta, loss, slope, moved = _descend(z, up, weights, beta, c, step, loss)
        if moved < SMALL_STEP:
            return beta
        if moved > SHRINKS * before:
            curve = _curvature(z, weights, beta, c)
        before = moved
    raise DataError(
        f"logistic regression did not converge in {STEPS} finite steps",
        where="fit",
        allowed="scores and weights that can be multiplied",
    )


def curvature(z: Floats, weights: Floats, beta: Floats, c: float) -> Floats:
    """Return the objective's second derivative at `beta`, `[1 + columns, 1 + columns]`."""
    upper: Floats = np.triu(_curvature(z, weights, beta, c))
    return upper + np.triu(upper, 1).T


def _descend(
    z: Floats, up: Floats, weights: Floats, beta: Floats, c: float, step: Floats, loss: float
) -> tuple[Floats, float, Floats, float]:
    """Take the step, halved while the objective grows; return also how far that was."""
    while True:
        trial = beta - step
        trial_loss, slope = _slope(z, up, weights, trial, c)
        moved = float(np.abs(step).max())
        if trial_loss <= loss * (1.0 + 1e-12) or moved < SMALL_STEP:
            return trial, trial_loss, slope, moved
        step = 0.5 * step


@njit(cache=True)
def squash(eta: Floats) -> Floats:
    """Return 1 / (1 + e^-eta) strictly inside 0 and 1; NaN stays."""
    p = np.empty(len(eta))
    for i in range(len(eta)):
        held = eta[i] if math.isnan(eta[i]) else min(max(eta[i], -CERTAIN), CERTAIN)
        p[i] = 1.0 / (1.0 + math.exp(-held))
    return p


@njit(cache=True)
def probability(z: Floats, beta: Floats) -> Floats:
    """Return P(up) of each row of `z[rows, columns]`; NaN where a score is."""
    rows, columns = z.shape
    eta = np.full(rows, beta[0])
    for i in range(rows):
        for j in range(columns):
            eta[i] += beta[j + 1] * z[i, j]
    p: Floats = squash(eta)
    return p


@njit(cache=True)
def _slope(z: Floats, up: Floats, weights: Floats, beta: Floats, c: float) -> tuple[float, Floats]:
    """Return the objective and its slope at `beta`."""
    rows, columns = z.shape
    loss, slope = 0.0, np.zeros(columns + 1)
    for i in range(rows):
        eta = beta[0]
        for j in range(columns):
            eta += beta[j + 1] * z[i, j]
        odds = math.exp(-abs(eta))
        p = (1.0 if eta >= 0.0 else odds) / (1.0 + odds)
        # log(1 + e^eta) - up * eta, without overflow
        loss += weights[i] * (max(eta, 0.0) + math.log1p(odds) - up[i] * eta)
        pull = weights[i] * (p - up[i])
        slope[0] += pull
        for j in range(columns):
            slope[j + 1] += pull * z[i, j]
    loss *= c
    slope *= c
    for j in range(1, columns + 1):
        loss += 0.5 * beta[j] * beta[j]
        slope[j] += beta[j]
    return loss, slope


@njit(cache=True)
def _curvature(z: Floats, weights: Floats, beta: Floats, c: float) -> Floats:
    """Return the upper triangle of the objective's second derivative at `beta`."""
    rows, columns = z.shape
    size = columns + 1
    curve, row = np.zeros((size, size)), np.ones(size)
    for i in range(rows):
        eta = beta[0]
        for j in range(columns):
            row[j + 1] = z[i, j]
            eta += beta[j + 1] * z[i, j]
        odds = math.exp(-abs(eta))
        bend = weights[i] * odds / ((1.0 + odds) * (1.0 + odds))
        for j in range(size):
            arm = bend * row[j]
            for k in range(j, size):
                curve[j, k] += arm * row[k]
    curve *= c
    for j in range(1, size):
        curve[j, j] += 1.0
    return curve


@njit(cache=True)
def _solve(curve: Floats, slope: Floats) -> Floats:
    """Solve curve * step = slope by Cholesky, from the upper triangle of `curve`."""
    size = len(slope)
    lower = np.zeros((size, size))
    for j in range(size):
        for i in range(j, size):
            total = curve[j, i]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = math.sqrt(total) if i == j else total / lower[j, j]
    step = slope.copy()
    for i in range(size):
        for k in range(i):
            step[i] -= lower[i, k] * step[k]
        step[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            step[i] -= lower[k, i] * step[k]
        step[i] /= lower[i, i]
    return step
