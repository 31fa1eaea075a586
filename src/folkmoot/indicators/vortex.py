"""Vortex indicator (Botes and Siepman, 2010)."""

from folkmoot.causal import Expr, high, lag, low, total, true_range
from folkmoot.indicators._checks import checked


@checked()
def vortex(n: int = 14) -> dict[str, Expr]:
    """Return upward and downward movement from bar to bar as shares of the true range.

    The keys are `plus` and `minus`, not below 0 and mostly near 1; NaN where nothing moved.

    >>> vortex()["plus"].warmup
    14
    """
    span = total(true_range("nan"), n)
    return {
        "plus": total(abs(high - lag(low)), n) / span,
        "minus": total(abs(low - lag(high)), n) / span,
    }
