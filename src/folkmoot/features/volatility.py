"""How much a market moves a bar: one exponential estimate and five windowed ones.

All are standard deviations of the log return over one bar. Sources: Parkinson (1980), Garman and
Klass (1980), Rogers and Satchell (1991), Yang and Zhang (2000).
"""

import math

from folkmoot.causal import Expr, close, decay, high, lag, log, low, mean, open_, sqrt, std

LAMBDA = 0.97

log_open, log_high, log_low, log_close = log(open_), log(high), log(low), log(close)
log_return = log_close - lag(log_close)


def ewma_vol(lam: float = LAMBDA) -> Expr:
    """Return the root of the exponentially weighted mean of squared close-to-close log returns.

    >>> ewma_vol().warmup
    1
    """
    return sqrt(decay(log_return * log_return, lam))


def close_to_close(n: int) -> Expr:
    """Return the root mean square of n log returns; no mean is taken off.

    >>> close_to_close(20).warmup
    20
    """
    return sqrt(mean(log_return * log_return, n))


def parkinson(n: int) -> Expr:
    """Return Parkinson's estimate, from the range of high and low."""
    span = log_high - log_low
    return sqrt(mean(span * span, n) * (1.0 / (4.0 * math.log(2.0))))


def garman_klass(n: int) -> Expr:
    """Return Garman and Klass's estimate, from the range and the body."""
    span, body = log_high - log_low, log_close - log_open
    return sqrt(mean(0.5 * (span * span) - (2.0 * math.log(2.0) - 1.0) * (body * body), n))


def rogers_satchell(n: int) -> Expr:
    """Return Rogers and Satchell's estimate, which a drift does not disturb."""
    return sqrt(_rogers_satchell(n))


def yang_zhang(n: int) -> Expr:
    """Return Yang and Zhang's estimate, which counts the jump from close to open as well."""
    jump, body = std(log_open - lag(log_close), n), std(log_close - log_open, n)
    k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    unbiased = n / (n - 1.0)
    return sqrt(
        unbiased * jump * jump + (k * unbiased) * body * body + (1.0 - k) * _rogers_satchell(n)
    )


def _rogers_satchell(n: int) -> Expr:
    above = (log_high - log_close) * (log_high - log_open)
    below = (log_low - log_close) * (log_low - log_open)
    return mean(above + below, n)
