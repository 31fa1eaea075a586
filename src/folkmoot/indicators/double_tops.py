"""Double and triple tops and bottoms, on confirmed swings."""

from functools import reduce

from folkmoot.causal import Expr, both, either, maximum, minimum, where
from folkmoot.indicators._checks import checked, number, optional, whole
from folkmoot.indicators._patterns import Reversal, balance, both_ways, evenness
from folkmoot.indicators._swings import Swings


@checked(
    reach=number(above=0.0),
    tolerance=number(above=0.0),
    percent=optional(number(above=0.0)),
    apart=whole(0),
)
def double_tops(
    reach: float = 3.0,
    n: int = 14,
    tolerance: float = 0.5,
    percent: float | None = None,
    apart: int = 22,
    log: bool = False,
) -> dict[str, Expr]:
    """Return double and triple tops and bottoms, on the bar that confirms the last of them.

    Tops are level if they lie within `tolerance` ATR (or `percent` of the price) of the middle
    between the highest and the lowest. A double top is two level tops more than `apart` bars from
    each other, next to each other or with one clearly lower top between; a triple top is three
    level ones in a row. The swing before the first top must not lie above the lowest trough
    between. The level is that trough; the breakout is the first close below it within 200 bars,
    unless one was above all tops before.

    Keys for `double_top`, `double_bottom`, `triple_top`, `triple_bottom`: the event and its age,
    `_level` (price), `_height` (tops above the level, ATR at confirmation), `_quality`, `_breakout`
    and its age. Quality, 0 to 1: the mean of how even the tops are and how far the move into the
    first of them exceeds the height (1 for twice); for three tops also how evenly they are spaced.

    >>> double_tops()["double_top"].warmup
    13
    """
    found = Swings(reach, n, log)
    allowed = 2.0 * found.tolerance(tolerance, percent)
    double = _double(found, allowed, float(apart))
    triple = _triple(found, allowed)
    return {
        **both_ways(found, "double_top", "double_bottom", double),
        **both_ways(found, "triple_top", "triple_bottom", triple),
    }


def _double(found: Swings, allowed: Expr, apart: float) -> Reversal:
    last, trough, middle, before, first, start = (found.up(k) for k in range(6))
    near = _all(
        abs(last - middle) <= allowed,
        found.bars_between(2, 0) > apart,
        before <= trough,
    )
    bottom = minimum(trough, before)
    far = _all(
        abs(last - first) <= allowed,
        middle < minimum(last, first) - allowed,
        found.bars_between(4, 0) > apart,
        start <= bottom,
    )
    wide = where(found.output("seen") >= 6.0, far, 0.0)
    other, level = where(near, middle, first), where(near, trough, bottom)
    height = 0.5 * (last + other) - level
    move = 0.5 * (last + other) - where(near, before, start)
    score = evenness(abs(last - other), allowed) + minimum(1.0, 0.5 * move / height)
    return Reversal(4, (either(near, wide),), level, 0.0, maximum(last, other), height, 0.5 * score)


def _triple(found: Swings, allowed: Expr) -> Reversal:
    last, trough, middle, before, first, start = (found.up(k) for k in range(6))
    highest, lowest = (reduce(pick, (last, middle, first)) for pick in (maximum, minimum))
    level = minimum(trough, before)
    height = (last + middle + first) / 3.0 - level
    score = (
        evenness(highest - lowest, allowed)
        + minimum(1.0, 0.5 * (height + level - start) / height)
        + balance(found.bars_between(4, 2), found.bars_between(2, 0))
    )
    conditions = (highest - lowest <= allowed, start <= level)
    return Reversal(6, conditions, level, 0.0, highest, height, score / 3.0)


def _all(*conditions: Expr) -> Expr:
    return reduce(both, conditions)
