"""How far the members of a consensus are of one mind, and how many they amount to.

1. Agreement: the weight of those on the consensus' side of one half.
2. Effective number of models: (sum w)^2 / (w' R w), R the correlation of the members' errors on
   matured rows. An error is the log loss beyond the climatology's: what the market did, which
   everybody missed alike, is taken out, or any two forecasts near one half would count as one.
3. Entropy in bits: aleatoric is the weighted mean of the members' own, epistemic what the weighted
   mean of their probabilities has beyond it.
"""

import math

import numpy as np
from numba import njit

from folkmoot.committee.state import Errors
from folkmoot.core.bars import Floats, Times

COMMON_ROWS = 100
LN2 = math.log(2.0)


@njit(cache=True)
def correlate(errors: Errors) -> None:
    """Set the correlation of each pair, NaN below `COMMON_ROWS` common rows or where one has none.

    That of a member with itself is 1.
    """
    for v in range(len(errors.n)):
        for u in range(v):
            found = _correlation(errors, v, u)
            errors.correlation[v, u] = found
            errors.correlation[u, v] = found
        errors.correlation[v, v] = 1.0


@njit(cache=True)
def _correlation(errors: Errors, v: int, u: int) -> float:
    n = errors.n[v, u]
    if n < COMMON_ROWS:
        return math.nan
    mine, other = errors.sums[v, u] / n, errors.sums[u, v] / n
    spread = errors.squares[v, u] / n - mine * mine
    other_spread = errors.squares[u, v] / n - other * other
    if spread <= 1e-24 or other_spread <= 1e-24:
        return math.nan
    covariance = errors.products[v, u] / n - mine * other
    return float(covariance / math.sqrt(spread * other_spread))


@njit(cache=True)
def effective_number(weights: Floats, voters: Times, correlation: Floats) -> float:
    """Return how many uncorrelated models the weighted `voters` are worth; NaN if R is unknown."""
    total = square = 0.0
    for v in range(len(voters)):
        own = weights[voters[v]]
        if own <= 0.0:
            continue
        total += own
        square += own * own
        for u in range(v):
            if weights[voters[u]] > 0.0:
                square += 2.0 * own * weights[voters[u]] * correlation[v, u]
    # Correlations over different rows need not fit together: a mix without variance is no figure.
    return total * total / square if square > 1e-9 * total * total else math.nan


@njit(cache=True)
def agreement(weights: Floats, p_up: Floats, consensus: float) -> float:
    """Return the share of `weights` whose `p_up` is on the side of `consensus`; NaN without one."""
    if math.isnan(consensus) or consensus == 0.5:
        return math.nan
    total = along = 0.0
    for m in range(len(weights)):
        if weights[m] > 0.0:
            total += weights[m]
            along += weights[m] if (p_up[m] - 0.5) * (consensus - 0.5) > 0.0 else 0.0
    return along / total if total > 0.0 else math.nan


@njit(cache=True)
def entropies(weights: Floats, p_up: Floats) -> tuple[float, float]:
    """Return the aleatoric and the epistemic part of the uncertainty, each in [0, 1] bits."""
    total = mean = own = 0.0
    for m in range(len(weights)):
        if weights[m] > 0.0:
            total += weights[m]
            mean += weights[m] * p_up[m]
            own += weights[m] * entropy(p_up[m])
    if total <= 0.0:
        return np.nan, np.nan
    own = min(own / total, 1.0)
    return own, max(entropy(mean / total) - own, 0.0)


@njit(cache=True)
def entropy(p: float) -> float:
    """Return the entropy of a coin that shows heads with probability `p`, in bits."""
    if p <= 0.0 or p >= 1.0:
        return 0.0
    return -(p * math.log(p) + (1.0 - p) * math.log(1.0 - p)) / LN2
