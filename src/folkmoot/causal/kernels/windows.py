"""Steps over the last n values, each computed afresh in one fixed order of terms.

Values are appended to a line of `room` slots; when it is full its last `length - 1` values move
to its head, so that a window is always contiguous and its terms are read oldest first, however
the bars were cut into tiles. Sums run in four lanes. Values are taken relative to the newest, so
a market that did not move has a spread of exactly zero.

State of a line: where this tile begins, where the next begins, known values in a row, the slots.
"""

import math

from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan


@step
def remember(
    mem: Floats, o: Index, a: Index, s: Index, length: Index, room: Index, m: Index
) -> None:
    """Append a tile to a line; write how many values in a row have been known."""
    line, where, run = s + THREE, whole(mem[s + ONE]), mem[s + TWO]
    if where + m > room:
        keep = length - ONE
        for i in range(keep):
            mem[line + i] = mem[line + where - keep + i]
        where = keep
    for i in range(m):
        x = mem[a + i]
        mem[line + where + i] = x
        run = run + 1.0 if x == x else 0.0
        mem[o + i] = run
    mem[s] = real(where)
    mem[s + ONE] = real(where + m)
    mem[s + TWO] = run


@step
def recall(mem: Floats, o: Index, s: Index, k: Index, m: Index) -> None:
    """Write the value of k bars ago."""
    first = s + THREE + whole(mem[s]) - k
    for i in range(m):
        mem[o + i] = mem[first + i]


@step
def _sum(mem: Floats, first: Index, n: Index, centre: float) -> float:
    a = b = c = d = 0.0
    i = ZERO
    while i + FOUR <= n:
        a += mem[first + i] - centre
        b += mem[first + i + ONE] - centre
        c += mem[first + i + TWO] - centre
        d += mem[first + i + THREE] - centre
        i += FOUR
    while i < n:
        a += mem[first + i] - centre
        i += ONE
    return (a + b) + (c + d)


@step
def _squares(mem: Floats, first: Index, n: Index, newest: float, centre: float) -> float:
    a = b = c = d = 0.0
    i = ZERO
    while i + FOUR <= n:
        p = (mem[first + i] - newest) - centre
        q = (mem[first + i + ONE] - newest) - centre
        r = (mem[first + i + TWO] - newest) - centre
        t = (mem[first + i + THREE] - newest) - centre
        a += p * p
        b += q * q
        c += r * r
        d += t * t
        i += FOUR
    while i < n:
        p = (mem[first + i] - newest) - centre
        a += p * p
        i += ONE
    return (a + b) + (c + d)


@step
def _distances(mem: Floats, first: Index, n: Index, newest: float, centre: float) -> float:
    a = b = c = d = 0.0
    i = ZERO
    while i + FOUR <= n:
        a += abs((mem[first + i] - newest) - centre)
        b += abs((mem[first + i + ONE] - newest) - centre)
        c += abs((mem[first + i + TWO] - newest) - centre)
        d += abs((mem[first + i + THREE] - newest) - centre)
        i += FOUR
    while i < n:
        a += abs((mem[first + i] - newest) - centre)
        i += ONE
    return (a + b) + (c + d)


@step
def moments(op: int, mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the mean, the sum, the standard deviation or the mean distance from the mean."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            start = first + i
            newest = mem[start + n - ONE]
            if op == 62:
                value = _sum(mem, start, n, 0.0)
            else:
                centre = _sum(mem, start, n, newest) / count
                if op == 61:
                    value = newest + centre
                elif op == 63:
                    value = math.sqrt(_squares(mem, start, n, newest, centre) / count)
                else:
                    value = _distances(mem, start, n, newest, centre) / count
        mem[o + i] = value


@step
def _top(mem: Floats, first: Index, n: Index, sign: float) -> float:
    best: float = sign * mem[first]
    other, i = best, ONE
    while i + TWO <= n:
        x, y = sign * mem[first + i], sign * mem[first + i + ONE]
        best = x if x > best else best
        other = y if y > other else other
        i += TWO
    if i < n:
        x = sign * mem[first + i]
        best = x if x > best else best
    return sign * (best if best > other else other)


@step
def extremes(op: int, mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the largest or the smallest of the last n values."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    sign = 1.0 if op == 64 else -1.0
    for i in range(m):
        mem[o + i] = _top(mem, first + i, n, sign) if mem[runs + i] >= count else NAN


@step
def place(mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the share of the last n values below the newest, ties counting half."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            newest = mem[first + i + n - ONE]
            below = same = 0
            for j in range(n):
                x = mem[first + i + j]
                below += x < newest
                same += x == newest
            value = (below + 0.5 * same) / count
        mem[o + i] = value


@step
def slope(mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the least-squares slope per bar of the last n values."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    middle, spread = 0.5 * (count - 1.0), count * (count * count - 1.0) / 12.0
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            newest = mem[first + i + n - ONE]
            a = b = 0.0
            j = ZERO
            while j + TWO <= n:
                a += (real(j) - middle) * (mem[first + i + j] - newest)
                b += (real(j + ONE) - middle) * (mem[first + i + j + ONE] - newest)
                j += TWO
            if j < n:
                a += (real(j) - middle) * (mem[first + i + j] - newest)
            value = (a + b) / spread
        mem[o + i] = value


@step
def _products(mem: Floats, x: Index, y: Index, n: Index, x_newest: float, y_newest: float) -> float:
    x_mean = _sum(mem, x, n, x_newest) / real(n)
    y_mean = _sum(mem, y, n, y_newest) / real(n)
    xx = yy = xy = 0.0
    for j in range(n):
        p = (mem[x + j] - x_newest) - x_mean
        q = (mem[y + j] - y_newest) - y_mean
        xx += p * p
        yy += q * q
        xy += p * q
    if xx == 0.0 or yy == 0.0:
        return NAN
    return min(1.0, max(-1.0, xy / (math.sqrt(xx) * math.sqrt(yy))))


@step
def correlation(
    mem: Floats, o: Index, x_runs: Index, y_runs: Index, x: Index, y: Index, n: Index, m: Index
) -> None:
    """Write Pearson's correlation of two lines over the last n bars."""
    x_first, count = x + THREE + whole(mem[x]) + ONE - n, real(n)
    y_first, last = y + THREE + whole(mem[y]) + ONE - n, n - ONE
    for i in range(m):
        value = NAN
        if mem[x_runs + i] >= count and mem[y_runs + i] >= count:
            p, q = x_first + i, y_first + i
            value = _products(mem, p, q, n, mem[p + last], mem[q + last])
        mem[o + i] = value
