"""Windows whose terms are ordered, weighted or counted; all strict about unknowns."""

import math
from collections.abc import Sequence
from numbers import Real

from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.core.errors import UsageError

HIGHEST_ORDER = 7


def quantile(x: Value, n: int, q: float) -> Expr:
    """Return the q-quantile of the last n values, between neighbours in proportion.

    Numpy's method "linear"; `q` from 0 (the smallest) to 1 (the largest).
    """
    if not 0.0 <= q <= 1.0:
        raise UsageError(f"q is {q}", where="quantile", allowed="0 <= q <= 1")
    return Expr("quantile", (as_expr(x),), (count(n, "quantile"), float(q)))


def median(x: Value, n: int) -> Expr:
    """Return the median of the last n values."""
    return quantile(x, count(n, "median"), 0.5)


def since_highest(x: Value, n: int) -> Expr:
    """Return the bars since the largest of the last n values, the newest among equals."""
    return Expr("since_highest", (as_expr(x),), (count(n, "since_highest"),))


def since_lowest(x: Value, n: int) -> Expr:
    """Return the bars since the smallest of the last n values, the newest among equals."""
    return Expr("since_lowest", (as_expr(x),), (count(n, "since_lowest"),))


def weighted(x: Value, weights: Sequence[float]) -> Expr:
    """Return the sum of weights[k] times x of k bars ago: `weights[0]` is of the newest.

    >>> from folkmoot.causal import close
    >>> weighted(close, [0.5, 0.3, 0.2]).warmup
    2
    """
    bars = count(len(weights), "weighted", "the number of weights")
    if not all(isinstance(weight, Real) and math.isfinite(weight) for weight in weights):
        raise UsageError("a weight is no finite number", where="weighted", allowed="finite")
    return Expr("weighted", (as_expr(x),), (bars, *(float(weight) for weight in weights)))


def line(x: Value, n: int) -> Expr:
    """Return the newest value of the least-squares line through the last n values."""
    return Expr("line", (as_expr(x),), (count(n, "line", least=2),))


def fit(x: Value, n: int) -> Expr:
    """Return how well that line fits: its r squared, 0 to 1; NaN if x did not move."""
    return Expr("fit", (as_expr(x),), (count(n, "fit", least=2),))


def skewness(x: Value, n: int) -> Expr:
    """Return the population skewness of the last n values; NaN if x did not move."""
    return Expr("skewness", (as_expr(x),), (count(n, "skewness", least=2),))


def kurtosis(x: Value, n: int) -> Expr:
    """Return the population excess kurtosis of the last n values; NaN if x did not move."""
    return Expr("kurtosis", (as_expr(x),), (count(n, "kurtosis", least=2),))


def covariance(x: Value, y: Value, n: int) -> Expr:
    """Return the covariance of the last n bars (divided by n)."""
    return Expr("covariance", (as_expr(x), as_expr(y)), (count(n, "covariance"),))


def entropy(x: Value, n: int, order: int = 3) -> Expr:
    """Return the permutation entropy of the last n values, 0 (one pattern) to 1 (all alike often).

    Patterns are the orders of `order` values in a row, of which a window has n - order + 1; of
    equal values the older counts as the smaller, so a flat market has entropy 0. Bandt and Pompe,
    Permutation Entropy (2002), divided by log(order!).
    """
    length = count(order, "entropy", "order", least=2, most=HIGHEST_ORDER)
    return Expr("entropy", (as_expr(x),), (count(n, "entropy", least=length), length))
