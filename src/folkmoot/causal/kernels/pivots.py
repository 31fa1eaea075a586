"""Steps of the family `pivots`: confirmed swings, lines through them, and the watch on a line.

State of a zigzag: the direction it seeks (1 a high, -1 a low, 0 either), the highest high so far
with its age, the lowest low after that bar with its age, the mirror images of those four, how many
swings are known, and the prices and the ages of the last `KEPT` swings, newest first.
"""

import math

from folkmoot.causal.kernels.fma import ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan

KEPT = Index(9)
TOP, TOP_AGE, DIP, DIP_AGE = (Index(place) for place in range(1, 5))
BOTTOM, BOTTOM_AGE, PEAK, PEAK_AGE = (Index(place) for place in range(5, 9))
SEEN, PRICES, AGES = Index(9), Index(10), Index(19)
SIZE = 28
"""Slots of a zigzag's state."""


@step
def _seek(mem: Floats, s: Index, first: Index, high: float, low: float) -> None:
    """Move the extreme at `s + first` to a higher `high`, or its counter-extreme to a lower `low`.

    For the mirror image the caller negates prices; the extremes themselves are stored as prices
    times the same sign.
    """
    main = s + first
    if not high <= mem[main]:
        mem[main], mem[main + ONE] = high, 0.0
        mem[main + TWO] = NAN
    elif not low >= mem[main + TWO]:
        mem[main + TWO], mem[main + THREE] = low, 0.0


@step
def _keep(mem: Floats, s: Index, price: float, age: float) -> None:
    """Put a swing before the others."""
    for j in range(KEPT - ONE):
        k = KEPT - ONE - j
        mem[s + PRICES + k] = mem[s + PRICES + k - ONE]
        mem[s + AGES + k] = mem[s + AGES + k - ONE]
    mem[s + PRICES], mem[s + AGES] = price, age
    mem[s + SEEN] = min(mem[s + SEEN] + 1.0, real(KEPT))


@step
def _turn(mem: Floats, s: Index, sign: float, from_: Index, to: Index, low: float) -> None:
    """Confirm the extreme at `from_` and begin to seek the opposite one at `to`.

    That begins with the counter-extreme after the swing's bar, or with this bar; its own
    counter-extreme begins with this bar. All in prices times `sign`, `low` that of this bar.
    """
    _keep(mem, s, sign * mem[s + from_], mem[s + from_ + ONE])
    dip, age = mem[s + from_ + TWO], mem[s + from_ + THREE]
    known = dip == dip
    mem[s + to] = -dip if known else -low
    mem[s + to + ONE] = age if known else 0.0
    mem[s + to + TWO] = NAN
    mem[s] = -sign


@step
def _grow_older(mem: Floats, s: Index) -> None:
    for j in range(KEPT):
        mem[s + AGES + j] += 1.0
    for j in range(Index(4)):
        mem[s + TOP_AGE + TWO * j] += 1.0


@step
def _reached(move: float, other: float, reach: float) -> bool:
    return (move > 0.0) & (move >= reach) & (move > other)


@step
def _advance(mem: Floats, s: Index, high: float, low: float, reach: float, close: float) -> float:
    """Show the zigzag a bar; return 1 if it confirmed a high, -1 a low, else 0.

    Of a high and a low that the first bars would confirm at once, the farther one counts, and
    neither if they are equally far.
    """
    _grow_older(mem, s)
    fall = rise = -1.0
    if mem[s] >= 0.0:
        _seek(mem, s, TOP, high, low)
        fall = mem[s + TOP] - close
    if mem[s] <= 0.0:
        _seek(mem, s, BOTTOM, -low, -high)
        rise = close + mem[s + BOTTOM]
    if _reached(fall, rise, reach):
        _turn(mem, s, 1.0, TOP, BOTTOM, low)
        if mem[s + BOTTOM_AGE] > 0.0:
            mem[s + PEAK], mem[s + PEAK_AGE] = -high, 0.0
        return 1.0
    if _reached(rise, fall, reach):
        _turn(mem, s, -1.0, BOTTOM, TOP, -high)
        if mem[s + TOP_AGE] > 0.0:
            mem[s + DIP], mem[s + DIP_AGE] = low, 0.0
        return -1.0
    return 0.0


@step
def _swing(
    mem: Floats, o: Index, a: Index, b: Index, c: Index, d: Index, s: Index, width: Index, m: Index
) -> None:
    """Write turn, side, swings seen, the last prices and their ages; inputs as of `_advance`."""
    for i in range(m):
        high, low, reach, close = mem[a + i], mem[b + i], mem[c + i], mem[d + i]
        known = (high == high) & (low == low) & (reach == reach) & (close == close)
        turn = _advance(mem, s, high, low, reach, close) if known else NAN
        seen = mem[s + SEEN]
        side = -mem[s] if seen > 0.0 else NAN
        mem[o + i] = turn
        mem[o + width + i] = side if known else NAN
        mem[o + TWO * width + i] = seen if known else NAN
        for j in range(TWO * KEPT):
            mem[o + (THREE + j) * width + i] = mem[s + PRICES + j] if known else NAN


