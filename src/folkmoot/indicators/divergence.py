"""Divergences between price and an oscillator at five-bar fractals (VuManChu's script, Pine v4)."""

from folkmoot.causal import Expr, both, high, hold, lag, low, maximum, where
from folkmoot.indicators._checks import checked, expression, number, optional
from folkmoot.indicators._events import with_ages
from folkmoot.indicators.rsi import rsi

REACH = 2
"""Bars after the pivot of a fractal until it is known."""

TIE = 1e-10
"""Values of x nearer to each other than this share of the pivot (or of 1) are equal."""


@checked(x=optional(expression), top=optional(number()), bottom=optional(number()))
def divergence(
    x: Expr | None = None,
    top: float | None = None,
    bottom: float | None = None,
    fixed: bool = False,
) -> dict[str, Expr]:
    """Return the fractals of x and where price and x disagree about the one before.

    A top is a bar whose x is above the two before it and the two after it, a bottom the mirror
    image. With `top` and `bottom` only fractals at or beyond those levels count, for themselves
    and as the fractal before. The keys are `top` and `bottom`; `bear` (high above the last
    top's, x below it), `bull` (low below the last bottom's, x above it) and the hidden ones,
    `bear_hidden` (lower high, higher x) and `bull_hidden` (higher low, lower x).

    Every event has its age and is on the bar that makes it known, `REACH` bars after the pivot;
    charts draw it at the pivot. Whether the first fractal of a side diverges is unknown. Values
    of x within `TIE` of each other are equal: no fractal hangs on how a sum was rounded. The script
    loses a fractal whose x is 0, which `fixed=True` keeps. x is the RSI of 14 bars unless given.

    >>> {name: event.warmup for name, event in divergence().items()}["bear"]
    20
    """
    line = rsi() if x is None else x
    after = ((lag(line, 1), line), (lag(line, 4), lag(line, 3)))
    pivot = lag(line, REACH)
    tie = TIE * maximum(1.0, abs(pivot))
    tops = _all(*(pivot - other > tie for pair in after for other in pair))
    bottoms = _all(*(other - pivot > tie for pair in after for other in pair))
    tops = tops if top is None else both(tops, pivot >= top)
    bottoms = bottoms if bottom is None else both(bottoms, pivot <= bottom)
    if not fixed:
        tops, bottoms = (both(side, abs(pivot) > TIE) for side in (tops, bottoms))
    events = {"top": tops, "bottom": bottoms, **_disagreements(pivot, tops, bottoms, tie)}
    return with_ages(events)


def _disagreements(pivot: Expr, tops: Expr, bottoms: Expr, tie: Expr) -> dict[str, Expr]:
    peak, trough = lag(high, REACH), lag(low, REACH)
    x_top, price_top = _before(tops, pivot), _before(tops, peak)
    x_bottom, price_bottom = _before(bottoms, pivot), _before(bottoms, trough)
    return {
        "bear": _at(tops, peak > price_top, x_top - pivot > tie),
        "bull": _at(bottoms, trough < price_bottom, pivot - x_bottom > tie),
        "bear_hidden": _at(tops, peak < price_top, pivot - x_top > tie),
        "bull_hidden": _at(bottoms, trough > price_bottom, x_bottom - pivot > tie),
    }


def _at(fractal: Expr, price: Expr, x: Expr) -> Expr:
    """Return the event that price and x disagree on a bar with a fractal.

    The fractal before is read as of `REACH` bars ago: until that is known, nothing is.
    """
    seen = both(fractal, lag(fractal, REACH) >= 0.0)
    return where(seen, both(price, x), 0.0)


def _before(fractal: Expr, value: Expr) -> Expr:
    """Return the value at the fractal before the present one, as it was `REACH` bars ago."""
    return lag(hold(fractal, value), REACH)


def _all(first: Expr, *others: Expr) -> Expr:
    for other in others:
        first = both(first, other)
    return first
