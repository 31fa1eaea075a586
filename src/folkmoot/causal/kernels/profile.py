"""Steps of the family `profile`: volume by price over the last n bars.

State: where the next bar goes in the rings, the known bars in a row, the rings of high, low and
volume, the volume of every bin. Parameters: n, the bins, the share of the value area.
"""

import math

from folkmoot.causal.kernels.fma import ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan

LEVEL = 1.0 - 1e-9
"""What is so close to another volume is as much: bins under the same bars differ by rounding."""


@step
def _spread(
    mem: Floats, start: Index, bins: Index, low: float, scale: float, bar: Index, n: Index
) -> None:
    """Add a bar's volume to the bins between its low and its high, evenly by price.

    `scale` is bins a unit of price; places are counted in bins from the window's low.
    """
    bottom, volume = (mem[bar + n] - low) * scale, mem[bar + TWO * n]
    top = (mem[bar] - low) * scale
    most = real(bins) - 1.0
    k, last = whole(min(most, max(0.0, bottom))), whole(min(most, max(0.0, top)))
    if k >= last:
        mem[start + k] += volume
        return
    density = volume / (top - bottom)
    edge = real(k) + 1.0
    mem[start + k] += density * (edge - bottom)
    k += ONE
    while k < last:
        mem[start + k] += density
        k += ONE
    mem[start + last] += density * (top - real(last))


@step
def _centre(mem: Floats, start: Index, bins: Index) -> Index:
    """Return the fullest bin; of several, the one nearest the middle, of two such the lower."""
    most = mem[start]
    for j in range(bins):
        most = max(most, mem[start + j])
    middle, best, nearest = 0.5 * (real(bins) - 1.0), ZERO, real(bins)
    k = ZERO
    while k < bins:
        away = abs(real(k) - middle)
        if mem[start + k] >= LEVEL * most and away < nearest:
            best, nearest = k, away
        k += ONE
    return best


@step
def _area(
    mem: Floats, start: Index, bins: Index, centre: Index, wanted: float
) -> tuple[Index, Index]:
    """Return the lowest and highest bin around the fullest that together hold `wanted`.

    The fuller of the two neighbours is added each time, the upper one if they are equal.
    """
    below = above = centre
    held = mem[start + centre]
    while held < LEVEL * wanted and (below > ZERO or above + ONE < bins):
        up = mem[start + above + ONE] if above + ONE < bins else -1.0
        down = mem[start + below - ONE] if below > ZERO else -1.0
        if up >= LEVEL * down:
            above += ONE
            held += up
        else:
            below -= ONE
            held += down
    return below, above


@step
def _write(
    mem: Floats, o: Index, width: Index, ring: Index, where: Index, n: Index, p: Index
) -> None:
    """Write the three prices of a full ring whose oldest bar is at `where`."""
    bins, start = whole(mem[p + ONE]), ring + THREE * n
    top, bottom = mem[ring], mem[ring + n]
    for j in range(n):
        top, bottom = max(top, mem[ring + j]), min(bottom, mem[ring + n + j])
    for k in range(bins):
        mem[start + k] = 0.0
    size = (top - bottom) / real(bins)
    total = 0.0
    bar = where
    for _ in range(n):
        bar = ZERO if bar == n else bar
        total += mem[ring + TWO * n + bar]
        if size > 0.0:
            _spread(mem, start, bins, bottom, real(bins) / (top - bottom), ring + bar, n)
        bar += ONE
    centre = _centre(mem, start, bins)
    below, above = _area(mem, start, bins, centre, mem[p + TWO] * total)
    mem[o] = bottom + (real(centre) + 0.5) * size if total > 0.0 else NAN
    mem[o + width] = bottom + real(above + ONE) * size if total > 0.0 else NAN
    mem[o + TWO * width] = bottom + real(below) * size if total > 0.0 else NAN


@step
def profile(
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
    """Walk one row of the family over a tile of `m` bars: high, low and volume in, prices out."""
    length, ring = whole(mem[p]), s + TWO
    where, run = whole(mem[s]), mem[s + ONE]
    for i in range(m):
        high, low, volume = mem[a + i], mem[b + i], mem[c + i]
        known = (high == high) & (low == low) & (volume == volume)
        run = run + 1.0 if known else 0.0
        if known:
            mem[ring + where] = high
            mem[ring + length + where] = low
            mem[ring + TWO * length + where] = volume
            where = ZERO if where + ONE == length else where + ONE
        if run >= mem[p]:
            _write(mem, o + i, width, ring, where, length, p)
        else:
            for j in range(THREE):
                mem[o + j * width + i] = NAN
    mem[s], mem[s + ONE] = real(where), run
