"""Stochastic RSI (Chande and Kroll, 1994), on the logarithm of the close."""

from folkmoot.causal import Expr, close, highest, hold, log, lowest, mean
from folkmoot.indicators._checks import checked, whole
from folkmoot.indicators.rsi import rsi

PRICE = log(close)


@checked(window=whole(2))
def stochastic_rsi(
    x: Expr = PRICE, n: int = 14, window: int = 14, k: int = 3, d: int = 3, fixed: bool = True
) -> dict[str, Expr]:
    """Return the place of the RSI in its own range of the last bars, from 0 to 100.

    The keys are `k`, a mean over k bars, and `d`, the mean of that. Where the range is empty, the
    place before it is kept; without `fixed` it is unknown there, as in Pine. VuManChu's form;
    TradingView's built-in one reads the close itself.

    >>> {name: line.warmup for name, line in stochastic_rsi().items()}
    {'k': 29, 'd': 31}
    """
    strength = rsi(x, n)
    floor = lowest(strength, window)
    span = highest(strength, window) - floor
    # The share first: at the ends of the range it is then exactly 0 or 100, and ties are ties.
    place = 100.0 * ((strength - floor) / span)
    line = mean(hold(span > 0.0, place) if fixed else place, k)
    return {"k": line, "d": mean(line, d)}
