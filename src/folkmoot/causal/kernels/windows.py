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
EIGHT = Index(8)


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
def _apart(mem: Floats, x: Index, mean: float) -> float:
    """Return the distance from the mean of four values."""
    first, second = abs(mem[x] - mean), abs(mem[x + ONE] - mean)
    third, fourth = abs(mem[x + TWO] - mean), abs(mem[x + THREE] - mean)
    total: float = (first + second) + (third + fourth)
    return total


@step
def deviation(mem: Floats, o: Index, centre: Index, s: Index, n: Index, m: Index) -> None:
    """Write the mean distance of the last n values from their mean, which `centre` holds."""
    x, share = s + THREE + whole(mem[s]) + ONE - n, 1.0 / real(n)
    _clear(mem, o, m)
    j = ZERO
    while j + EIGHT <= n:
        for i in range(m):
            k, mean = x + j + i, mem[centre + i]
            mem[o + i] += _apart(mem, k, mean) + _apart(mem, k + FOUR, mean)
        j += EIGHT
    if j + FOUR <= n:
        for i in range(m):
            mem[o + i] += _apart(mem, x + j + i, mem[centre + i])
        j += FOUR
    for k in range(j, n):
        for i in range(m):
            mem[o + i] += abs(mem[x + k + i] - mem[centre + i])
    for i in range(m):
        mem[o + i] *= share


@step
def _clear(mem: Floats, o: Index, m: Index) -> None:
    for i in range(m):
        mem[o + i] = 0.0


@step
def place(mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    """Write the share of the last n values below the newest, ties counting half."""
    x, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    if m == ONE:
        _place_one(mem, o, runs, x, n)
        return
    newest = x + n - ONE
    for i in range(m):
        mem[o + i] = 0.5
    j = ZERO
    while j + FOUR < n:
        for i in range(m):
            k, last = x + j + i, mem[newest + i]
            first = _below(mem[k], last) + _below(mem[k + ONE], last)
            mem[o + i] += first + (_below(mem[k + TWO], last) + _below(mem[k + THREE], last))
        j += FOUR
    while j + ONE < n:
        for i in range(m):
            mem[o + i] += _below(mem[x + j + i], mem[newest + i])
        j += ONE
    for i in range(m):
        mem[o + i] = mem[o + i] / count if mem[runs + i] >= count else NAN


@step
def _below(value: float, last: float) -> float:
    return 1.0 if value < last else (0.5 if value == last else 0.0)


@step
def _place_one(mem: Floats, o: Index, runs: Index, x: Index, n: Index) -> None:
    last, below, same = mem[x + n - ONE], 0, 0
    for j in range(n):
        below += 1 if mem[x + j] < last else 0
        same += 1 if mem[x + j] == last else 0
    mem[o] = (below + 0.5 * same) / real(n) if mem[runs] >= real(n) else NAN


@step
def slope(mem: Floats, o: Index, s: Index, n: Index, m: Index) -> None:
    """Write the least-squares slope per bar of the last n values.

    The terms are taken in pairs about the middle, so a market that did not move has none.
    """
    x, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    last, unit = x + n - ONE, 12.0 / (count * (count * count - 1.0))
    half, weight = n // TWO, 0.5 * (count - 1.0) * unit
    middle = 0.0 if n % TWO == ZERO else 1.0
    for i in range(m):
        mem[o + i] = 0.0 * mem[x + half + i] * middle
    j = ZERO
    while j + TWO <= half:
        for i in range(m):
            first, second = last + i - j, x + i + j
            outer = weight * (mem[first] - mem[second])
            inner = (weight - unit) * (mem[first - ONE] - mem[second + ONE])
            mem[o + i] += outer + inner
        weight -= unit + unit
        j += TWO
    if j < half:
        for i in range(m):
            mem[o + i] += weight * (mem[last + i - j] - mem[x + i + j])


@step
def covariance(
    mem: Floats, o: Index, a: Index, b: Index, s: Index, t: Index, n: Index, m: Index
) -> None:
    """Write the covariance of two lines over the last n bars, about their means in a and b."""
    x, y = s + THREE + whole(mem[s]) + ONE - n, t + THREE + whole(mem[t]) + ONE - n
    share = 1.0 / real(n)
    for i in range(m):
        mem[o + i] = 0.0
    j = ZERO
    while j + TWO <= n:
        for i in range(m):
            k, q, p, r = x + j + i, y + j + i, mem[a + i], mem[b + i]
            first = (mem[k] - p) * (mem[q] - r)
            mem[o + i] += first + (mem[k + ONE] - p) * (mem[q + ONE] - r)
        j += TWO
    if j < n:
        for i in range(m):
            mem[o + i] += (mem[x + j + i] - mem[a + i]) * (mem[y + j + i] - mem[b + i])
    for i in range(m):
        mem[o + i] *= share
