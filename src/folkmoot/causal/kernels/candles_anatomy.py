"""What the patterns read of a bar: its parts, and what was usual before it.

A usual size is the mean over the 10 (or 5) bars before the bar. It comes from a running total, and
a total's roundings depend on the bar at which it begins. So that each comparison is TA-Lib's on
every bar, ties included, there is one total for each bar at which one of its functions begins.
"""

from folkmoot.causal.kernels.candles_layout import BAR, KEPT, LINE, ROOM, TOTALS
from folkmoot.causal.kernels.fma import ONE, Index, real, step, whole
from folkmoot.core.bars import Floats

OPEN, HIGH, LOW, CLOSE, BODY, SPAN, UPPER, LOWER, COLOUR, TOP, BOTTOM = map(Index, range(11))
# Mean body of 10 bars, of a total that begins at bar 10, 11, ...
BODY_10, BODY_11, BODY_12, BODY_13, BODY_14 = map(Index, range(11, 16))
# A tenth of the mean span of 10 bars: a doji's body and a very short shadow are not above it.
THIN_10, THIN_11, THIN_12, THIN_13, THIN_14 = map(Index, range(16, 21))
# Half the mean of both shadows of 10 bars: a short shadow is below it.
SHORT_10, SHORT_11, SHORT_12 = map(Index, range(21, 24))
# Mean span of 5 bars, of totals that begin at bars 5 to 12.
SPAN_5, SPAN_6 = Index(24), Index(25)
SPAN_10, SPAN_11 = Index(29), Index(30)
NEAR, FAR, EQUAL = 0.2, 0.6, 0.05

BODIES, SPANS, SHADOWS, REACHES = Index(5), Index(5), Index(3), Index(8)
FIVE, TEN, LAST_BEGIN = Index(5), Index(10), 14.0
STEP, WHOLE, HEAD, FIRST, SUMS = Index(BAR), Index(ROOM), Index(KEPT), Index(LINE), Index(TOTALS)


@step
def place_of(mem: Floats, s: Index) -> Index:
    """Return where the next bar goes, with the last bars moved to the head of a full line."""
    slot = whole(mem[s + ONE])
    line = s + FIRST
    if slot == WHOLE:
        source = line + (WHOLE - HEAD) * STEP
        for j in range(HEAD * STEP):
            mem[line + j] = mem[source + j]
        slot = HEAD
    mem[s + ONE] = real(slot + ONE)
    place: Index = line + slot * STEP
    return place


@step
def dissect(mem: Floats, z: Index, open_: float, high: float, low: float, close: float) -> None:
    """Write the parts of a bar to its slot."""
    rising = close >= open_
    top, bottom = (close, open_) if rising else (open_, close)
    mem[z + OPEN], mem[z + HIGH], mem[z + LOW], mem[z + CLOSE] = open_, high, low, close
    mem[z + BODY], mem[z + SPAN] = abs(close - open_), high - low
    mem[z + UPPER], mem[z + LOWER] = high - top, bottom - low
    mem[z + COLOUR] = 1.0 if rising else -1.0
    mem[z + TOP], mem[z + BOTTOM] = top, bottom


@step
def _roll(mem: Floats, t: Index, count: Index, x: float, old: float, seen: float, n: Index) -> None:
    """Move `count` totals over n bars, the first of which begins at bar n, on by one bar."""
    if seen >= LAST_BEGIN:
        for j in range(count):
            mem[t + j] += x - old
    else:
        for j in range(count):
            if seen >= real(j + n):
                mem[t + j] += x - old
            elif seen >= real(j):
                mem[t + j] += x


@step
def _means(mem: Floats, s: Index, z: Index) -> None:
    t, u = s + SUMS, z + BODY_10
    for j in range(BODIES):
        mem[u + j] = mem[t + j] / 10.0
    t, u = t + BODIES, u + BODIES
    for j in range(SPANS):
        mem[u + j] = 0.1 * (mem[t + j] / 10.0)
    t, u = t + SPANS, u + SPANS
    for j in range(SHADOWS):
        mem[u + j] = mem[t + j] / 10.0 / 2.0
    t, u = t + SHADOWS, u + SHADOWS
    for j in range(REACHES):
        mem[u + j] = mem[t + j] / 5.0


@step
def usual(mem: Floats, s: Index, z: Index, seen: float) -> None:
    """Write what was usual before the bar at z, the `seen`-th; then count it in."""
    _means(mem, s, z)
    t, old, older = s + SUMS, z - FIVE * STEP, z - TEN * STEP
    if seen < 10.0:
        older = z
        old = z if seen < 5.0 else old
    _roll(mem, t, BODIES, mem[z + BODY], mem[older + BODY], seen, TEN)
    t += BODIES
    _roll(mem, t, SPANS, mem[z + SPAN], mem[older + SPAN], seen, TEN)
    t += SPANS
    both, before = mem[z + UPPER] + mem[z + LOWER], mem[older + UPPER] + mem[older + LOWER]
    _roll(mem, t, SHADOWS, both, before, seen, TEN)
    t += SHADOWS
    _roll(mem, t, REACHES, mem[z + SPAN], mem[old + SPAN], seen, FIVE)
