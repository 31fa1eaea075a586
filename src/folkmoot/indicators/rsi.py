"""Relative Strength Index (Wilder, 1978)."""

from folkmoot.causal import Expr, close, lag, relu, wilder
from folkmoot.indicators._checks import checked


@checked()
def rsi(x: Expr = close, n: int = 14) -> Expr:
    """Return the share of recent movement that was upward, from 0 to 100.

    Rises and falls are averaged with Wilder's smoothing; a market that has not
    moved at all has no strength to measure and yields NaN.

    >>> rsi(n=14).warmup
    14
    """
    change = x - lag(x)
    rise, fall = wilder(relu(change), n), wilder(relu(-change), n)
    return 100.0 * rise / (rise + fall)
