"""Earned weights: a member speaks in proportion to the skill it has shown and nothing else.

1. Direction: on every matured row where a member and all references were already calibrated, its
   gain in log loss over each reference counts.
2. Quantiles: on every matured row where a member and the climatology had quantiles, its gain in
   pinball loss over the climatology counts, divided by the climatology's 90 % spread.
3. The best reference is the one with the smallest mean gain over it; z is that mean over its
   Newey-West standard error.
4. Weight ~ max(0, mean gain) (1 - 1 / z^2), zero unless z > 1 and there are `EARNING_ROWS` rows.
5. The consensus is the logarithmic pool of the weighted members that have a forecast; its quantiles
   are the mean of those members' that have earned a weight for them.
"""

import math

from numba import njit

from folkmoot.committee.state import Earnings
from folkmoot.core.bars import Floats

EARNING_ROWS = 500


@njit(cache=True)
def newey_west_lags(n: int, horizon: int) -> int:
    """Return max(horizon - 1, floor(4 (n / 100)^(2/9)))."""
    return max(horizon - 1, math.floor(4.0 * float((n / 100.0) ** (2.0 / 9.0))))


@njit(cache=True)
def add_gain(earnings: Earnings, v: int, r: int, gain: float) -> None:
    """Count a gain of voter `v` over rival `r`, whose number is `earnings.n[v]`.

    The caller counts n up once all rivals are done. Of the gains themselves only the first few and
    the latest few are kept: those stand in a ring that is written twice and runs backwards, so that
    the gain `lag` before the latest is always `lag` places behind it.
    """
    products, latest = earnings.products[v, r], earnings.latest[v, r]
    n, lags = earnings.n[v], len(products)
    slot = lags - 1 - n % lags
    if n < lags:
        earnings.first[v, r, n] = gain
    latest[slot] = gain
    latest[slot + lags] = gain
    behind = latest[slot : slot + lags]
    for lag in range(lags):
        products[lag] += gain * behind[lag]
    earnings.totals[v, r] += gain


@njit(cache=True)
def mean_and_z(earnings: Earnings, v: int, r: int, lags: int) -> tuple[float, float]:
    """Return voter `v`'s mean gain over rival `r` and its Newey-West (1987) z, Bartlett weights."""
    n, total, room = earnings.n[v], earnings.totals[v, r], earnings.products.shape[2]
    slot = room - 1 - (n - 1) % room
    mean = total / n
    spread = earnings.products[v, r, 0] / n - mean * mean
    if spread <= 1e-24:
        return mean, 0.0
    variance = spread
    head = tail = 0.0
    for k in range(1, min(lags, n - 1, room - 1) + 1):
        head += earnings.first[v, r, k - 1]
        tail += earnings.latest[v, r, slot + k - 1]
        covariance = earnings.products[v, r, k] - mean * (2.0 * total - head - tail)
        covariance += (n - k) * mean * mean
        variance += 2.0 * (1.0 - k / (lags + 1.0)) * covariance / n
    if variance <= 0.0:
        variance = spread
    return mean, mean / math.sqrt(variance / n)


@njit(cache=True)
def earned(mean: float, z: float, n: int) -> float:
    """Return the weight that a mean gain with this z over n rows has earned, before scaling."""
    if n < EARNING_ROWS or z <= 1.0:
        return 0.0
    return max(0.0, mean) * (1.0 - 1.0 / (z * z))


@njit(cache=True)
def share(weights: Floats, ratios: Floats) -> None:
    """Scale `weights` to sum 1 in place; a ratio that is not NaN replaces what was earned.

    A weight of zero stays zero whatever its ratio.
    """
    total = 0.0
    for i in range(len(weights)):
        if weights[i] > 0.0 and not math.isnan(ratios[i]):
            weights[i] = ratios[i]
        total += weights[i]
    if total > 0.0:
        for i in range(len(weights)):
            weights[i] /= total


@njit(cache=True)
def log_pool(logits: Floats, weights: Floats) -> float:
    """Return the weighted mean of the known `logits`, NaN where no weight has a forecast."""
    total = pooled = 0.0
    for i in range(len(weights)):
        if weights[i] > 0.0 and not math.isnan(logits[i]):
            total += weights[i]
            pooled += weights[i] * logits[i]
    return pooled / total if total > 0.0 else math.nan
