"""Relative Vigor Index (Ehlers, 2002)."""

from folkmoot.causal import Expr, close, high, lag, low, open_, total
from folkmoot.indicators._checks import checked


@checked()
def relative_vigor(n: int = 10) -> dict[str, Expr]:
    """Return bodies over ranges, both smoothed and summed over n bars, from -1 to 1.

    The keys are `vigor` and `signal`; NaN where bars have no range.

    >>> {name: line.warmup for name, line in relative_vigor().items()}
    {'vigor': 12, 'signal': 15}
    """

    def smooth(x: Expr) -> Expr:
        return (x + 2.0 * lag(x) + 2.0 * lag(x, 2) + lag(x, 3)) / 6.0

    line = total(smooth(close - open_), n) / total(smooth(high - low), n)
    return {"vigor": line, "signal": smooth(line)}
