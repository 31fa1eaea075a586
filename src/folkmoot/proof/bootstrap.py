"""The stationary bootstrap (Politis and Romano, 1994) of a Sharpe ratio.

Blocks of geometric length are drawn from the series closed to a circle; the seed comes from a
hash, so that the same study has the same draws.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from folkmoot.core.bars import Floats

MEAN_BLOCK = 50.0
DRAWS = 2_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class SharpeInterval:
    """An annualised Sharpe ratio with its two-sided 95 % interval and one-sided 95 % bounds."""

    sharpe: float
    interval: tuple[float, float]
    lower: float
    upper: float


@njit(cache=True)
def _mix(state: np.uint64) -> np.uint64:
    """Scramble a counter (splitmix64, Steele et al. 2014)."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def resampled(x: Floats, draws: int, mean_block: float, seed: np.uint64) -> Floats:
    """Return `[draws, 2]`: the sum and the sum of squares of each resampled series."""
    n = len(x)
    out = np.empty((draws, 2))
    state = seed
    total, square = np.zeros(2 * n + 1), np.zeros(2 * n + 1)
    for i in range(2 * n):
        total[i + 1] = total[i] + x[i % n]
        square[i + 1] = square[i] + x[i % n] * x[i % n]
    stay = math.log(1.0 - 1.0 / mean_block) if mean_block > 1.0 else -math.inf
    for d in range(draws):
        done, s, q = 0, 0.0, 0.0
        while done < n:
            state += _GOLDEN
            start = int((_mix(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0) * n)
            state += _GOLDEN
            uniform = ((_mix(state) >> np.uint64(11)) + 1.0) * (1.0 / 9007199254740993.0)
            length = min(1 + int(math.log(uniform) / stay), n - done)
            s += total[start + length] - total[start]
            q += square[start + length] - square[start]
            done += length
        out[d, 0], out[d, 1] = s, q
    return out


def seed_of(digest: str) -> int:
    """Return the 64-bit seed that a hexadecimal hash stands for.

    >>> seed_of("00000000000000ff" + "0" * 48)
    255
    """
    return int(digest[:16], 16)


def sharpe_interval(
    returns: Floats,
    bars_a_year: float,
    digest: str,
    *,
    mean_block: float = MEAN_BLOCK,
    draws: int = DRAWS,
) -> SharpeInterval:
    """Return the annualised Sharpe ratio of per-bar `returns` with its bootstrap bounds.

    `digest` is the hash that seeds the draws. Percentile bounds; a series without variance has
    Sharpe 0, and so do its bounds.
    """
    returns = np.ascontiguousarray(returns, np.float64)
    n = len(returns)
    if n < 2 or float(np.ptp(returns)) == 0.0:
        return SharpeInterval(0.0, (0.0, 0.0), 0.0, 0.0)
    moments = resampled(returns, draws, mean_block, np.uint64(seed_of(digest)))
    mean = moments[:, 0] / n
    variance = np.maximum(moments[:, 1] / n - mean**2, 0.0) * n / (n - 1)
    flat = variance <= 1e-9 * returns.var()
    ratios = np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
    year = math.sqrt(bars_a_year)
    low, lower, upper, high = np.quantile(ratios * year, (0.025, 0.05, 0.95, 0.975)).tolist()
    point = float(returns.mean() / returns.std(ddof=1)) * year
    return SharpeInterval(point, (low, high), lower, upper)
