"""The consensus' own calibrator, its uncertainty, and how long an opinion lives."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.committee.calibration import sigmoid_moments
from folkmoot.core.bars import Floats

SLOPE_SD = 0.5
LEVEL_SD = 0.1
Z80 = 1.2815515655446004
LONGEST_LIFE = 50.0
FIRST_PAIRS = 100
_STEPS = 60
_TRUST = 1.0
_CLOSE = 1e-6


@njit(cache=True)
def posterior_line(
    x: Floats, n: int, sums: Floats, horizon: int, line: Floats, covariance: Floats
) -> None:
    """Fit p = sigmoid(a x + b) at its posterior mode, in place, from where `line` = (a, b) stands.

    `sums` holds the count of rises and the sum of x over them. The prior is Gaussian about the
    identity: a ~ N(1, 0.5), b ~ N(0, 0.1). Labels that overlap for `horizon` bars count
    1 / horizon each. `covariance` (aa, ab, bb) is the inverse Hessian.
    """
    sure_a, sure_b = 1.0 / (SLOPE_SD * SLOPE_SD), 1.0 / (LEVEL_SD * LEVEL_SD)
    part = 1.0 / horizon
    a, b = line[0], line[1]
    for _ in range(_STEPS):
        sp, spx, sw, swx, swxx = sigmoid_moments(x, n, a, b)
        g_a = part * (spx - sums[1]) + sure_a * (a - 1.0)
        g_b = part * (sp - sums[0]) + sure_b * b
        h_aa, h_ab, h_bb = part * swxx + sure_a, part * swx, part * sw + sure_b
        determinant = h_aa * h_bb - h_ab * h_ab
        step_a = (h_bb * g_a - h_ab * g_b) / determinant
        step_b = (h_aa * g_b - h_ab * g_a) / determinant
        a -= min(max(step_a, -_TRUST), _TRUST)
        b -= min(max(step_b, -_TRUST), _TRUST)
        covariance[0] = h_bb / determinant
        covariance[1] = -h_ab / determinant
        covariance[2] = h_aa / determinant
        if abs(step_a) + abs(step_b) < _CLOSE:
            break
    line[0], line[1] = a, b


@njit(cache=True)
def spread_at(x: float, covariance: Floats) -> float:
    """Return the standard error of a x + b."""
    return math.sqrt(max(covariance[0] * x * x + 2.0 * covariance[1] * x + covariance[2], 0.0))


@njit(cache=True)
def expected_life(x: Floats, usable: npt.NDArray[np.bool_], stop: int) -> float:
    """Return H = 1 / (1 - rho), rho the lag-1 autocorrelation of the known `x[:stop]`.

    Only `usable` rows count; within [1, 50] bars, and 1 while there are fewer than 100 pairs.
    """
    total, n = 0.0, 0
    for t in range(stop):
        if usable[t] and not math.isnan(x[t]):
            total += x[t]
            n += 1
    if n < 2:
        return 1.0
    mean = total / n
    square = product = 0.0
    pairs = 0
    for t in range(stop):
        if not usable[t] or math.isnan(x[t]):
            continue
        square += (x[t] - mean) ** 2
        if t > 0 and usable[t - 1] and not math.isnan(x[t - 1]):
            product += (x[t] - mean) * (x[t - 1] - mean)
            pairs += 1
    if pairs < FIRST_PAIRS or square <= 0.0:
        return 1.0
    rho = (product / pairs) / (square / n)
    return LONGEST_LIFE if rho >= 1.0 - 1.0 / LONGEST_LIFE else 1.0 / (1.0 - max(rho, 0.0))
