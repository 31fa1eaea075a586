"""Steps of the family `gramian`: numbers of the Gramian angular fields, without the matrices.

A window is scaled to z in -1 .. 1; with s = sqrt(1 - z z) = sin(arccos z) the fields are
GASF[i, j] = z[i] z[j] - s[i] s[j] and GADF[i, j] = s[i] z[j] - z[i] s[j], so that means over
blocks, bands and triangles are sums over the window. z and s are kept beside the parameters.
"""

import math

from folkmoot.causal.kernels.fma import FOUR, ONE, THREE, TWO, ZERO, Index, real, step, whole
from folkmoot.core.bars import Floats

NAN = math.nan

EDGE = Index(10)
"""Bars at either end that the strengths of the present and of the past look at."""

BANDS = Index(5)
"""Lags 1, 2, 4, 8, 16."""

EVEN, SIGNED, ANGLES = Index(13), Index(13), Index(6)
"""Outputs that are blind to the sign of a move, outputs that see it, and angles, which do too."""


@step
def _scale(mem: Floats, first: Index, n: Index, z: Index) -> bool:
    """Write z and, after it, s; return whether the window moved at all.

    Distances to both ends of the range, rather than their difference from 1, keep s exact where z
    is near 1 or -1.
    """
    low = high = mem[first]
    for j in range(n):
        x = mem[first + j]
        low, high = min(low, x), max(high, x)
    span = high - low
    if not span > 0.0:
        return False
    inverse = 1.0 / span
    for j in range(n):
        above, below = mem[first + j] - low, high - mem[first + j]
        mem[z + j] = (above - below) / span
        mem[z + n + j] = 2.0 * math.sqrt((above * inverse) * (below * inverse))
    return True


@step
def _mean(mem: Floats, first: Index, n: Index) -> float:
    a = b = c = d = 0.0
    i = ZERO
    while i + FOUR <= n:
        a += mem[first + i]
        b += mem[first + i + ONE]
        c += mem[first + i + TWO]
        d += mem[first + i + THREE]
        i += FOUR
    while i < n:
        a += mem[first + i]
        i += ONE
    mean: float = ((a + b) + (c + d)) / real(n)
    return mean


@step
def _product(mem: Floats, x: Index, y: Index, n: Index) -> float:
    a = b = c = d = 0.0
    i = ZERO
    while i + FOUR <= n:
        a += mem[x + i] * mem[y + i]
        b += mem[x + i + ONE] * mem[y + i + ONE]
        c += mem[x + i + TWO] * mem[y + i + TWO]
        d += mem[x + i + THREE] * mem[y + i + THREE]
        i += FOUR
    while i < n:
        a += mem[x + i] * mem[y + i]
        i += ONE
    mean: float = ((a + b) + (c + d)) / real(n)
    return mean


@step
def _block(mem: Floats, z: Index, n: Index, begin: Index, count: Index) -> float:
    """Return the mean of GASF over the square block of `count` bars from `begin` on."""
    zs = _mean(mem, z + begin, count)
    ss = _mean(mem, z + n + begin, count)
    block: float = zs * zs - ss * ss
    return block


@step
def _even(mem: Floats, z: Index, n: Index, o: Index, width: Index) -> None:
    """Write the thirteen numbers of a scaled window."""
    half, edge = n // TWO, min(EDGE, n)
    zz, zs = _product(mem, z, z, n), _product(mem, z, z + n, n)
    spread = 0.0
    for j in range(n):
        apart = mem[z + j] * mem[z + j] - zz
        spread += apart * apart
    whole_mean = _block(mem, z, n, ZERO, n)
    recent, historical = _block(mem, z, n, n - edge, edge), _block(mem, z, n, ZERO, edge)
    ss = 1.0 - zz
    sums = zz * zz + ss * ss - 2.0 * zs * zs - whole_mean * whole_mean
    mem[o] = 2.0 * zz - 1.0
    mem[o + width] = 2.0 * math.sqrt(spread / real(n))
    mem[o + TWO * width] = _block(mem, z, n, ZERO, half)
    mem[o + THREE * width] = _block(mem, z, n, half, n - half)
    mem[o + FOUR * width] = whole_mean
    mem[o + Index(5) * width] = math.sqrt(max(0.0, sums))
    mem[o + Index(6) * width] = 0.0
    mem[o + Index(7) * width] = math.sqrt(max(0.0, 2.0 * (ss * zz - zs * zs)))
    mem[o + Index(8) * width] = whole_mean
    mem[o + Index(9) * width] = 0.0
    mem[o + Index(10) * width] = recent
    mem[o + Index(11) * width] = historical
    mem[o + Index(12) * width] = recent - historical


