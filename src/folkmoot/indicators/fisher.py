"""Fisher transform (Ehlers, 2002)."""

from folkmoot.causal import Expr, highest, hl2, hold, lag, leak, log, lowest, where
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def fisher(x: Expr = hl2, n: int = 9) -> dict[str, Expr]:
    """Return the smoothed place of x in its range, stretched so that extremes stand out.

    The keys are `fisher` and `trigger`, the fisher of the bar before; no unit, mostly within 3 of
    0. The place is held within .999 after its smoothing; TradingView holds it inside, which
    differs only while it stands beyond .99 and is forgotten after: over 400 bars of
    Stock.Indicators' quotes by 0.003 at most, on half of them by less than 1e-13. Where the
    range is empty, the place before it is kept.

    >>> fisher()["fisher"].warmup
    8
    """
    floor = lowest(x, n)
    span = highest(x, n) - floor
    value = leak(0.66 * (hold(span > 0.0, (x - floor) / span) - 0.5), 0.67)
    above = where(value > 0.99, 0.999, where(value < -0.99, -0.999, value))
    line = leak(0.5 * log((1.0 + above) / (1.0 - above)), 0.5)
    return {"fisher": line, "trigger": lag(line)}
