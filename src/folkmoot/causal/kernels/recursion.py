"""Steps that carry a state from bar to bar. An unknown input leaves the state as it was."""

import math

from folkmoot.causal.kernels.eight import apart, together
from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, fma, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan
FIVE, SIX, SEVEN, EIGHT, NINE = (Index(number) for number in range(5, 10))


@step
def smooth(mem: Floats, o: Index, a: Index, s: Index, p: Index, m: Index) -> None:
    """Write y = b y + w x, begun with the mean of the first n known values.

    Known values are taken in blocks of eight, relative to the first of the block, r: with u = y
    - r before the block and c the recursion over the block alone, begun with nothing, the j-th
    value is r + (b ** j u + c). A block has the latency that y = b y + w x has on every bar, a
    single bar takes the same steps, and where x does not move, y arrives at it.

    State: how many of the n were seen; r (first: the mean so far); u; c; the place in the block.
    Parameters: w, n, b ** 1 .. b ** 8.
    """
    i = ZERO
    if mem[s] < mem[p + ONE]:
        i = _begin(mem, o, a, s, p, m)
    if m - i > EIGHT + EIGHT:
        i = _singly(mem, o, a, s, p, i, i + (EIGHT - whole(mem[s + FOUR])) % EIGHT)
        if mem[s + FOUR] == 0.0:
            i = _blocks(mem, o, a, s, p, i, m)
    _singly(mem, o, a, s, p, i, m)


@step
def _begin(mem: Floats, o: Index, a: Index, s: Index, p: Index, m: Index) -> Index:
    seen, y, n = mem[s], mem[s + ONE], mem[p + ONE]
    i = ZERO
    while i < m and seen < n:
        x = mem[a + i]
        mem[o + i] = NAN
        if x == x:
            # A running mean: of what does not move it is exact, of a sum it is not.
            seen += 1.0
            y += (x - y) / seen
            if seen == n:
                mem[o + i] = y
        i += ONE
    mem[s], mem[s + ONE] = seen, y
    return i


@step
def _singly(mem: Floats, o: Index, a: Index, s: Index, p: Index, first: Index, end: Index) -> Index:
    w, b, r, u, c = mem[p], mem[p + TWO], mem[s + ONE], mem[s + TWO], mem[s + THREE]
    place = whole(mem[s + FOUR])
    for i in range(first, end):
        x = mem[a + i]
        if x != x:
            mem[o + i] = NAN
            continue
        if place == ZERO:
            u, r = u + (r - x), x
            y = b * u
        else:
            step_in = w * (x - r)
            c = step_in if place == ONE else fma(b, c, step_in)
            y = fma(mem[p + TWO + place], u, c)
        mem[o + i] = r + y
        place += ONE
        if place == EIGHT:
            u, place = y, ZERO
    mem[s + ONE], mem[s + TWO], mem[s + THREE], mem[s + FOUR] = r, u, c, real(place)
    return end


@step
def _blocks(mem: Floats, o: Index, a: Index, s: Index, p: Index, first: Index, end: Index) -> Index:
    """Write whole blocks and return where they end; an unknown value among them undoes it all."""
    w, b, b8 = mem[p], mem[p + TWO], mem[p + NINE]
    r, u = mem[s + ONE], mem[s + TWO]
    # The steps are laid out where the values will lie: read back one by one, they need no shuffle.
    i = first
    while i + EIGHT <= end:
        apart(mem, o + i, a + i, w)
        i += EIGHT
    i = first
    while i + EIGHT <= end:
        z = o + i
        before, r = r, mem[a + i]
        u += before - r
        c2 = mem[z + ONE]
        c3 = fma(b, c2, mem[z + TWO])
        c4 = fma(b, c3, mem[z + THREE])
        c5 = fma(b, c4, mem[z + FOUR])
        c6 = fma(b, c5, mem[z + FIVE])
        c7 = fma(b, c6, mem[z + SIX])
        c8 = fma(b, c7, mem[z + SEVEN])
        together(mem, z, p + TWO, r, u, c2, c3, c4, c5, c6, c7, c8)
        u = fma(b8, u, c8)
        i += EIGHT
    if u != u:
        return first
    mem[s + ONE], mem[s + TWO] = r, u
    return i


