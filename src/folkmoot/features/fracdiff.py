"""Differencing by a fraction: as stationary as needed, with as much memory as can be kept.

(1 - B)^d with the lag operator B, its binomial series cut to a fixed width, so that every value
is made of the same number of bars: the fixed-width window of Lopez de Prado, Advances in
Financial Machine Learning (2018), section 5.5; Hosking (1981).
"""

from folkmoot.causal import Expr, weighted
from folkmoot.causal.expr import Value
from folkmoot.core.errors import UsageError

LONGEST = 1_000


def fractional_weights(d: float, tolerance: float = 1e-4, longest: int = LONGEST) -> list[float]:
    """Return the weights of x, x of one bar ago, and so on.

    They are w[0] = 1, w[k] = -w[k - 1] (d - k + 1) / k, up to the last before one whose size is
    below `tolerance`, and at most `longest` of them. Raises `UsageError` for a `d` outside 0 .. 2,
    a tolerance outside 0 .. 1 (neither end), or a `longest` below 2.

    >>> fractional_weights(1.0)
    [1.0, -1.0]
    >>> [round(weight, 4) for weight in fractional_weights(0.5, tolerance=0.05)]
    [1.0, -0.5, -0.125, -0.0625]
    """
    if not 0.0 <= d <= 2.0:
        raise UsageError(f"d is {d}", where="fractional_weights", allowed="0 <= d <= 2")
    if not 0.0 < tolerance < 1.0:
        raise UsageError(
            f"tolerance is {tolerance}", where="fractional_weights", allowed="0 < tolerance < 1"
        )
    if isinstance(longest, bool) or longest != int(longest) or longest < 2:
        raise UsageError(
            f"longest is {longest!r}", where="fractional_weights", allowed="whole, >= 2"
        )
    weights = [1.0]
    for k in range(1, int(longest)):
        weight = -weights[-1] * (d - k + 1.0) / k
        if abs(weight) < tolerance:
            break
        weights.append(weight)
    return weights


def fractional_difference(
    x: Value, d: float, tolerance: float = 1e-4, longest: int = LONGEST
) -> Expr:
    """Return x differenced d times, in the unit of x: 0 gives x itself, 1 its change per bar.

    Unknown while any of its bars is unknown; the warm-up is the number of weights less one.

    >>> from folkmoot.causal import close, log
    >>> fractional_difference(log(close), 0.4).warmup
    281
    """
    return weighted(x, fractional_weights(d, tolerance, longest))
