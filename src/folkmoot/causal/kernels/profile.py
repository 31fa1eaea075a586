"""Steps of the family `profile`: volume by price over the last n bars.

State: where the next bar goes in the rings, the known bars in a row, the rings of high, low and
volume, the volume of every bin. Parameters: n, the bins, the share of the value area.
"""

import math

import numpy as np

from folkmoot.causal.kernels.fma import ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan

LEVEL = 1.0 - 1e-9
"""What is so close to another volume is as much: bins under the same bars differ by rounding."""


@step
def _bin_of(price: float, low: float, width: float, bins: Index) -> Index:
    place: Index = whole(min(real(bins) - 1.0, max(0.0, np.floor((price - low) / width))))
    return place


@step
def _spread(
    mem: Floats, start: Index, bins: Index, low: float, width: float, bar: Index, n: Index
) -> None:
    """Add a bar's volume to the bins between its low and its high, evenly by price."""
    top, bottom, volume = mem[bar], mem[bar + n], mem[bar + TWO * n]
    k, last = _bin_of(bottom, low, width, bins), _bin_of(top, low, width, bins)
    if k >= last:
        mem[start + k] += volume
        return
    density = volume / (top - bottom)
    while k <= last:
        upper = top if k == last else low + real(k + ONE) * width
        lower = max(bottom, low + real(k) * width)
        mem[start + k] += density * max(0.0, upper - lower)
        k += ONE


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
            _spread(mem, start, bins, bottom, size, ring + bar, n)
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
