"""Kaufman's Adaptive Moving Average (Kaufman, 1995)."""

from folkmoot.causal import Expr, blend, close
from folkmoot.core.errors import UsageError
from folkmoot.indicators._checks import checked
from folkmoot.indicators.efficiency_ratio import efficiency_ratio


@checked()
def kama(x: Expr = close, n: int = 10, fast: int = 2, slow: int = 30) -> Expr:
    """Return a mean that follows fast where x is efficient and slowly where not, in its unit.

    Its weight is the square of one between 2 / (slow + 1) and 2 / (fast + 1), by the efficiency
    ratio of n bars. It begins with x of the bar before, and stays where x stands still.

    >>> kama(n=10).warmup
    10
    """
    if fast > slow:
        raise UsageError(f"fast={fast}, slow={slow}", where="kama", allowed="fast <= slow")
    slowest, fastest = 2.0 / (slow + 1.0), 2.0 / (fast + 1.0)
    pace = efficiency_ratio(x, n) * (fastest - slowest) + slowest
    return blend(pace * pace, x, least=slowest * slowest)
