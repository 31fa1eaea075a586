"""Patterns of three bars: x, y, then z."""

from folkmoot.causal.kernels.candles_anatomy import (
    BODY,
    BODY_10,
    BODY_11,
    BODY_12,
    BOTTOM,
    CLOSE,
    COLOUR,
    EQUAL,
    FAR,
    HIGH,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    SHORT_10,
    SHORT_11,
    SHORT_12,
    SPAN_5,
    SPAN_6,
    SPAN_10,
    SPAN_11,
    THIN_10,
    THIN_11,
    THIN_12,
    TOP,
    UPPER,
)
from folkmoot.causal.kernels.candles_layout import NAMES, THREE_BARS
from folkmoot.causal.kernels.fma import ONE, TWO, Index, step
from folkmoot.core.bars import Floats

(
    TWO_CROWS,
    THREE_INSIDE,
    THREE_OUTSIDE,
    THREE_STARS_IN_SOUTH,
    THREE_WHITE_SOLDIERS,
    ABANDONEDBABY,
    ADVANCEBLOCK,
    EVENINGDOJISTAR,
    EVENINGSTAR,
    GAPSIDESIDEWHITE,
    HIKKAKE,
    IDENTICAL_THREE_CROWS,
    MORNINGDOJISTAR,
    MORNINGSTAR,
    STALLEDPATTERN,
    STICKSANDWICH,
    TASUKIGAP,
    TRISTAR,
    UNIQUE_THREE_RIVER,
    UPSIDE_GAP_TWO_CROWS,
    XSIDE_GAP_THREE_METHODS,
) = (Index(NAMES.index(name)) for name in THREE_BARS)