@step
def carry(op: int, mem: Floats, o: Index, a: Index, b: Index, s: Index, m: Index) -> None:
    """Write the running sum of a, b held since a, or the known bars since a; one slot of state."""
    state = mem[s]
    if op == 53:
        for i in range(m):
            x = mem[a + i]
            state += x if x == x else 0.0
            mem[o + i] = state if x == x else NAN
    elif op == 54:
        for i in range(m):
            event, x = mem[a + i], mem[b + i]
            fires = (event == event) & (event != 0.0)
            state = x if fires & (x == x) else state
            mem[o + i] = (x if fires else state) if event == event else NAN
    else:
        for i in range(m):
            event = mem[a + i]
            following = 0.0 if event != 0.0 else state + 1.0
            state = following if event == event else state
            mem[o + i] = following if event == event else NAN
    mem[s] = state


@step
def true_range(
    mem: Floats, o: Index, a: Index, b: Index, c: Index, s: Index, first: Index, m: Index
) -> None:
    """Write the true range of high a, low b, close c; the state is the close before.

    Where that close is unknown it is the range (what `_reach` makes of it), or unknown.
    """
    mem[o] = _reach(mem[a], mem[b], mem[s])
    if mem[s] != mem[s] and not first:
        mem[o] = NAN
    if first:
        for i in range(ONE, m):
            mem[o + i] = _reach(mem[a + i], mem[b + i], mem[c + i - ONE])
    else:
        for i in range(ONE, m):
            before = mem[c + i - ONE]
            reach = _reach(mem[a + i], mem[b + i], before)
            mem[o + i] = reach if before == before else NAN
    mem[s] = mem[c + m - ONE]


@step
def _reach(high: float, low: float, before: float) -> float:
    span, up, down = high - low, abs(high - before), abs(low - before)
    further = up if up > down else down
    return further if further > span else span


@step
def change(op: int, mem: Floats, o: Index, a: Index, s: Index, m: Index) -> None:
    """Write a less the value before it (57) or the reverse (58); the state is that value."""
    before = mem[s]
    if op == 57:
        mem[o] = mem[a] - before
        for i in range(ONE, m):
            mem[o + i] = mem[a + i] - mem[a + i - ONE]
    else:
        mem[o] = before - mem[a]
        for i in range(ONE, m):
            mem[o + i] = mem[a + i - ONE] - mem[a + i]
    mem[s] = mem[a + m - ONE]


@step
def smooth_abreast(mem: Floats, o: Index, a: Index, s: Index, p: Index, q: Index) -> None:
    """Take one step of `smooth` for each of q symbols, whose states lie abreast."""
    w, n = mem[p], mem[p + ONE]
    for i in range(q):
        x, state = mem[a + i], s + i
        if x != x:
            mem[o + i] = NAN
        elif mem[state] < n:
            mem[o + i] = _begin_one(mem, x, state, n, q)
        else:
            mem[o + i] = _smooth_one(mem, x, state, w, p, q)


@step
def _begin_one(mem: Floats, x: float, s: Index, n: float, q: Index) -> float:
    seen = mem[s] + 1.0
    y = mem[s + q] + (x - mem[s + q]) / seen
    mem[s], mem[s + q] = seen, y
    return y if seen == n else NAN


@step
def _smooth_one(mem: Floats, x: float, s: Index, w: float, p: Index, q: Index) -> float:
    r, u, place = mem[s + q], mem[s + TWO * q], whole(mem[s + FOUR * q])
    if place == ZERO:
        u, r = u + (r - x), x
        y = mem[p + TWO] * u
        mem[s + q], mem[s + TWO * q] = r, u
    else:
        step_in = w * (x - r)
        c = step_in if place == ONE else fma(mem[p + TWO], mem[s + THREE * q], step_in)
        y = fma(mem[p + TWO + place], u, c)
        mem[s + THREE * q] = c
    place += ONE
    if place == EIGHT:
        mem[s + TWO * q], place = y, ZERO
    mem[s + FOUR * q] = real(place)
    value: float = r + y
    return value


@step
def abreast(
    op: int, mem: Floats, o: Index, a: Index, b: Index, c: Index, s: Index, n: Index, q: Index
) -> None:
    """Take one step of `true_range` or `change` for each of q symbols."""
    if op == 56:
        for i in range(q):
            before = mem[s + i]
            first = mem[a + i] - mem[b + i] if n else NAN
            reach = _reach(mem[a + i], mem[b + i], before)
            mem[o + i] = reach if before == before else first
            mem[s + i] = mem[c + i]
    else:
        for i in range(q):
            x, before = mem[a + i], mem[s + i]
            mem[o + i] = x - before if op == 57 else before - x
            mem[s + i] = x
