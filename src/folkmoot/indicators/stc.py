"""Schaff Trend Cycle (Schaff, 1999)."""

from folkmoot.causal import Expr, close, decay, ema, highest, hold, lowest
from folkmoot.indicators._checks import checked, whole


@checked(cycle=whole(2))
def stc(
    x: Expr = close, fast: int = 23, slow: int = 50, cycle: int = 10, factor: float = 0.5
) -> Expr:
    """Return where the MACD stands in its cycle, twice taken and twice smoothed, from 0 to 100.

    Where the range over `cycle` bars is empty, the place before it is kept.

    >>> stc().warmup
    67
    """

    def smoothed_place(y: Expr) -> Expr:
        floor = lowest(y, cycle)
        span = highest(y, cycle) - floor
        return decay(hold(span > 0.0, 100.0 * (y - floor) / span), 1.0 - factor)

    return smoothed_place(smoothed_place(ema(x, fast) - ema(x, slow)))
