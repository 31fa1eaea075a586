"""Flags: a short channel against a steep move, on confirmed swings.

Keys for `bear` and `bull`: the event and its age, `_level` (the line that has to break, as a
price), `_height` (the pole, ATR at confirmation), `_quality`, `_breakout` and its age. Quality, 0
to 1, is the mean of how little of the pole is taken back (1 for nothing) and how parallel the
lines are (1 for no change of their distance).
"""

from folkmoot.causal import Expr, maximum, minimum
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators._patterns import Reversal, both_ways
from folkmoot.indicators._swings import Swings


@checked(
    reach=number(above=0.0),
    pole=number(above=0.0),
    retrace=number(above=0.0),
    parallel=number(above=0.0),
)
def flags(
    reach: float = 1.5,
    n: int = 14,
    pole: float = 5.0,
    pole_bars: int = 20,
    flag_bars: int = 40,
    retrace: float = 0.5,
    parallel: float = 1.5,
    log: bool = False,
) -> dict[str, Expr]:
    """Return bear and bull flags, on the bar that confirms the last swing of the flag.

    Bear flag (the bull flag is its mirror image): a pole down of at least `pole` ATR in at most
    `pole_bars` bars, then four swings, the end of the pole the first, within `flag_bars` bars that
    take back at most `retrace` of the pole, in a channel that does not fall and whose two lines
    do not come nearer or farther by more than `parallel` ATR. The level is the line through its
    two lows; the breakout is the first close below it within 200 bars, unless one was above the
    allowed retracement before.

    >>> flags()["bull"].warmup
    13
    """
    found = Swings(reach, n, log)
    last, dip, high, end, start = (found.up(k) for k in range(5))
    length, back = start - end, maximum(last, high) - end
    under = (dip - end) / found.bars_between(3, 1)
    over = (last - high) / found.bars_between(2, 0)
    opening = abs(over - under) * found.bars_between(3, 0)
    conditions = (
        length >= pole * found.unit,
        found.bars_between(4, 3) <= float(pole_bars),
        found.bars_between(3, 0) <= float(flag_bars),
        back <= retrace * length,
        minimum(under, over) >= 0.0,
        opening <= parallel * found.unit,
    )
    level, void = dip + under * found.output("age", 1), end + retrace * length
    quality = 0.5 * (2.0 - back / (retrace * length) - opening / (parallel * found.unit))
    shape = Reversal(5, conditions, level, under, void, length, quality)
    return both_ways(found, "bear", "bull", shape)
