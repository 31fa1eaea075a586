"""Sharpe ratios deflated for the trials behind them, and what else a backtest reports."""

import math

import numpy as np
from scipy import special

from folkmoot.core.bars import Floats, Times

YEAR_MS = 365.25 * 86_400_000.0
EULER = 0.5772156649015329


def bars_a_year(known_at: Times) -> float:
    """Return how many bars a year the series really has, nights and week-ends taken out.

    `known_at[n]` epoch ms; NaN for fewer than two bars.

    >>> round(bars_a_year(np.arange(1000) * 3_600_000))
    8766
    """
    if len(known_at) < 2:
        return math.nan
    return (len(known_at) - 1) * YEAR_MS / float(known_at[-1] - known_at[0])


def sharpe_ratio(returns: Floats, bars: float = 1.0) -> float:
    """Return mean over standard deviation times sqrt(`bars` a year); 0 without variance."""
    if len(returns) < 2 or float(np.ptp(returns)) == 0.0:
        return 0.0
    return float(returns.mean() / returns.std(ddof=1)) * math.sqrt(bars)


def shape(returns: Floats) -> tuple[float, float]:
    """Return skewness and raw (non-excess) kurtosis; 0 and 3 without variance."""
    if len(returns) < 2 or float(np.ptp(returns)) == 0.0:
        return 0.0, 3.0
    d = returns - returns.mean()
    spread = math.sqrt(float(np.mean(d**2)))
    return float(np.mean(d**3)) / spread**3, float(np.mean(d**4)) / spread**4


def probabilistic_sharpe(
    sharpe: float, n: int, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float:
    """Return P(true Sharpe > benchmark) (Bailey and Lopez de Prado, 2012), Sharpes per bar.

    `kurtosis` is raw, 3 for a normal law. NaN for fewer than two bars.
    """
    if n < 2:
        return math.nan
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return float(special.ndtr((sharpe - benchmark) * math.sqrt((n - 1.0) / max(variance, 1e-12))))


def expected_max_sharpe(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of `trials` skill-less trials is expected to show.

    `variance` is that of the trials' Sharpe ratios; in the same unit (per bar) as the result.
    """
    if trials < 2:
        return 0.0
    first = float(special.ndtri(1.0 - 1.0 / trials))
    second = float(special.ndtri(1.0 - 1.0 / (trials * math.e)))
    return math.sqrt(variance) * ((1.0 - EULER) * first + EULER * second)


def deflated_sharpe(
    sharpe: float,
    n: int,
    trials: int,
    variance: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Return the probability that the true Sharpe beats the expected best of `trials` (2014).

    >>> year = 250.0
    >>> round(deflated_sharpe(2.5 / year**0.5, 1250, 100, 0.5 / year, -3.0, 10.0), 4)
    0.9004
    """
    benchmark = expected_max_sharpe(trials, variance)
    return probabilistic_sharpe(sharpe, n, skew, kurtosis, benchmark)


def deflated(returns: Floats, trials: int, variance: float | None = None) -> float:
    """Return the deflated Sharpe of per-bar `returns` among `trials`.

    Without the variance of the trials' Sharpe ratios, that of a skill-less trial of this length
    stands in, 1 / (n - 1).
    """
    n = len(returns)
    spread = 1.0 / max(n - 1, 1) if variance is None else variance
    return deflated_sharpe(sharpe_ratio(returns), n, trials, spread, *shape(returns))


def max_drawdown(equity: Floats) -> float:
    """Return the largest fall from a peak as a share of the peak, 0 or more.

    >>> max_drawdown(np.array([1.0, 2.0, 1.5, 3.0]))
    0.25
    """
    if not len(equity):
        return 0.0
    return float(np.max(1.0 - equity / np.maximum.accumulate(equity)))


def turnover(weights: Floats, start: float = 0.0) -> float:
    """Return the mean absolute change of the position a bar, as a share of equity."""
    if not len(weights):
        return 0.0
    return float(np.mean(np.abs(np.diff(weights, prepend=start))))


def position_changes(weights: Floats, start: float = 0.0) -> int:
    """Return on how many bars the position changed."""
    return int(np.count_nonzero(np.diff(weights, prepend=start)))


def exposure(weights: Floats) -> float:
    """Return the share of bars with a position."""
    return float(np.mean(weights != 0.0)) if len(weights) else 0.0
