"""Is a forecast better than a reference, by how much, and how sure can one be?

Probabilities are clipped to [1e-4, 1 - 1e-4] before any score. `up` is 1 where the return is
positive and 0 where it is negative; rows without a sign are the caller's to drop.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from scipy import special

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.proof.overlap import inflation, long_run

CLIP = 1e-4


@dataclass(frozen=True, slots=True)
class Comparison:
    """A Diebold-Mariano test of a mean gain above 0.

    The gain, the statistic, its degrees of freedom in Student's t, the one-sided p, n.
    """

    mean: float
    statistic: float
    p: float
    freedom: int
    n: int


def wilson(
    successes: float, n: float, confidence: float = 0.95, freedom: float = math.inf
) -> tuple[float, float]:
    """Return Wilson's (1927) interval of a share; of nothing, (0, 1).

    `freedom` takes the quantile from Student's t where the size of n is itself an estimate.

    >>> low, high = wilson(55, 100)
    >>> round(low, 4), round(high, 4)
    (0.4524, 0.6439)
    """
    if n == 0:
        return 0.0, 1.0
    half_way = 0.5 + confidence / 2.0
    known = math.isinf(freedom)
    z = float(special.ndtri(half_way) if known else special.stdtrit(freedom, half_way))
    share = successes / n
    centre = share + z * z / (2.0 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    scale = 1.0 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def log_losses(p: Floats, up: Floats) -> Floats:
    """Return each row's log loss in nats."""
    p = np.clip(p, CLIP, 1.0 - CLIP)
    return -np.where(up > 0.5, np.log(p), np.log1p(-p))


def log_loss(p: Floats, up: Floats) -> float:
    """Return the mean log loss in nats; NaN of no rows."""
    return float(log_losses(p, up).mean()) if len(p) else math.nan


def brier(p: Floats, up: Floats) -> float:
    """Return the mean squared error of the probabilities; NaN of no rows."""
    p = np.clip(p, CLIP, 1.0 - CLIP)
    return float(np.mean((p - up) ** 2)) if len(p) else math.nan


def sides(p: Floats) -> Floats:
    """Return 1 where `p` favours a rise, -1 where a fall, 0 at exactly one half."""
    return np.sign(p - 0.5)


def accuracy(p: Floats, up: Floats) -> float:
    """Return the share of rows whose side was right; one half counts as half a hit.

    >>> accuracy(np.array([0.6, 0.4, 0.5]), np.array([1.0, 1.0, 0.0]))
    0.5
    """
    return float(np.mean(hits(p, up))) if len(p) else math.nan


def hits(p: Floats, up: Floats) -> Floats:
    """Return 1 where the favoured side was right, 0 where wrong, 1/2 where none was favoured."""
    return 0.5 + 0.5 * sides(p) * np.where(up > 0.5, 1.0, -1.0)


def share_interval(
    scores: Floats, horizon: int = 1, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the two-sided interval of the mean of `scores`, each 0, 1/2 or 1.

    Wilson's. Labels that overlap carry less: with a horizon above 1 the rows count as n over the
    inflation of the variance of their mean (`proof.overlap`), and the quantile is Student's.
    """
    n = len(scores)
    if horizon == 1 or n < 2:
        return wilson(float(scores.sum()), n, confidence)
    found = inflation(scores, horizon)
    rows = n / found.variance
    return wilson(float(scores.mean()) * rows, rows, confidence, found.freedom)


def share_z(scores: Floats, horizon: int = 1) -> float:
    """Return by how many standard errors the mean of `scores` differs from 1/2, a normal score.

    Binomial at horizon 1. Above it the rows count as in `share_interval`, and the t statistic is
    put on the normal scale: the z that would be as rare.
    """
    n = len(scores)
    z = (float(scores.mean()) - 0.5) * 2.0 * math.sqrt(n)
    if horizon == 1:
        return z
    found = inflation(scores, horizon)
    t = z / math.sqrt(found.variance)
    # From the lower tail, where a probability keeps its digits; sure to be finite.
    rare = max(float(special.stdtr(found.freedom, -abs(t))), 1e-300)
    return math.copysign(float(special.ndtri(rare)), t)


def weighted_accuracy(p: Floats, returns: Floats) -> float:
    """Return the accuracy in which each row counts by the size of its log return."""
    size = np.abs(returns)
    if not size.sum():
        return math.nan
    return float(np.sum(size * (0.5 + 0.5 * sides(p) * np.sign(returns))) / size.sum())


def gross_bp(p: Floats, returns: Floats) -> float:
    """Return the mean log return of always holding the favoured side, before costs, in bp a bar."""
    return float(np.mean(sides(p) * returns)) * 1e4 if len(p) else math.nan


def newey_west_lags(n: int) -> int:
    """Return floor(4 (n / 100)^(2/9))."""
    return math.floor(4.0 * math.pow(n / 100.0, 2.0 / 9.0))


def long_run_variance(x: Floats, lags: int) -> float:
    """Return the Newey-West (1987) long-run variance of `x` with Bartlett weights."""
    n = len(x)
    d = x - x.mean()
    # Not d @ d: a linear algebra library splits that among its threads, and their number shows.
    total = float(np.sum(d * d)) / n
    for k in range(1, min(lags, n - 1) + 1):
        total += 2.0 * (1.0 - k / (lags + 1.0)) * float(np.sum(d[k:] * d[:-k])) / n
    return total


def mean_interval(
    x: Floats, horizon: int = 1, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the mean of `x` and its two-sided interval; the error as in `diebold_mariano`."""
    n = len(x)
    if n < 2:
        return (float(x[0]) if n else math.nan), -math.inf, math.inf
    mean = float(x.mean())
    variance, freedom = _error(x, horizon)
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2.0)) * math.sqrt(variance / n)
    return mean, mean - half, mean + half


