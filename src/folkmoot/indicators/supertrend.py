"""SuperTrend (Seban)."""

from folkmoot.causal import Expr, close, either, hl2, hold, ratchet, where
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators.atr import atr


@checked(factor=number(above=0.0))
def supertrend(n: int = 10, factor: float = 3.0) -> dict[str, Expr]:
    """Return the trailing band on the side away from the trend, and the trend's direction.

    The keys are `line` in price units, `direction` 1 up or -1 down (TradingView's sign is the
    opposite), `upper` and `lower`, the bands of both sides. Until a close has left a band the
    direction is unknown; TradingView begins with down. A close exactly on a band frees it.

    >>> supertrend()["upper"].warmup
    9
    """
    reach = factor * atr(n)
    upper, lower = ratchet(hl2 + reach, close, "short"), ratchet(hl2 - reach, close, "long")
    left = either(close > upper, close < lower)
    direction = hold(left, where(close > upper, 1.0, -1.0))
    line = where(direction > 0.0, lower, upper)
    return {"line": line, "direction": direction, "upper": upper, "lower": lower}
