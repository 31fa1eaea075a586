"""Patterns of four and five bars: v, w, x, y, then z."""

from folkmoot.causal.kernels.candles_anatomy import (
    BODY,
    BODY_10,
    BODY_11,
    BODY_12,
    BODY_13,
    BODY_14,
    BOTTOM,
    CLOSE,
    COLOUR,
    HIGH,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    SPAN_5,
    SPAN_6,
    THIN_10,
    THIN_11,
    THIN_12,
    THIN_13,
    TOP,
    UPPER,
)
from folkmoot.causal.kernels.candles_layout import MORE_BARS, NAMES
from folkmoot.causal.kernels.candles_three import breaks, hikkake, inside
from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats

(
    THREE_BLACK_CROWS,
    THREE_LINE_STRIKE,
    BREAKAWAY,
    CONCEALBABYSWALL,
    HIKKAKEMOD,
    LADDERBOTTOM,
    MATHOLD,
    RISE_FALL_THREE_METHODS,
) = (Index(NAMES.index(name)) for name in MORE_BARS)


@step
def _crows(mem: Floats, z: Index, y: Index, x: Index, w: Index) -> float:
    falling = (mem[w + COLOUR] > 0.0) & (mem[x + COLOUR] < 0.0) & (mem[y + COLOUR] < 0.0)
    if not (falling & (mem[z + COLOUR] < 0.0)):
        return 0.0
    bare = (mem[x + LOWER] < mem[x + THIN_11]) & (mem[y + LOWER] < mem[y + THIN_12])
    bare &= mem[z + LOWER] < mem[z + THIN_13]
    second = (mem[y + OPEN] < mem[x + OPEN]) & (mem[y + OPEN] > mem[x + CLOSE])
    third = (mem[z + OPEN] < mem[y + OPEN]) & (mem[z + OPEN] > mem[y + CLOSE])
    lower = (mem[x + CLOSE] > mem[y + CLOSE]) & (mem[y + CLOSE] > mem[z + CLOSE])
    return -100.0 if bare & second & third & lower & (mem[w + HIGH] > mem[x + CLOSE]) else 0.0


@step
def _line_strike(mem: Floats, z: Index, y: Index, x: Index, w: Index) -> float:
    side = mem[y + COLOUR]
    if (mem[w + COLOUR] != side) | (mem[x + COLOUR] != side) | (mem[z + COLOUR] == side):
        return 0.0
    near, near_before = NEAR * mem[x + SPAN_6], NEAR * mem[w + SPAN_5]
    found = mem[x + OPEN] >= mem[w + BOTTOM] - near_before
    found &= mem[x + OPEN] <= mem[w + TOP] + near_before
    found &= (mem[y + OPEN] >= mem[x + BOTTOM] - near) & (mem[y + OPEN] <= mem[x + TOP] + near)
    close, before, first = side * mem[y + CLOSE], side * mem[x + CLOSE], side * mem[w + CLOSE]
    found &= (close > before) & (before > first) & (side * mem[z + OPEN] > close)
    return 100.0 * side if found & (side * mem[z + CLOSE] < side * mem[w + OPEN]) else 0.0


@step
def _baby(mem: Floats, z: Index, y: Index, x: Index, w: Index) -> float:
    falling = (mem[w + COLOUR] < 0.0) & (mem[x + COLOUR] < 0.0) & (mem[y + COLOUR] < 0.0)
    if not (falling & (mem[z + COLOUR] < 0.0)):
        return 0.0
    bare = (mem[w + UPPER] < mem[w + THIN_10]) & (mem[w + LOWER] < mem[w + THIN_10])
    bare &= (mem[x + UPPER] < mem[x + THIN_11]) & (mem[x + LOWER] < mem[x + THIN_11])
    third = (mem[y + TOP] < mem[x + BOTTOM]) & (mem[y + UPPER] > mem[y + THIN_12])
    third &= mem[y + HIGH] > mem[x + CLOSE]
    swallowed = (mem[z + HIGH] > mem[y + HIGH]) & (mem[z + LOW] < mem[y + LOW])
    return 100.0 if bare & third & swallowed else 0.0


@step
def _breakaway(mem: Floats, z: Index, y: Index, x: Index, w: Index, v: Index) -> float:
    side = mem[v + COLOUR]
    found = (mem[w + COLOUR] == side) & (mem[y + COLOUR] == side) & (mem[z + COLOUR] != side)
    if not (found & (mem[v + BODY] > mem[v + BODY_10])):
        return 0.0
    close = mem[z + CLOSE]
    if side < 0.0:
        found = (
            (mem[w + TOP] < mem[v + BOTTOM]) & (close > mem[w + OPEN]) & (close < mem[v + CLOSE])
        )
        found &= (mem[x + HIGH] < mem[w + HIGH]) & (mem[x + LOW] < mem[w + LOW])
        found &= (mem[y + HIGH] < mem[x + HIGH]) & (mem[y + LOW] < mem[x + LOW])
    else:
        found = (
            (mem[w + BOTTOM] > mem[v + TOP]) & (close < mem[w + OPEN]) & (close > mem[v + CLOSE])
        )
        found &= (mem[x + HIGH] > mem[w + HIGH]) & (mem[x + LOW] > mem[w + LOW])
        found &= (mem[y + HIGH] > mem[x + HIGH]) & (mem[y + LOW] > mem[x + LOW])
    return -100.0 * side if found else 0.0


