"""Logistic regression learnt a row at a time: FTRL-Proximal (McMahan et al. 2013, algorithm 1).

For every coefficient it keeps `pull`, what the gradients have asked for, and `energy`, the sum of
their squares; the coefficient follows from both, with its own falling rate:

    w = -(pull - sign(pull) sparsity) / ((steady + sqrt(energy)) / rate + ridge)

or 0 where |pull| <= sparsity. A row costs a few operations a column, and the state is exact: rows
learnt one by one or in one call give the same bits.
"""

import math

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats

STEADY = 1.0


@njit(cache=True)
def coefficients(state: Floats, rate: float, ridge: float, sparsity: float) -> Floats:
    """Return `[intercept, *slopes]` of `state[2, columns + 1]`, pull above energy."""
    beta = np.zeros(state.shape[1])
    for j in range(len(beta)):
        # The intercept is free, as in the batch form.
        thin, firm = (sparsity, ridge) if j > 0 else (0.0, 0.0)
        pull = state[0, j]
        if abs(pull) > thin:
            held = pull - math.copysign(thin, pull)
            beta[j] = -held / ((STEADY + math.sqrt(state[1, j])) / rate + firm)
    return beta


@njit(cache=True)
def learn(
    z: Floats,
    up: Floats,
    weights: Floats,
    state: Floats,
    rate: float,
    ridge: float,
    sparsity: float,
) -> None:
    """Learn rows of scores `z[rows, columns]` in order; `state` is changed in place."""
    for i in range(len(z)):
        beta = coefficients(state, rate, ridge, sparsity)
        eta = beta[0]
        for j in range(z.shape[1]):
            eta += beta[j + 1] * z[i, j]
        odds = math.exp(-abs(eta))
        p = (1.0 if eta >= 0.0 else odds) / (1.0 + odds)
        error = weights[i] * (p - up[i])
        for j in range(len(beta)):
            slope = error if j == 0 else error * z[i, j - 1]
            energy = state[1, j] + slope * slope
            stiffer = (math.sqrt(energy) - math.sqrt(state[1, j])) / rate
            state[0, j] += slope - stiffer * beta[j]
            state[1, j] = energy
