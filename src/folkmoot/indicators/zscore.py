"""Standard score."""

from folkmoot.causal import Expr, close, mean, std
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def zscore(x: Expr = close, n: int = 20) -> Expr:
    """Return the distance of x from its mean over n bars, in population standard deviations.

    NaN where x stood still.

    >>> zscore(n=20).warmup
    19
    """
    return (x - mean(x, n)) / std(x, n)
