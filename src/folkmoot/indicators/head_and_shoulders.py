"""Head and shoulders (Lo, Mamaysky & Wang, 2000), on confirmed swings.

Keys, for `top` and `bottom`: the event and its age, `_level` (the neckline as a price), `_height`
(head above the neckline, ATR at confirmation), `_quality`, `_breakout` and its age. Quality, 0 to
1, is the mean of how even the shoulders are, how even the troughs are, and the shorter half's bars
as a share of the longer's.
"""

from folkmoot.causal import Expr, maximum
from folkmoot.indicators._checks import checked, number, optional
from folkmoot.indicators._patterns import Reversal, balance, both_ways, evenness
from folkmoot.indicators._swings import Swings


@checked(reach=number(above=0.0), tolerance=number(above=0.0), percent=optional(number(above=0.0)))
def head_and_shoulders(
    reach: float = 3.0,
    n: int = 14,
    tolerance: float = 0.5,
    percent: float | None = None,
    log: bool = False,
) -> dict[str, Expr]:
    """Return head-and-shoulders tops and their mirror images, on the bar that confirms the last.

    Of five swings E1 .. E5 the shoulders E1 and E5 lie within `tolerance` ATR (or `percent` of the
    price) of their mean, so do the troughs E2 and E4, and the head E3 stands above both shoulders
    by more than twice that. The neckline goes through E2 and E4 and on; the breakout is the first
    close below it within 200 bars, unless one was above the head before.

    >>> head_and_shoulders()["top"].warmup
    13
    """
    found = Swings(reach, n, log)
    last, trough, head, before, first = (found.up(k) for k in range(5))
    apart = 2.0 * found.tolerance(tolerance, percent)
    shoulders, troughs = abs(first - last), abs(before - trough)
    rise = (trough - before) / found.bars_between(3, 1)
    neck = trough + rise * found.output("age", 1)
    halves = (found.bars_between(4, 2), found.bars_between(2, 0))
    shape = Reversal(
        needed=5,
        conditions=(
            head - maximum(first, last) > apart,
            shoulders <= apart,
            troughs <= apart,
        ),
        level=neck,
        slope=rise,
        void=head,
        height=head - (before + rise * found.bars_between(3, 2)),
        quality=(evenness(shoulders, apart) + evenness(troughs, apart) + balance(*halves)) / 3.0,
    )
    return both_ways(found, "top", "bottom", shape)
