"""Causal kernel regression (Nadaraya, Watson; jdehorty's TradingView script)."""

import math

from folkmoot.causal import Expr, close, crossover, crossunder, lag, weighted
from folkmoot.core.errors import UsageError
from folkmoot.indicators._checks import checked, number, whole
from folkmoot.indicators._events import with_ages


@checked(h=number(above=0.0), r=number(above=0.0), start=whole(0), earlier=whole(0))
def kernel_regression(
    x: Expr = close, h: float = 8.0, r: float = 8.0, start: int = 25, earlier: int = 2
) -> dict[str, Expr]:
    """Return two weighted means of the last start + 2 bars and what the script reads from them.

    The keys are `rational_quadratic`, of weights (1 + i^2 / (2 r h^2))^-r for the bar i bars ago;
    `gaussian`, of weights exp(-i^2 / (2 (h - earlier)^2)); the states `bullish` (the first has
    risen since the bar before), `bullish_smooth` (the second is not below it), and with their
    ages `cross_up` and `cross_down` (the second crosses the first). Only past bars are read, so no
    value changes later, unlike the envelope of that name. Raises `UsageError` unless
    h > earlier >= 0, r > 0 and start >= 0.

    >>> {name: line.warmup for name, line in kernel_regression().items()}["gaussian"]
    26
    """
    if h <= earlier:
        given = f"h={h}, earlier={earlier}"
        raise UsageError(given, where="kernel_regression", allowed="h > earlier")
    places, width = range(start + 2), h - earlier
    rational = _mean(x, [(1.0 + i * i / (2.0 * r * h * h)) ** -r for i in places])
    gaussian = _mean(x, [math.exp(-i * i / (2.0 * width * width)) for i in places])
    crosses = {
        "cross_up": crossover(gaussian, rational),
        "cross_down": crossunder(gaussian, rational),
    }
    return {
        "rational_quadratic": rational,
        "gaussian": gaussian,
        "bullish": rational > lag(rational),
        "bullish_smooth": gaussian >= rational,
        **with_ages(crosses),
    }


def _mean(x: Expr, weights: list[float]) -> Expr:
    whole = math.fsum(weights)
    return weighted(x, [weight / whole for weight in weights])