@step
def _ladder(mem: Floats, z: Index, y: Index, x: Index, w: Index, v: Index) -> float:
    falling = (mem[v + COLOUR] < 0.0) & (mem[w + COLOUR] < 0.0) & (mem[x + COLOUR] < 0.0)
    if not (falling & (mem[y + COLOUR] < 0.0) & (mem[z + COLOUR] > 0.0)):
        return 0.0
    lower = (mem[v + OPEN] > mem[w + OPEN]) & (mem[w + OPEN] > mem[x + OPEN])
    lower &= (mem[v + CLOSE] > mem[w + CLOSE]) & (mem[w + CLOSE] > mem[x + CLOSE])
    turned = (mem[y + UPPER] > mem[y + THIN_13]) & (mem[z + OPEN] > mem[y + OPEN])
    return 100.0 if lower & turned & (mem[z + CLOSE] > mem[y + HIGH]) else 0.0


@step
def _rests(mem: Floats, y: Index, x: Index, w: Index, v: Index) -> bool:
    """Return whether a long bar is followed by three small ones."""
    small: bool = (mem[w + BODY] < mem[w + BODY_11]) & (mem[x + BODY] < mem[x + BODY_12])
    small &= mem[y + BODY] < mem[y + BODY_13]
    small &= mem[v + BODY] > mem[v + BODY_10]
    return small


@step
def _hold(mem: Floats, z: Index, y: Index, x: Index, w: Index, v: Index) -> float:
    coloured = (mem[v + COLOUR] > 0.0) & (mem[w + COLOUR] < 0.0) & (mem[z + COLOUR] > 0.0)
    if not (coloured & (mem[w + BOTTOM] > mem[v + TOP])):
        return 0.0
    close = mem[v + CLOSE]
    floor = close - mem[v + BODY] * 0.5
    into = (mem[x + BOTTOM] < close) & (mem[y + BOTTOM] < close)
    into &= (mem[x + BOTTOM] > floor) & (mem[y + BOTTOM] > floor)
    lower = (mem[x + TOP] < mem[w + OPEN]) & (mem[y + TOP] < mem[x + TOP])
    top = max(mem[w + HIGH], mem[x + HIGH], mem[y + HIGH])
    out = (mem[z + OPEN] > mem[y + CLOSE]) & (mem[z + CLOSE] > top)
    return 100.0 if into & lower & out else 0.0


@step
def _three_methods(mem: Floats, z: Index, y: Index, x: Index, w: Index, v: Index) -> float:
    side, high, low = mem[v + COLOUR], mem[v + HIGH], mem[v + LOW]
    against = (mem[w + COLOUR] == -side) & (mem[x + COLOUR] == -side) & (mem[y + COLOUR] == -side)
    if not (against & (mem[z + COLOUR] == side) & (mem[z + BODY] > mem[z + BODY_14])):
        return 0.0
    within = (mem[w + BOTTOM] < high) & (mem[w + TOP] > low)
    within &= (mem[x + BOTTOM] < high) & (mem[x + TOP] > low)
    within &= (mem[y + BOTTOM] < high) & (mem[y + TOP] > low)
    second, third, fourth = side * mem[w + CLOSE], side * mem[x + CLOSE], side * mem[y + CLOSE]
    on = (third < second) & (fourth < third) & (side * mem[z + OPEN] > fourth)
    return 100.0 * side if within & on & (side * mem[z + CLOSE] > side * mem[v + CLOSE]) else 0.0


@step
def more_bars(
    mem: Floats, r: Index, s: Index, z: Index, y: Index, x: Index, w: Index, v: Index
) -> None:
    """Write the patterns of the bars from v to z from r on; s is a pending modified hikkake."""
    mem[r + THREE_BLACK_CROWS] = _crows(mem, z, y, x, w)
    mem[r + THREE_LINE_STRIKE] = _line_strike(mem, z, y, x, w)
    mem[r + CONCEALBABYSWALL] = _baby(mem, z, y, x, w)
    mem[r + BREAKAWAY] = _breakaway(mem, z, y, x, w, v)
    mem[r + LADDERBOTTOM] = _ladder(mem, z, y, x, w, v)
    rests = _rests(mem, y, x, w, v)
    mem[r + MATHOLD] = _hold(mem, z, y, x, w, v) if rests else 0.0
    mem[r + RISE_FALL_THREE_METHODS] = _three_methods(mem, z, y, x, w, v) if rests else 0.0
    begins = 0.0
    if inside(mem, y, x) & inside(mem, x, w):
        begins, near = breaks(mem, z, y), NEAR * mem[x + SPAN_5]
        close = mem[x + CLOSE]
        early = close <= mem[x + LOW] + near if begins > 0.0 else close >= mem[x + HIGH] - near
        begins = begins if early else 0.0
    hikkake(mem, r + HIKKAKEMOD, s, z, y, begins)
