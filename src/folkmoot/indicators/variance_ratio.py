"""Variance ratio (Lo and MacKinlay, 1988)."""

from folkmoot.causal import Expr, close, lag, log, std
from folkmoot.indicators._checks import checked, whole

PRICE = log(close)


@checked(q=whole(2), n=whole(2))
def variance_ratio(x: Expr = PRICE, q: int = 4, n: int = 60) -> Expr:
    """Return the variance of overlapping q-bar changes over q times that of one-bar changes.

    Both variances are of the last n such changes about their own mean. Above 1 moves continue,
    below 1 they turn back, 1 is a random walk; NaN where x stood still.

    >>> variance_ratio().warmup
    63
    """
    one, many = std(x - lag(x), n), std(x - lag(x, q), n)
    return many * many / (float(q) * one * one)
