"""Steps about time: the clock, missing bars, and the closed bars of a coarser timeframe."""

import math

import numpy as np

from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan
HOUR = 3_600_000.0
DAY = 24.0 * HOUR
WEEK = 7.0 * DAY
# 1970-01-01 was a Thursday; Monday is day 0.
MONDAY = 4.0 * DAY

FIVE, SIX = Index(5), Index(6)
FIRST_VALUE = Index(5)
"""State of an aggregator: running (0 or 1), slot, skipped slot, rows made, columns' values."""


@step
def clock(mem: Floats, o: Index, closes: Index, which: Index, m: Index) -> None:
    """Write the hour of the day (0 .. 24) or the day of the week (0 .. 7) of the close, UTC."""
    if which == 1:
        for i in range(m):
            time = mem[closes + i]
            mem[o + i] = (time - math.floor(time / DAY) * DAY) / HOUR
    else:
        for i in range(m):
            time = mem[closes + i] - MONDAY
            mem[o + i] = (time - math.floor(time / WEEK) * WEEK) / DAY


@step
def gap(mem: Floats, o: Index, opens: Index, closes: Index, s: Index, m: Index) -> None:
    """Write the bars missing just before each bar; the state is the close time before."""
    before = mem[s]
    for i in range(m):
        start, end = mem[opens + i], mem[closes + i]
        mem[o + i] = (start - before) / (end - start) if before == before else 0.0
        before = end
    mem[s] = before


@step
def _put(
    mem: Floats, out: Index, width: Index, values: Index, extras: Index, slot: float, ms: float
) -> None:
    mem[out] = slot
    mem[out + width] = slot + ms
    for j in range(FIVE + extras):
        mem[out + (j + TWO) * width] = mem[values + j]


@step
def _begin(mem: Floats, bar: Index, width: Index, values: Index, extras: Index) -> None:
    for j in range(FIVE + extras):
        mem[values + j] = mem[bar + j * width]


@step
def _extend(mem: Floats, bar: Index, width: Index, values: Index, extras: Index) -> None:
    mem[values + ONE] = max(mem[values + ONE], mem[bar + width])
    mem[values + TWO] = min(mem[values + TWO], mem[bar + TWO * width])
    mem[values + THREE] = mem[bar + THREE * width]
    mem[values + FOUR] += mem[bar + FOUR * width]
    for j in range(extras):
        mem[values + FIVE + j] = mem[bar + (FIVE + j) * width]


@step
def aggregate(
    mem: Floats,
    o: Index,
    fine: Index,
    made: Index,
    s: Index,
    extras: Index,
    p: Index,
    n: Index,
    width: Index,
) -> Index:
    """Build coarse bars from a tile of fine ones and return how many closed.

    `fine` and `o` are the first of the registers open time, close time, open, high, low, close,
    volume, extras; `made` receives how many coarse bars are closed by the end of each fine bar.
    A coarse bar closes on the first fine bar that closes at or after its calendar end, which may
    belong to a later coarse bar. One that began before the series did is unknown.
    """
    ms, anchor = mem[p], mem[p + ONE]
    values, count = s + FOUR, ZERO
    running, slot, skipped = mem[s], mem[s + ONE], mem[s + TWO]
    for i in range(n):
        start, end, bar = mem[fine + i], mem[fine + width + i], fine + TWO * width + i
        here = np.floor((start - anchor) / ms) * ms + anchor
        if skipped != skipped:
            skipped = here if here < start else here - ms
        if running != 0.0 and here > slot:
            _put(mem, o + count, width, values, extras, slot, ms)
            count, running, skipped = count + ONE, 0.0, slot
        if running != 0.0:
            _extend(mem, bar, width, values, extras)
        elif here > skipped:
            _begin(mem, bar, width, values, extras)
            running, slot = 1.0, here
        if running != 0.0 and end >= slot + ms:
            _put(mem, o + count, width, values, extras, slot, ms)
            count, running, skipped = count + ONE, 0.0, slot
        mem[made + i] = real(count)
    mem[s], mem[s + ONE], mem[s + TWO], mem[s + THREE] = running, slot, skipped, real(count)
    return count


@step
def spread(
    mem: Floats, o: Index, coarse: Index, made: Index, s: Index, group: Index, m: Index
) -> None:
    """Write on each fine bar the value of the last closed coarse bar; the state is that value."""
    held = mem[s]
    if mem[group + THREE] == 0.0:
        for i in range(m):
            mem[o + i] = held
        return
    for i in range(m):
        count = whole(mem[made + i])
        mem[o + i] = mem[coarse + count - ONE] if count > ZERO else held
    mem[s] = mem[coarse + whole(mem[group + THREE]) - ONE]
