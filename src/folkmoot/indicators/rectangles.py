"""Rectangles: a market between two levels, on confirmed swings (Lo, Mamaysky & Wang, 2000)."""

from functools import reduce

from folkmoot.causal import Expr, maximum, minimum, where
from folkmoot.indicators._checks import checked, number, optional
from folkmoot.indicators._patterns import Bounds, between, evenness
from folkmoot.indicators._swings import Swings


@checked(reach=number(above=0.0), tolerance=number(above=0.0), percent=optional(number(above=0.0)))
def rectangles(
    reach: float = 3.0,
    n: int = 14,
    tolerance: float = 0.5,
    percent: float | None = None,
    log: bool = False,
) -> dict[str, Expr]:
    """Return rectangles of five swings, on the bar that confirms the last.

    The highs lie within `tolerance` ATR (or `percent` of the price) of the middle between the
    highest and the lowest of them, the lows likewise, and every high above every low. Keys for
    `rectangle`: the event and its age, `_upper` and `_lower` (mean of the highs, of the lows, as
    prices), `_height` (ATR at confirmation), `_quality`, `_breakout_up` and `_breakout_down` (the
    first close outside within 200 bars) with ages. Quality, 0 to 1: the mean of how even the highs
    and how even the lows are.

    >>> rectangles()["rectangle"].warmup
    13
    """
    found = Swings(reach, n, log)
    allowed = 2.0 * found.tolerance(tolerance, percent)
    near, far = [found.up(k) for k in (0, 2, 4)], [found.up(k) for k in (1, 3)]
    wide = [reduce(maximum, side) - reduce(minimum, side) for side in (near, far)]
    ceiling, floor = sum(near[1:], near[0]) / 3.0, (far[0] + far[1]) / 2.0
    last_is_high = found.output("side") > 0.0
    event = found.event(
        5,
        wide[0] <= allowed,
        wide[1] <= allowed,
        reduce(minimum, near) > reduce(maximum, far),
    )
    upper = where(last_is_high, ceiling, -floor)
    lower = where(last_is_high, floor, -ceiling)
    quality = 0.5 * (evenness(wide[0], allowed) + evenness(wide[1], allowed))
    bounds = Bounds(event, upper, 0.0, lower, 0.0, upper - lower, quality)
    return between(found, "rectangle", bounds)
