"""Steps over the last n values that merge windows of 1, 2, 4, 8, ... values, level by level.

A window of 2 k values is merged from two of k, and one of n from those of the powers of two that
n is made of, the newest the smallest: a few operations a bar for any n, none of which forgets or
drifts. Means are merged as means, and squared distances from the mean with the squared gap
between two means, so that in a market that did not move the mean is its price and the spread
exactly zero. One unknown value makes every window that holds it unknown.

State: where this tile begins, where the next begins, a slot without use, and one line of `room`
slots for each level, the values themselves first; then, with spreads, one for each level's
squared distances. Lines of q symbols lie abreast, as in `windows`.
"""

import math

from folkmoot.causal.kernels.fma import ONE, THREE, TWO, ZERO, Index, fma, real, step, whole
from folkmoot.causal.kernels.windows import copy
from folkmoot.core.bars import Floats

MEAN, SPREAD, TOTAL, HIGHEST = 71, 72, 73, 74


@step
def pyramid(
    op: int,
    mem: Floats,
    a: Index,
    s: Index,
    levels: Index,
    keep: Index,
    room: Index,
    m: Index,
    q: Index,
) -> None:
    """Append a tile to the values and to every level above them."""
    where, line = whole(mem[s + ONE]), room * q
    if where + m // q > room:
        lines = levels + levels + TWO if op == SPREAD else levels + ONE
        for place in range(lines):
            first = s + THREE + place * line
            copy(mem, first, first + (where - keep) * q, keep * q)
        where = keep
    x = s + THREE + where * q
    copy(mem, x, a, m)
    mem[s], mem[s + ONE] = real(where), real(where + m // q)
    k = ONE
    for _ in range(levels):
        if op == SPREAD:
            _spreads(mem, x + line, x, (levels + ONE) * line, 0.5 * real(k), k * q, m)
        else:
            _merge(op, mem, x + line, x, k * q, m)
        x += line
        k += k


@step
def _merge(op: int, mem: Floats, o: Index, x: Index, k: Index, m: Index) -> None:
    """Write a level of windows above that at x, of which two lie k cells apart."""
    if op == TOTAL:
        _totals(mem, o, x, k, m)
    elif op < TOTAL:
        _means(mem, o, x, k, m)
    else:
        _extremes(op, mem, o, x, x - k, m)


@step
def _means(mem: Floats, o: Index, x: Index, k: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = 0.5 * (mem[x + i] + mem[x + i - k])


@step
def _totals(mem: Floats, o: Index, x: Index, k: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = mem[x + i] + mem[x + i - k]


@step
def _spreads(
    mem: Floats, o: Index, x: Index, squares: Index, half: float, k: Index, m: Index
) -> None:
    """Write means, and squared distances of two windows together; those of one value are zero."""
    below, out = x + squares, o + squares
    if half == 0.5:
        for i in range(m):
            newer, older = mem[x + i], mem[x + i - k]
            gap = newer - older
            mem[out + i] = half * gap * gap
            mem[o + i] = 0.5 * (newer + older)
    else:
        for i in range(m):
            newer, older = mem[x + i], mem[x + i - k]
            gap = newer - older
            mem[out + i] = fma(half * gap, gap, mem[below + i] + mem[below + i - k])
            mem[o + i] = 0.5 * (newer + older)


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
def window(
    op: int, mem: Floats, o: Index, s: Index, n: Index, room: Index, m: Index, q: Index
) -> None:
    """Write the mean, the sum, the largest or the smallest of the last n values."""
    x, line = s + THREE + whole(mem[s]) * q, room * q
    if op == 64 or op == 65:
        _extreme(op, mem, o, x, n, line, m, q)
        return
    seen, k = ZERO, ONE
    while k <= n:
        if n & k:
            if seen == ZERO:
                copy(mem, o, x, m)
            elif op == 61:
                _joined(mem, o, x - seen * q, real(k) / real(seen + k), m)
            else:
                _added(mem, o, x - seen * q, m)
            seen += k
        x += line
        k += k


@step
def _added(mem: Floats, o: Index, x: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] += mem[x + i]


@step
def _joined(mem: Floats, o: Index, x: Index, share: float, m: Index) -> None:
    for i in range(m):
        mem[o + i] = fma(share, mem[x + i] - mem[o + i], mem[o + i])


@step
def _extreme(
    op: int, mem: Floats, o: Index, x: Index, n: Index, line: Index, m: Index, q: Index
) -> None:
    k = ONE
    while k + k <= n:
        x += line
        k += k
    if k == n:
        copy(mem, o, x, m)
    else:
        _extremes(op + 10, mem, o, x, x - (n - k) * q, m)


@step
def spread(
    mem: Floats,
    o: Index,
    mean: Index,
    s: Index,
    n: Index,
    levels: Index,
    room: Index,
    m: Index,
    q: Index,
) -> None:
    """Write the standard deviation of the last n values, and their mean."""
    x, line, share = s + THREE + whole(mem[s]) * q, room * q, 1.0 / real(n)
    squares, k = (levels + ONE) * line, ONE
    while not n & k:
        x += line
        k += k
    seen, newest = k, x
    # A single value has no spread: what is read in its place is multiplied by zero.
    some, known = (x, 0.0) if k == ONE else (x + squares, 1.0)
    if seen == n:
        _one(mem, o, mean, x, some, known, share, m)
    while seen < n:
        x += line
        k += k
        if n & k:
            back, last = x - seen * q, share if seen + k == n else 0.0
            part = real(k) / real(seen + k)
            weight = real(seen) * real(k) / real(seen + k)
            if newest == mean:
                _further(mem, o, mean, back, back + squares, weight, part, last, m)
            else:
                _two(mem, o, mean, newest, some, known, back, back + squares, weight, part, last, m)
            newest = mean
            seen += k


@step
def _one(
    mem: Floats,
    o: Index,
    mean: Index,
    x: Index,
    squares: Index,
    known: float,
    share: float,
    m: Index,
) -> None:
    for i in range(m):
        mem[mean + i] = mem[x + i]
        mem[o + i] = math.sqrt(known * mem[squares + i] * share)


@step
def _two(
    mem: Floats,
    o: Index,
    mean: Index,
    x: Index,
    squares: Index,
    known: float,
    y: Index,
    others: Index,
    weight: float,
    part: float,
    share: float,
    m: Index,
) -> None:
    """Merge two windows, and take the root times `share` if there is one."""
    for i in range(m):
        newer = mem[x + i]
        gap = mem[y + i] - newer
        both = fma(weight * gap, gap, known * mem[squares + i] + mem[others + i])
        mem[o + i] = math.sqrt(both * share) if share > 0.0 else both
        mem[mean + i] = fma(part, gap, newer)


@step
def _further(
    mem: Floats,
    o: Index,
    mean: Index,
    y: Index,
    others: Index,
    weight: float,
    part: float,
    share: float,
    m: Index,
) -> None:
    """Merge a further window with those merged so far, and take the root likewise."""
    for i in range(m):
        newer = mem[mean + i]
        gap = mem[y + i] - newer
        both = fma(weight * gap, gap, mem[o + i] + mem[others + i])
        mem[o + i] = math.sqrt(both * share) if share > 0.0 else both
        mem[mean + i] = fma(part, gap, newer)
