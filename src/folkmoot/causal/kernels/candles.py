"""The candlestick patterns, all 61 of TA-Lib in one step over open, high, low and close.

A bar of which any of the four is unknown is not shown to the step: its outputs are NaN, and the
patterns go on over the known bars as if they were adjacent.
"""

import math

from folkmoot.causal.kernels.candles_anatomy import FIRST, STEP, dissect, place_of, usual
from folkmoot.causal.kernels.candles_layout import FOUND, NAMES, PENDING
from folkmoot.causal.kernels.candles_more import more_bars
from folkmoot.causal.kernels.candles_one import one_bar
from folkmoot.causal.kernels.candles_three import three_bars
from folkmoot.causal.kernels.candles_two import two_bars
from folkmoot.causal.kernels.fma import FOUR, THREE, TWO, Index, step
from folkmoot.core.bars import Floats

NAN = math.nan
COUNT, RESULT, HIKKAKE = Index(len(NAMES)), Index(FOUND), Index(PENDING)
SETTLED = 14.0
"""Known bars before all patterns have values."""


@step
def _patterns(mem: Floats, s: Index, z: Index, seen: float) -> None:
    r, line = s + RESULT, s + FIRST
    # Before the fifth bar there is no fifth bar back; what is found there is not written out.
    y = z - STEP if seen >= 1.0 else line
    x = z - TWO * STEP if seen >= 2.0 else line
    w = z - THREE * STEP if seen >= 3.0 else line
    v = z - FOUR * STEP if seen >= 4.0 else line
    one_bar(mem, r, z)
    two_bars(mem, r, z, y)
    three_bars(mem, r, s + HIKKAKE, z, y, x)
    more_bars(mem, r, s + HIKKAKE + THREE, z, y, x, w, v)


@step
def candles(
    op: int,
    mem: Floats,
    o: Index,
    a: Index,
    b: Index,
    c: Index,
    s: Index,
    n: Index,
    p: Index,
    width: Index,
    m: Index,
) -> None:
    """Write every pattern of open a, high b, low c, close n; p lists the bars each waits for."""
    seen = mem[s]
    for i in range(m):
        open_, high, low, close = mem[a + i], mem[b + i], mem[c + i], mem[n + i]
        total = open_ + high + low + close
        if total == total:
            z = place_of(mem, s)
            dissect(mem, z, open_, high, low, close)
            usual(mem, s, z, seen)
            _patterns(mem, s, z, seen)
            for j in range(COUNT):
                value = mem[s + RESULT + j]
                mem[o + j * width + i] = value if seen >= mem[p + j] else NAN
            seen += 1.0
        else:
            for j in range(COUNT):
                mem[o + j * width + i] = NAN
    mem[s] = seen
