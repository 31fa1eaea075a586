"""Steps over the last n values, each computed in one fixed order of terms.

Values are appended to a line of `room` slots; when it is full its last values move to its head,
so that a window is always contiguous, however the bars were cut into tiles. The outer loop is over
the terms of a window and the inner over the bars of a tile, which are then computed abreast; a
single bar adds the same terms in the same order.

State of a line: where this tile begins, where the next begins, known values in a row, the slots.
"""

import math

from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan


@step
def remember(
    mem: Floats, o: Index, a: Index, counted: Index, s: Index, n: Index, room: Index, m: Index
) -> None:
    """Append a tile to a line; write how many values in a row have been known, if `counted`."""
    where, keep = whole(mem[s + ONE]), n - ONE
    if where + m > room:
        for i in range(keep):
            mem[s + THREE + i] = mem[s + THREE + where - keep + i]
        where = keep
    first = s + THREE + where
    for i in range(m):
        mem[first + i] = mem[a + i]
    mem[s] = real(where)
    mem[s + ONE] = real(where + m)
    if counted != ZERO:
        _count(mem, o, a, s + TWO, m)


@step
def _count(mem: Floats, o: Index, a: Index, s: Index, m: Index) -> None:
    run, unknown = mem[s], ZERO
    for i in range(m):
        unknown += ONE if mem[a + i] != mem[a + i] else ZERO
    if unknown == ZERO:
        for i in range(m):
            mem[o + i] = run + real(i + ONE)
        run += real(m)
    else:
        for i in range(m):
            run = run + 1.0 if mem[a + i] == mem[a + i] else 0.0
            mem[o + i] = run
    mem[s] = run


@step
def recall(mem: Floats, o: Index, s: Index, k: Index, m: Index) -> None:
    """Write the value of k bars ago."""
    first = s + THREE + whole(mem[s]) - k
    for i in range(m):
        mem[o + i] = mem[first + i]


@step
def deviation(mem: Floats, o: Index, centre: Index, s: Index, n: Index, m: Index) -> None:
    """Write the mean distance of the last n values from their mean, which `centre` holds."""
    x, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    for i in range(m):
        mem[o + i] = 0.0
    j = ZERO
    while j + FOUR <= n:
        for i in range(m):
            k, mean = x + j + i, mem[centre + i]
            first, second = abs(mem[k] - mean), abs(mem[k + ONE] - mean)
            third, fourth = abs(mem[k + TWO] - mean), abs(mem[k + THREE] - mean)
            mem[o + i] += (first + second) + (third + fourth)
        j += FOUR
    while j < n:
        for i in range(m):
            mem[o + i] += abs(mem[x + j + i] - mem[centre + i])
        j += ONE
    for i in range(m):
        mem[o + i] /= count


@step
def place(mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the share of the last n values below the newest, ties counting half."""
    x, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    newest = x + n - ONE
    for i in range(m):
        mem[o + i] = 0.5
    for j in range(n - ONE):
        for i in range(m):
            value, last = mem[x + j + i], mem[newest + i]
            mem[o + i] += 1.0 if value < last else (0.5 if value == last else 0.0)
    for i in range(m):
        mem[o + i] = mem[o + i] / count if mem[runs + i] >= count else NAN


@step
def slope(mem: Floats, o: Index, s: Index, n: Index, m: Index) -> None:
    """Write the least-squares slope per bar of the last n values.

    The terms are taken in pairs about the middle, so a market that did not move has none.
    """
    x, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    last, spread = x + n - ONE, count * (count * count - 1.0) / 12.0
    for i in range(m):
        mem[o + i] = 0.0
    for j in range(n // TWO):
        weight = 0.5 * (count - 1.0) - real(j)
        for i in range(m):
            mem[o + i] += weight * (mem[last + i - j] - mem[x + i + j])
    if n % TWO == ONE:
        for i in range(m):
            mem[o + i] += 0.0 * mem[x + n // TWO + i]
    for i in range(m):
        mem[o + i] /= spread


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