@step
def _band(mem: Floats, z: Index, n: Index, lag: Index) -> tuple[float, float]:
    """Return the means of GASF and of GADF over the pairs that are `lag` bars apart."""
    a = b = c = d = e = f = g = h = 0.0
    sine, later, turned, count = z + n, z + lag, z + n + lag, n - lag
    i = ZERO
    while i + FOUR <= count:
        a += mem[z + i] * mem[later + i] - mem[sine + i] * mem[turned + i]
        e += mem[sine + i] * mem[later + i] - mem[z + i] * mem[turned + i]
        j = i + ONE
        b += mem[z + j] * mem[later + j] - mem[sine + j] * mem[turned + j]
        f += mem[sine + j] * mem[later + j] - mem[z + j] * mem[turned + j]
        j = i + TWO
        c += mem[z + j] * mem[later + j] - mem[sine + j] * mem[turned + j]
        g += mem[sine + j] * mem[later + j] - mem[z + j] * mem[turned + j]
        j = i + THREE
        d += mem[z + j] * mem[later + j] - mem[sine + j] * mem[turned + j]
        h += mem[sine + j] * mem[later + j] - mem[z + j] * mem[turned + j]
        i += FOUR
    while i < count:
        a += mem[z + i] * mem[later + i] - mem[sine + i] * mem[turned + i]
        e += mem[sine + i] * mem[later + i] - mem[z + i] * mem[turned + i]
        i += ONE
    return ((a + b) + (c + d)) / real(count), ((e + f) + (g + h)) / real(count)


@step
def _triangle(mem: Floats, z: Index, n: Index) -> float:
    """Return the mean of GADF over all pairs of an earlier and a later bar."""
    z_sum = s_sum = total = 0.0
    for j in range(n):
        here, sine = mem[z + j], mem[z + n + j]
        total += here * s_sum - sine * z_sum
        z_sum += here
        s_sum += sine
    mean: float = total / (0.5 * real(n) * (real(n) - 1.0))
    return mean


@step
def _with_time(mem: Floats, z: Index, n: Index) -> float:
    """Return the correlation of z with time."""
    centre, middle = _mean(mem, z, n), 0.5 * (real(n) - 1.0)
    zz = zt = 0.0
    for j in range(n):
        apart = mem[z + j] - centre
        zz += apart * apart
        zt += apart * (real(j) - middle)
    tt = real(n) * (real(n) * real(n) - 1.0) / 12.0
    return min(1.0, max(-1.0, zt / math.sqrt(zz * tt)))


@step
def _signed(mem: Floats, z: Index, n: Index, o: Index, width: Index) -> None:
    """Write the numbers that turn over with the chart; NaN for lags the window does not hold."""
    steady = _with_time(mem, z, n)
    rest = (1.0 - steady) * (1.0 + steady)
    mem[o] = _triangle(mem, z, n)
    mem[o + width] = steady
    t = steady * math.sqrt((real(n) - 2.0) / rest) if rest > 0.0 and n > TWO else NAN
    mem[o + TWO * width] = t
    place, lag = o + THREE * width, ONE
    for _ in range(BANDS):
        plus = minus = NAN
        if lag < n:
            plus, minus = _band(mem, z, n, lag)
        mem[place] = plus
        mem[place + BANDS * width] = minus
        place, lag = place + width, lag + lag


@step
def _angles(mem: Floats, z: Index, n: Index, o: Index, width: Index) -> None:
    """Write the angle of the newest bar and by how much it has turned since each lag."""
    last = z + n - ONE
    angle = math.acos(mem[last])
    mem[o] = angle
    place, lag = o + width, ONE
    for _ in range(BANDS):
        mem[place] = angle - math.acos(mem[last - lag]) if lag < n else NAN
        place, lag = place + width, lag + lag


@step
def gramian(
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
    """Walk one row of the family over a tile of `m` bars."""
    first = s + THREE + whole(mem[s]) + ONE - n
    outputs = EVEN if op == 160 else (SIGNED if op == 161 else ANGLES)
    for i in range(m):
        if mem[a + i] >= real(n) and _scale(mem, first + i, n, p):
            if op == 160:
                _even(mem, p, n, o + i, width)
            elif op == 162:
                _angles(mem, p, n, o + i, width)
            else:
                _signed(mem, p, n, o + i, width)
        else:
            for j in range(outputs):
                mem[o + j * width + i] = NAN