@step
def _fit(mem: Floats, s: Index, first: Index, count: Index, line: Index) -> None:
    """Fit a line through every second of the last swings from `first` on.

    Writes its value on the present bar, its slope per bar, and the largest distance of a swing
    from it, at `line`.
    """
    newest, now = mem[s + PRICES + first], mem[s + AGES + first]
    x_sum = y_sum = xx = xy = 0.0
    for j in range(count):
        k = first + TWO * j
        x, y = now - mem[s + AGES + k], mem[s + PRICES + k] - newest
        x_sum += x
        y_sum += y
        xx += x * x
        xy += x * y
    n = real(count)
    slope = (n * xy - x_sum * y_sum) / (n * xx - x_sum * x_sum)
    level = newest + (y_sum - slope * x_sum) / n
    far = 0.0
    for j in range(count):
        k = first + TWO * j
        x = now - mem[s + AGES + k]
        far = max(far, abs(mem[s + PRICES + k] - (level + slope * x)))
    mem[line], mem[line + ONE], mem[line + TWO] = level + slope * now, slope, far


@step
def _channel(
    mem: Floats,
    o: Index,
    a: Index,
    b: Index,
    c: Index,
    d: Index,
    s: Index,
    p: Index,
    width: Index,
    m: Index,
) -> None:
    """Write both lines, their slopes, the largest deviation and the bars since the first swing.

    State: a zigzag, then for either line its value at the latest turn, its slope, its deviation,
    and the bars since that turn. Parameter: the swings on either line.
    """
    touches = whole(mem[p])
    upper, lower, since = s + Index(SIZE), s + Index(SIZE + 3), s + Index(SIZE + 6)
    for i in range(m):
        high, low, reach, close = mem[a + i], mem[b + i], mem[c + i], mem[d + i]
        known = (high == high) & (low == low) & (reach == reach) & (close == close)
        if known:
            turn = _advance(mem, s, high, low, reach, close)
            mem[since] += 1.0
            if turn != 0.0 and mem[s + SEEN] >= 2.0 * mem[p]:
                _fit(mem, s, ZERO if turn > 0.0 else ONE, touches, upper)
                _fit(mem, s, ONE if turn > 0.0 else ZERO, touches, lower)
                mem[since] = 0.0
        age = mem[since]
        mem[o + i] = mem[upper] + mem[upper + ONE] * age if known else NAN
        mem[o + width + i] = mem[lower] + mem[lower + ONE] * age if known else NAN
        mem[o + TWO * width + i] = mem[upper + ONE] if known else NAN
        mem[o + THREE * width + i] = mem[lower + ONE] if known else NAN
        far = max(mem[upper + TWO], mem[lower + TWO])
        mem[o + Index(4) * width + i] = far if known else NAN
        oldest = mem[s + AGES + TWO * touches - ONE]
        mem[o + Index(5) * width + i] = oldest if known and mem[upper] == mem[upper] else NAN


@step
def _watch(
    mem: Floats,
    o: Index,
    a: Index,
    b: Index,
    c: Index,
    d: Index,
    s: Index,
    p: Index,
    width: Index,
    m: Index,
) -> None:
    """Write the line, its age, the event that the price crossed it, and whether it ever did.

    Inputs: event, level, slope, price. State: the age, level and slope of the line, 1 once it was
    crossed. Parameters: the side on which it is crossed, the bars that it stands.
    """
    side, life = mem[p], mem[p + ONE]
    age, level, slope, crossed = mem[s], mem[s + ONE], mem[s + TWO], mem[s + THREE]
    for i in range(m):
        event, price = mem[a + i], mem[d + i]
        known = (event == event) & (price == price)
        happens = 0.0
        if known:
            age += 1.0
            if event != 0.0:
                age, level, slope, crossed = 0.0, mem[b + i], mem[c + i], 0.0
            beyond = side * (price - (level + slope * age)) > 0.0
            if beyond and age < life and crossed == 0.0:
                happens = crossed = 1.0
        mem[o + i] = level + slope * age if known and age < life else NAN
        mem[o + width + i] = min(age, life) if known and age == age else NAN
        mem[o + TWO * width + i] = happens if known else NAN
        mem[o + THREE * width + i] = crossed if known else NAN
    mem[s], mem[s + ONE], mem[s + TWO], mem[s + THREE] = age, level, slope, crossed


@step
def pivots(
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
    """Walk one row of the family over a tile of `m` bars; `n` is the register of a fourth input."""
    if op == 150:
        _swing(mem, o, a, b, c, n, s, width, m)
    elif op == 151:
        _channel(mem, o, a, b, c, n, s, p, width, m)
    else:
        _watch(mem, o, a, b, c, n, s, p, width, m)
