"""Steps over the last n values that merge windows of 1, 2, 4, 8, ... values, level by level.

A window of 2 k values is merged from two of k, and one of n from those of the powers of two that
n is made of, the newest the smallest: a few operations a bar for any n, none of which forgets or
drifts. Means are merged as means, and squared distances from the mean with the squared gap
between two means, so that in a market that did not move the mean is its price and the spread
exactly zero. One unknown value makes every window that holds it unknown.

State: where this tile begins, where the next begins, a slot without use, and one line of `room`
slots for each level, the values themselves first; then, with spreads, one for each level's
squared distances.
"""

import math

from folkmoot.causal.kernels.fma import ONE, THREE, TWO, ZERO, Index, fma, real, step, whole
from folkmoot.core.bars import Floats

MEAN, SPREAD, TOTAL, HIGHEST = 71, 72, 73, 74


@step
def pyramid(
    op: int, mem: Floats, a: Index, s: Index, levels: Index, keep: Index, room: Index, m: Index
) -> None:
    """Append a tile to the values and to every level above them."""
    where = whole(mem[s + ONE])
    if where + m > room:
        lines = levels + levels + TWO if op == SPREAD else levels + ONE
        for line in range(lines):
            first = s + THREE + line * room
            for i in range(keep):
                mem[first + i] = mem[first + where - keep + i]
        where = keep
    first = s + THREE + where
    _copied(mem, first, a, m)
    mem[s], mem[s + ONE] = real(where), real(where + m)
    k = ONE
    for level in range(levels):
        _merge(op, mem, first + level * room, levels, room, k, m)
        k += k


@step
def _merge(op: int, mem: Floats, x: Index, levels: Index, room: Index, k: Index, m: Index) -> None:
    """Write a level of windows of 2 k values above that of k at x."""
    if op == MEAN:
        _means(mem, x + room, x, k, m)
    elif op == SPREAD:
        _spreads(mem, x + room, x, (levels + ONE) * room, k, m)
    elif op == TOTAL:
        _totals(mem, x + room, x, k, m)
    else:
        _extremes(op, mem, x + room, x, x - k, m)


@step
def _means(mem: Floats, o: Index, x: Index, k: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = 0.5 * (mem[x + i] + mem[x + i - k])


@step
def _totals(mem: Floats, o: Index, x: Index, k: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = mem[x + i] + mem[x + i - k]


@step
def _spreads(mem: Floats, o: Index, x: Index, squares: Index, k: Index, m: Index) -> None:
    """Write the means and the squared distances of 2 k values; those of one value are zero."""
    half = 0.5 * real(k)
    below, out = x + squares, o + squares
    if k == ONE:
        for i in range(m):
            gap = mem[x + i] - mem[x + i - k]
            mem[out + i] = half * gap * gap
    else:
        for i in range(m):
            gap = mem[x + i] - mem[x + i - k]
            mem[out + i] = fma(half * gap, gap, mem[below + i] + mem[below + i - k])
    _means(mem, o, x, k, m)


@step
def _extremes(op: int, mem: Floats, o: Index, x: Index, y: Index, m: Index) -> None:
    if op == HIGHEST:
        for i in range(m):
            p, q = mem[x + i], mem[y + i]
            mem[o + i] = p if (p > q) | (p != p) else q
    else:
        for i in range(m):
            p, q = mem[x + i], mem[y + i]
            mem[o + i] = p if (p < q) | (p != p) else q


@step
def _copied(mem: Floats, o: Index, x: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = mem[x + i]


@step
def window(op: int, mem: Floats, o: Index, s: Index, n: Index, room: Index, m: Index) -> None:
    """Write the mean, the sum, the largest or the smallest of the last n values."""
    x = s + THREE + whole(mem[s])
    if op == 64 or op == 65:
        _extreme(op, mem, o, x, n, room, m)
        return
    seen, k = ZERO, ONE
    while k <= n:
        if n & k:
            if seen == ZERO:
                _copied(mem, o, x, m)
            elif op == 61:
                _joined(mem, o, x - seen, real(k) / real(seen + k), m)
            else:
                for i in range(m):
                    mem[o + i] += mem[x - seen + i]
            seen += k
        x += room
        k += k


@step
def _joined(mem: Floats, o: Index, x: Index, share: float, m: Index) -> None:
    for i in range(m):
        mem[o + i] = fma(share, mem[x + i] - mem[o + i], mem[o + i])


@step
def _extreme(op: int, mem: Floats, o: Index, x: Index, n: Index, room: Index, m: Index) -> None:
    k = ONE
    while k + k <= n:
        x += room
        k += k
    if k == n:
        _copied(mem, o, x, m)
    else:
        _extremes(op + 10, mem, o, x, x + k - n, m)


@step
def spread(
    mem: Floats, o: Index, mean: Index, s: Index, n: Index, levels: Index, room: Index, m: Index
) -> None:
    """Write the standard deviation of the last n values, and their mean."""
    x, squares = s + THREE + whole(mem[s]), (levels + ONE) * room
    seen, k, share = ZERO, ONE, 1.0 / real(n)
    while k <= n:
        if n & k:
            if seen == ZERO:
                _copied(mem, mean, x, m)
                if k == ONE:
                    for i in range(m):
                        mem[o + i] = 0.0 * mem[x + i]
                else:
                    _copied(mem, o, x + squares, m)
            else:
                weight = real(seen) * real(k) / real(seen + k)
                for i in range(m):
                    gap = mem[x - seen + i] - mem[mean + i]
                    mem[o + i] = fma(weight * gap, gap, mem[o + i] + mem[x + squares - seen + i])
                _joined(mem, mean, x - seen, real(k) / real(seen + k), m)
            seen += k
        x += room
        k += k
    for i in range(m):
        mem[o + i] = math.sqrt(mem[o + i] * share)
