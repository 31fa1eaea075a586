"""Steps over the last n values, each computed in one fixed order of terms.

Values are appended to a line of `room` slots; when it is full its last values move to its head,
so that a window is always contiguous, however the bars were cut into tiles. The outer loop is over
the terms of a window and the inner over the bars of a tile, which are then computed abreast; a
single bar adds the same terms in the same order. In a panel, a tile is one bar of each of q
symbols, whose lines lie abreast: what is one cell back in history (q = 1) is q cells back there.

State of a line: where this tile begins, where the next begins, known values in a row, the slots.
"""

import math

from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan
EIGHT = Index(8)


@step
def remember(
    mem: Floats,
    o: Index,
    a: Index,
    counted: Index,
    s: Index,
    n: Index,
    room: Index,
    m: Index,
    q: Index,
) -> None:
    """Append a tile to a line; write how many values in a row have been known, if `counted`."""
    where, keep = whole(mem[s + ONE]), n - ONE
    if where + m // q > room:
        copy(mem, s + THREE, s + THREE + (where - keep) * q, keep * q)
        where = keep
    copy(mem, s + THREE + where * q, a, m)
    mem[s] = real(where)
    mem[s + ONE] = real(where + m // q)
    if counted != ZERO:
        _count(mem, o, a, s + TWO, m)


@step
def copy(mem: Floats, o: Index, a: Index, m: Index) -> None:
    """Copy m cells, first to last."""
    for i in range(m):
        mem[o + i] = mem[a + i]


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
def recall(mem: Floats, o: Index, s: Index, k: Index, m: Index, q: Index) -> None:
    """Write the value of k bars ago."""
    copy(mem, o, s + THREE + (whole(mem[s]) - k) * q, m)


@step
def _apart(mem: Floats, x: Index, mean: float, q: Index) -> float:
    """Return the distance from the mean of four values."""
    first, second = abs(mem[x] - mean), abs(mem[x + q] - mean)
    third, fourth = abs(mem[x + TWO * q] - mean), abs(mem[x + THREE * q] - mean)
    total: float = (first + second) + (third + fourth)
    return total


@step
def deviation(mem: Floats, o: Index, centre: Index, s: Index, n: Index, m: Index, q: Index) -> None:
    """Write the mean distance of the last n values from their mean, which `centre` holds."""
    x, share = s + THREE + (whole(mem[s]) + ONE - n) * q, 1.0 / real(n)
    _clear(mem, o, m)
    j = ZERO
    while j + EIGHT <= n:
        for i in range(m):
            k, mean = x + j * q + i, mem[centre + i]
            mem[o + i] += _apart(mem, k, mean, q) + _apart(mem, k + FOUR * q, mean, q)
        j += EIGHT
    if j + FOUR <= n:
        for i in range(m):
            mem[o + i] += _apart(mem, x + j * q + i, mem[centre + i], q)
        j += FOUR
    for k in range(j, n):
        for i in range(m):
            mem[o + i] += abs(mem[x + k * q + i] - mem[centre + i])
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
def slope(mem: Floats, o: Index, s: Index, n: Index, m: Index, q: Index) -> None:
    """Write the least-squares slope per bar of the last n values.

    The terms are taken in pairs about the middle, so a market that did not move has none.
    """
    x, count = s + THREE + (whole(mem[s]) + ONE - n) * q, real(n)
    last, unit = x + (n - ONE) * q, 12.0 / (count * (count * count - 1.0))
    half, weight = n // TWO, 0.5 * (count - 1.0) * unit
    # The middle one of an odd number has no weight, and is still to be known.
    for i in range(m):
        mem[o + i] = 0.0 * mem[x + half * q + i]
    j = ZERO
    while j + TWO <= half:
        for i in range(m):
            first, second = last + i - j * q, x + i + j * q
            outer = weight * (mem[first] - mem[second])
            inner = (weight - unit) * (mem[first - q] - mem[second + q])
            mem[o + i] += outer + inner
        weight -= unit + unit
        j += TWO
    if j < half:
        for i in range(m):
            mem[o + i] += weight * (mem[last + i - j * q] - mem[x + i + j * q])


@step
def covariance(
    mem: Floats, o: Index, a: Index, b: Index, s: Index, t: Index, n: Index, m: Index, q: Index
) -> None:
    """Write the covariance of two lines over the last n bars, about their means in a and b."""
    x = s + THREE + (whole(mem[s]) + ONE - n) * q
    y = t + THREE + (whole(mem[t]) + ONE - n) * q
    share = 1.0 / real(n)
    _clear(mem, o, m)
    j = ZERO
    while j + TWO <= n:
        for i in range(m):
            k, z, p, r = x + j * q + i, y + j * q + i, mem[a + i], mem[b + i]
            first = (mem[k] - p) * (mem[z] - r)
            mem[o + i] += first + (mem[k + q] - p) * (mem[z + q] - r)
        j += TWO
    if j < n:
        for i in range(m):
            k, z = x + j * q + i, y + j * q + i
            mem[o + i] += (mem[k] - mem[a + i]) * (mem[z] - mem[b + i])
    for i in range(m):
        mem[o + i] *= share