def diebold_mariano(losses: Floats, reference: Floats, horizon: int = 1) -> Comparison:
    """Test whether `losses[n]` are on average below those of a `reference`; one-sided.

    At horizon 1 with Newey-West's variance, the small-sample factor of Harvey, Leybourne and
    Newbold (1997) and t(n - 1). Above it with the variance and the t of `proof.overlap`, whose
    size holds where labels overlap. Equal losses give p = 1.

    Raises `DataError` for fewer than 10 rows or a NaN.
    """
    gain = np.asarray(reference, np.float64) - np.asarray(losses, np.float64)
    n = len(gain)
    if n < 10 or not np.isfinite(gain).all():
        raise DataError(
            f"{n} loss differences, {int(np.isnan(gain).sum())} of them unknown",
            where="diebold_mariano",
            allowed="at least 10 known ones",
        )
    mean = float(gain.mean())
    variance, freedom = _error(gain, horizon)
    if variance <= 1e-24:
        return Comparison(mean, 0.0, 1.0, freedom, n)
    factor = (n - 1.0) / n if horizon == 1 else 1.0
    statistic = math.sqrt(factor) * mean / math.sqrt(variance / n)
    return Comparison(mean, statistic, float(special.stdtr(freedom, -statistic)), freedom, n)


def _error(x: Floats, horizon: int) -> tuple[float, int]:
    """Return the long-run variance of a term of `x` and its degrees of freedom."""
    n = len(x)
    if horizon == 1:
        return max(long_run_variance(x, newey_west_lags(n)), 0.0), n - 1
    found = long_run(x, horizon)
    return found.variance, found.freedom


@overload
def holm(p: Mapping[str, float]) -> dict[str, float]: ...


@overload
def holm(p: Sequence[float]) -> list[float]: ...


def holm(p: Mapping[str, float] | Sequence[float]) -> dict[str, float] | list[float]:
    """Return the p-values adjusted by Holm (1979), in the shape they came in.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    if isinstance(p, Mapping):
        return dict(zip(p, _holm(list(p.values())), strict=True))
    return _holm(list(p))


def _holm(p: list[float]) -> list[float]:
    adjusted, worst = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        worst = max(worst, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = worst
    return adjusted


def bound_accuracy(n: int, alpha: float = 0.005, power: float = 0.8) -> float:
    """Return the smallest accuracy that any test of independent signs detects in n rows.

    One-sided at `alpha` with the given power, by the normal approximation: solves
    (a - 1/2) sqrt(n) = z_alpha / 2 + z_power sqrt(a (1 - a)). 1 where n is too small.

    >>> round(bound_accuracy(20_000), 4)
    0.5121
    """
    z_alpha, z_power = float(special.ndtri(1.0 - alpha)), float(special.ndtri(power))
    # With e = a - 1/2 and sqrt(a (1 - a)) = sqrt(1/4 - e e), squaring leaves a quadratic in e.
    if n < 1:
        return 1.0
    square, linear = n + z_power**2, -z_alpha * math.sqrt(n)
    constant = (z_alpha**2 - z_power**2) / 4.0
    root = math.sqrt(max(linear**2 - 4.0 * square * constant, 0.0))
    edge = (-linear + math.copysign(root, power - 0.5)) / (2.0 * square)
    return min(1.0, 0.5 + edge)
