"""Crossings of two lines, with their age."""

from folkmoot.causal import Expr, close, crossover, crossunder, mean
from folkmoot.indicators._checks import checked
from folkmoot.indicators._events import with_ages

FAST, SLOW = mean(close, 50), mean(close, 200)


@checked()
def crossings(fast: Expr = FAST, slow: Expr = SLOW) -> dict[str, Expr]:
    """Return the events that `fast` rises above or falls below `slow`, and the bars since.

    The keys are `up` and `down` (1 or 0), `up_age` and `down_age` in bars, at most 200 and NaN
    before the first. The defaults are the golden cross and its opposite.

    >>> crossings()["up"].warmup
    200
    """
    return with_ages({"up": crossover(fast, slow), "down": crossunder(fast, slow)})