@step
def _stars(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    """Write the patterns of a long bar, a small one beyond it and a bar that turns back."""
    colour, deep = mem[x + COLOUR], 0.3 * mem[x + BODY]
    begun = (mem[x + BODY] > mem[x + BODY_10]) & (colour != mem[z + COLOUR])
    begun &= mem[z + BODY] > mem[z + BODY_12]
    close, before = mem[z + CLOSE], mem[x + CLOSE]
    doji, small = mem[y + BODY] <= mem[y + THIN_11], mem[y + BODY] <= mem[y + BODY_11]
    down = begun & (colour > 0.0) & (close < before - mem[x + BODY] * 0.3)
    up = begun & (colour < 0.0) & (close > before + deep)
    above = down & (mem[y + BOTTOM] > mem[x + TOP])
    below = up & (mem[y + TOP] < mem[x + BOTTOM])
    mem[r + EVENINGSTAR] = -100.0 if above & small else 0.0
    mem[r + EVENINGDOJISTAR] = -100.0 if above & doji else 0.0
    mem[r + MORNINGSTAR] = 100.0 if below & small else 0.0
    mem[r + MORNINGDOJISTAR] = 100.0 if below & doji else 0.0
    alone = (mem[y + LOW] > mem[x + HIGH]) & (mem[z + HIGH] < mem[y + LOW])
    alone_below = (mem[y + HIGH] < mem[x + LOW]) & (mem[z + LOW] > mem[y + HIGH])
    left = (down & alone) | (up & alone_below)
    mem[r + ABANDONEDBABY] = 100.0 * mem[z + COLOUR] if doji & left else 0.0


@step
def _after_a_rise(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    begun = (mem[x + COLOUR] > 0.0) & (mem[x + BODY] > mem[x + BODY_10])
    begun &= (mem[y + COLOUR] < 0.0) & (mem[y + BOTTOM] > mem[x + TOP]) & (mem[z + COLOUR] < 0.0)
    start, close = mem[z + OPEN], mem[z + CLOSE]
    back = begun & (start < mem[y + OPEN]) & (start > mem[y + CLOSE])
    back &= (close > mem[x + OPEN]) & (close < mem[x + CLOSE])
    mem[r + TWO_CROWS] = -100.0 if back else 0.0
    over = begun & (mem[y + BODY] <= mem[y + BODY_11]) & (start > mem[y + OPEN])
    over &= (close < mem[y + CLOSE]) & (close > mem[x + CLOSE])
    mem[r + UPSIDE_GAP_TWO_CROWS] = -100.0 if over else 0.0


@step
def _confirmed(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    colour, middle = mem[x + COLOUR], mem[y + COLOUR]
    close = mem[z + CLOSE]
    held = (mem[y + TOP] < mem[x + TOP]) & (mem[y + BOTTOM] > mem[x + BOTTOM])
    held &= (mem[x + BODY] > mem[x + BODY_10]) & (mem[y + BODY] <= mem[y + BODY_11])
    beyond = close < mem[x + OPEN] if colour > 0.0 else close > mem[x + OPEN]
    inside = held & beyond & (mem[z + COLOUR] != colour)
    mem[r + THREE_INSIDE] = -100.0 * colour if inside else 0.0
    covered = (mem[y + TOP] > mem[x + TOP]) & (mem[y + BOTTOM] < mem[x + BOTTOM])
    further = close > mem[y + CLOSE] if middle > 0.0 else close < mem[y + CLOSE]
    outside = covered & further & (middle != colour)
    mem[r + THREE_OUTSIDE] = 100.0 * middle if outside else 0.0


@step
def _three_falling(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    falling = (mem[x + COLOUR] < 0.0) & (mem[y + COLOUR] < 0.0) & (mem[z + COLOUR] < 0.0)
    mem[r + THREE_STARS_IN_SOUTH] = mem[r + IDENTICAL_THREE_CROWS] = 0.0
    if not falling:
        return
    thin, thin_before = mem[z + THIN_12], mem[y + THIN_11]
    equal, equal_before = EQUAL * mem[y + SPAN_11], EQUAL * mem[x + SPAN_10]
    close, before, first = mem[z + CLOSE], mem[y + CLOSE], mem[x + CLOSE]
    same = (mem[y + OPEN] <= first + equal_before) & (mem[y + OPEN] >= first - equal_before)
    same &= (mem[z + OPEN] <= before + equal) & (mem[z + OPEN] >= before - equal)
    same &= (first > before) & (before > close)
    same &= (mem[x + LOWER] < mem[x + THIN_10]) & (mem[y + LOWER] < thin_before)
    if same & (mem[z + LOWER] < thin):
        mem[r + IDENTICAL_THREE_CROWS] = -100.0
    begun = (mem[x + BODY] > mem[x + BODY_10]) & (mem[x + LOWER] > mem[x + BODY])
    second = (mem[y + BODY] < mem[x + BODY]) & (mem[y + OPEN] > first)
    second &= (mem[y + OPEN] <= mem[x + HIGH]) & (mem[y + LOW] < first)
    second &= (mem[y + LOW] >= mem[x + LOW]) & (mem[y + LOWER] > thin_before)
    third = (mem[z + BODY] < mem[z + BODY_12]) & (mem[z + LOWER] < thin)
    third &= (mem[z + UPPER] < thin) & (mem[z + LOW] > mem[y + LOW])
    if begun & second & third & (mem[z + HIGH] < mem[y + HIGH]):
        mem[r + THREE_STARS_IN_SOUTH] = 100.0


@step
def _weakens(mem: Floats, z: Index, y: Index, x: Index) -> bool:
    """Return whether three rising bars rise less and less, in one of four ways."""
    body, before, first = mem[z + BODY], mem[y + BODY], mem[x + BODY]
    near, far = NEAR * mem[y + SPAN_11], FAR * mem[y + SPAN_11]
    far_before = FAR * mem[x + SPAN_10]
    shadows = (mem[z + UPPER] > mem[z + SHORT_12]) | (mem[y + UPPER] > mem[y + SHORT_11])
    less: bool = (before < first - far_before) & (body < before + near)
    less |= body < before - far
    less |= (body < before) & (before < first) & shadows
    less |= (body < before) & (mem[z + UPPER] > body)
    return less


@step
def _three_rising(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    mem[r + THREE_WHITE_SOLDIERS] = mem[r + ADVANCEBLOCK] = mem[r + STALLEDPATTERN] = 0.0
    close, before, first = mem[z + CLOSE], mem[y + CLOSE], mem[x + CLOSE]
    near, near_before = NEAR * mem[y + SPAN_11], NEAR * mem[x + SPAN_10]
    rising = (mem[x + COLOUR] > 0.0) & (mem[y + COLOUR] > 0.0) & (mem[z + COLOUR] > 0.0)
    rising &= (close > before) & (before > first)
    rising &= (mem[y + OPEN] > mem[x + OPEN]) & (mem[y + OPEN] <= first + near_before)
    if not rising:
        return
    body, long = mem[z + BODY], mem[x + BODY] > mem[x + BODY_10]
    within = (mem[z + OPEN] > mem[y + OPEN]) & (mem[z + OPEN] <= before + near)
    bare = (mem[x + UPPER] < mem[x + THIN_10]) & (mem[y + UPPER] < mem[y + THIN_11])
    bare &= mem[z + UPPER] < mem[z + THIN_12]
    grows = mem[y + BODY] > mem[x + BODY] - FAR * mem[x + SPAN_10]
    grows &= body > mem[y + BODY] - FAR * mem[y + SPAN_11]
    if within & bare & grows & (body > mem[z + BODY_12]):
        mem[r + THREE_WHITE_SOLDIERS] = 100.0
    if within & long & (mem[x + UPPER] < mem[x + SHORT_10]) & _weakens(mem, z, y, x):
        mem[r + ADVANCEBLOCK] = -100.0
    stalled = long & (mem[y + BODY] > mem[y + BODY_11]) & (mem[y + UPPER] < mem[y + THIN_11])
    if stalled & (body < mem[z + BODY_12]) & (mem[z + OPEN] >= before - body - near):
        mem[r + STALLEDPATTERN] = -100.0


@step
def _gaps(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    mem[r + GAPSIDESIDEWHITE] = mem[r + TASUKIGAP] = mem[r + XSIDE_GAP_THREE_METHODS] = 0.0
    up, down = mem[y + BOTTOM] > mem[x + TOP], mem[y + TOP] < mem[x + BOTTOM]
    if not (up | down):
        return
    side, middle, colour = 1.0 if up else -1.0, mem[y + COLOUR], mem[z + COLOUR]
    near, equal = NEAR * mem[y + SPAN_6], EQUAL * mem[y + SPAN_6]
    start, close, other = mem[z + OPEN], mem[z + CLOSE], mem[y + OPEN]
    again = mem[z + BOTTOM] > mem[x + TOP] if up else mem[z + TOP] < mem[x + BOTTOM]
    white = again & (middle > 0.0) & (colour > 0.0)
    white &= (mem[z + BODY] >= mem[y + BODY] - near) & (mem[z + BODY] <= mem[y + BODY] + near)
    if white & (start >= other - equal) & (start <= other + equal):
        mem[r + GAPSIDESIDEWHITE] = 100.0 * side
    turned = (middle == side) & (colour == -side)
    into = (start < mem[y + TOP]) & (start > mem[y + BOTTOM])
    held = (close < other) & (close > mem[x + TOP])
    if down:
        held = (close > other) & (close < mem[x + BOTTOM])
    if turned & into & held & (abs(mem[y + BODY] - mem[z + BODY]) < near):
        mem[r + TASUKIGAP] = 100.0 * side
    filled = (close < mem[x + TOP]) & (close > mem[x + BOTTOM])
    if turned & (mem[x + COLOUR] == side) & into & filled:
        mem[r + XSIDE_GAP_THREE_METHODS] = 100.0 * side


@step
def _others(mem: Floats, r: Index, z: Index, y: Index, x: Index) -> None:
    thin = mem[x + THIN_10]
    value = 0.0
    if (mem[x + BODY] <= thin) & (mem[y + BODY] <= thin) & (mem[z + BODY] <= thin):
        if (mem[y + BOTTOM] > mem[x + TOP]) & (mem[z + TOP] < mem[y + TOP]):
            value = -100.0
        if (mem[y + TOP] < mem[x + BOTTOM]) & (mem[z + BOTTOM] > mem[y + BOTTOM]):
            value = 100.0
    mem[r + TRISTAR] = value
    first, equal = mem[x + CLOSE], EQUAL * mem[x + SPAN_5]
    falling, rising = mem[x + COLOUR] < 0.0, mem[z + COLOUR] > 0.0
    sandwich = falling & (mem[y + COLOUR] > 0.0) & (not rising) & (mem[y + LOW] > first)
    sandwich &= (mem[z + CLOSE] <= first + equal) & (mem[z + CLOSE] >= first - equal)
    mem[r + STICKSANDWICH] = 100.0 if sandwich else 0.0
    river = falling & (mem[y + COLOUR] < 0.0) & rising & (mem[x + BODY] > mem[x + BODY_10])
    river &= (mem[y + CLOSE] > first) & (mem[y + OPEN] <= mem[x + OPEN])
    river &= (mem[y + LOW] < mem[x + LOW]) & (mem[z + OPEN] > mem[y + LOW])
    river &= mem[z + BODY] < mem[z + BODY_12]
    mem[r + UNIQUE_THREE_RIVER] = 100.0 if river else 0.0


@step
def hikkake(mem: Floats, at: Index, s: Index, z: Index, y: Index, sign: float) -> None:
    """Write a false break of an inside bar begun here (sign), or the close that confirms one.

    State: its sign, the bars left to confirm it, the price that a close must pass.
    """
    pending, left, level = mem[s], mem[s + ONE], mem[s + TWO]
    value = 0.0
    if sign != 0.0:
        value, pending, left = 100.0 * sign, sign, 3.0
        level = mem[y + HIGH] if sign > 0.0 else mem[y + LOW]
    elif left > 0.0:
        left -= 1.0
        close = mem[z + CLOSE]
        if (close > level) if pending > 0.0 else (close < level):
            value, left = 200.0 * pending, 0.0
    mem[s], mem[s + ONE], mem[s + TWO] = pending, left, level
    mem[at] = value


@step
def breaks(mem: Floats, z: Index, y: Index) -> float:
    """Return 1.0 for a bar wholly below the one before it, -1.0 above it, else 0.0."""
    high, low, top, bottom = mem[z + HIGH], mem[z + LOW], mem[y + HIGH], mem[y + LOW]
    if (high < top) & (low < bottom):
        return 1.0
    return -1.0 if (high > top) & (low > bottom) else 0.0


@step
def inside(mem: Floats, y: Index, x: Index) -> bool:
    """Return whether the range of a bar lies within that of the one before it."""
    within: bool = (mem[y + HIGH] < mem[x + HIGH]) & (mem[y + LOW] > mem[x + LOW])
    return within


@step
def three_bars(mem: Floats, r: Index, s: Index, z: Index, y: Index, x: Index) -> None:
    """Write the patterns of the bars at x, y and z from r on; s is a pending hikkake."""
    _stars(mem, r, z, y, x)
    _after_a_rise(mem, r, z, y, x)
    _confirmed(mem, r, z, y, x)
    _three_falling(mem, r, z, y, x)
    _three_rising(mem, r, z, y, x)
    _gaps(mem, r, z, y, x)
    _others(mem, r, z, y, x)
    begins = breaks(mem, z, y) if inside(mem, y, x) else 0.0
    hikkake(mem, r + HIKKAKE, s, z, y, begins)
