"""Steps of the family `order`: order statistics, weighted windows, counted patterns.

Weighted sums run over bars inside and over terms outside, oldest term first and each fused, so
that a tile is vectorised and still gives the bits of a single bar. What is kept from bar to bar
(a sorted window, an extreme's age, counts) begins anew on the first bar whose window is wholly
known; its slots follow the row's parameters.
"""

import math

from folkmoot.causal.kernels.fma import (
    FOUR,
    ONE,
    THREE,
    TWO,
    ZERO,
    Index,
    fma,
    real,
    step,
    whole,
)
from folkmoot.core.bars import Floats

NAN = math.nan


@step
def _lower_bound(mem: Floats, line: Index, n: Index, x: float) -> Index:
    """Return how many of the n sorted values are below x."""
    start, count = ZERO, n
    while count > ZERO:
        half = count // TWO
        if mem[line + start + half] < x:
            start, count = start + half + ONE, count - half - ONE
        else:
            count = half
    return start


@step
def _replace(mem: Floats, line: Index, n: Index, old: float, new: float) -> None:
    """Exchange one value of a sorted line for another."""
    j = _lower_bound(mem, line, n, old)
    while j + ONE < n and mem[line + j + ONE] < new:
        mem[line + j] = mem[line + j + ONE]
        j += ONE
    while j > ZERO and mem[line + j - ONE] > new:
        mem[line + j] = mem[line + j - ONE]
        j -= ONE
    mem[line + j] = new


@step
def _sort(mem: Floats, line: Index, first: Index, n: Index) -> None:
    for k in range(n):
        mem[line + k] = math.inf
    for k in range(n):
        _replace(mem, line, k + ONE, math.inf, mem[first + k])


@step
def _quantile(mem: Floats, o: Index, runs: Index, s: Index, n: Index, p: Index, m: Index) -> None:
    """Write a quantile. Parameters: place below it, share of the step to the next one.

    Kept: the value that leaves next, the sorted window.
    """
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    below, share, line = whole(mem[p]), mem[p + ONE], p + THREE
    above = min(below + ONE, n - ONE)
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            if mem[runs + i] == count:
                _sort(mem, line, first + i, n)
            else:
                _replace(mem, line, n, mem[p + TWO], mem[first + i + n - ONE])
            mem[p + TWO] = mem[first + i]
            low, high = mem[line + below], mem[line + above]
            gap = high - low
            value = low + gap * share if share < 0.5 else high - gap * (1.0 - share)
        mem[o + i] = value


@step
def _since_extreme(
    mem: Floats, o: Index, runs: Index, s: Index, n: Index, p: Index, sign: float, m: Index
) -> None:
    """Write the bars since the window's largest `sign` x. Kept: that number, the extreme."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    age, best = mem[p], mem[p + ONE]
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            age += 1.0
            x = sign * mem[first + i + n - ONE]
            if mem[runs + i] == count or (age >= count and x < best):
                best = sign * mem[first + i]
                for j in range(n):
                    x = sign * mem[first + i + j]
                    age = count - 1.0 - real(j) if x >= best else age
                    best = x if x >= best else best
            elif x >= best:
                age, best = 0.0, x
            value = age
        mem[o + i] = value
    mem[p], mem[p + ONE] = age, best


@step
def _weighted(mem: Floats, o: Index, runs: Index, s: Index, n: Index, p: Index, m: Index) -> None:
    """Write the weighted sum of the last n values; the parameters are the weights, oldest first."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    for i in range(m):
        mem[o + i] = 0.0
    j = ZERO
    while j + FOUR <= n:
        k, t, u, v = mem[p + j], mem[p + j + ONE], mem[p + j + TWO], mem[p + j + THREE]
        x = first + j
        for i in range(m):
            y = fma(t, mem[x + i + ONE], fma(k, mem[x + i], mem[o + i]))
            mem[o + i] = fma(v, mem[x + i + THREE], fma(u, mem[x + i + TWO], y))
        j += FOUR
    while j < n:
        k = mem[p + j]
        for i in range(m):
            mem[o + i] = fma(k, mem[first + i + j], mem[o + i])
        j += ONE
    for i in range(m):
        mem[o + i] = mem[o + i] if mem[runs + i] >= count else NAN


@step
def _line(mem: Floats, o: Index, runs: Index, s: Index, n: Index, p: Index, m: Index) -> None:
    """Write the least-squares line's newest value: weighted distances from the newest value."""
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    last = first + n - ONE
    for i in range(m):
        mem[o + i] = 0.0
    for j in range(n - ONE):
        k = mem[p + j]
        for i in range(m):
            mem[o + i] = fma(k, mem[first + i + j] - mem[last + i], mem[o + i])
    for i in range(m):
        mem[o + i] = mem[last + i] + mem[o + i] if mem[runs + i] >= count else NAN


@step
def _mean(mem: Floats, first: Index, n: Index, newest: float) -> float:
    """Return the mean distance of n values from the newest, summed in two lanes."""
    a = b = 0.0
    j = ZERO
    while j + TWO <= n:
        a += mem[first + j] - newest
        b += mem[first + j + ONE] - newest
        j += TWO
    if j < n:
        a += mem[first + j] - newest
    mean: float = (a + b) / real(n)
    return mean


@step
def _term(op: int, x: float, place: float) -> float:
    if op == 105:
        return place * x
    return x * x * x if op == 106 else (x * x) * (x * x)


@step
def _moment(op: int, mem: Floats, first: Index, n: Index, newest: float) -> float:
    """Return how well a line fits (r squared), the skewness or the excess kurtosis."""
    centre, count = _mean(mem, first, n, newest), real(n)
    middle = 0.5 * (count - 1.0)
    a = b = c = d = 0.0
    j = ZERO
    while j + TWO <= n:
        x, y = (mem[first + j] - newest) - centre, (mem[first + j + ONE] - newest) - centre
        a += x * x
        b += y * y
        c += _term(op, x, real(j) - middle)
        d += _term(op, y, real(j + ONE) - middle)
        j += TWO
    if j < n:
        x = (mem[first + j] - newest) - centre
        a += x * x
        c += _term(op, x, real(j) - middle)
    squares, other = a + b, c + d
    variance, value = squares / count, NAN
    if squares > 0.0 and op == 105:
        spread = count * (count * count - 1.0) / 12.0
        value = min(1.0, other * other / (spread * squares))
    elif squares > 0.0 and op == 106:
        value = other / count / (variance * math.sqrt(variance))
    elif squares > 0.0:
        value = other / count / (variance * variance) - 3.0
    return value


@step
def _moments(op: int, mem: Floats, o: Index, runs: Index, s: Index, n: Index, m: Index) -> None:
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            value = _moment(op, mem, first + i, n, mem[first + i + n - ONE])
        mem[o + i] = value


@step
def _product(mem: Floats, x: Index, y: Index, n: Index) -> float:
    """Return the mean product of the distances of n values from their means, in two lanes."""
    p_newest, q_newest = mem[x + n - ONE], mem[y + n - ONE]
    p_mean, q_mean = _mean(mem, x, n, p_newest), _mean(mem, y, n, q_newest)
    a = b = 0.0
    j = ZERO
    while j + TWO <= n:
        a += (mem[x + j] - p_newest - p_mean) * (mem[y + j] - q_newest - q_mean)
        k = j + ONE
        b += (mem[x + k] - p_newest - p_mean) * (mem[y + k] - q_newest - q_mean)
        j += TWO
    if j < n:
        a += (mem[x + j] - p_newest - p_mean) * (mem[y + j] - q_newest - q_mean)
    product: float = (a + b) / real(n)
    return product


@step
def _covariance(
    mem: Floats, o: Index, x_runs: Index, y_runs: Index, x: Index, y: Index, n: Index, m: Index
) -> None:
    """Write the covariance of two lines over the last n bars."""
    x_first, count = x + THREE + whole(mem[x]) + ONE - n, real(n)
    y_first = y + THREE + whole(mem[y]) + ONE - n
    for i in range(m):
        value = NAN
        if mem[x_runs + i] >= count and mem[y_runs + i] >= count:
            value = _product(mem, x_first + i, y_first + i, n)
        mem[o + i] = value


@step
def _pattern(mem: Floats, first: Index, order: Index) -> Index:
    """Return the number of the order in which `order` values stand, the older of a tie below."""
    code = ZERO
    for j in range(order - ONE):
        smaller = ZERO
        for k in range(j + ONE, order):
            smaller += ONE if mem[first + k] < mem[first + j] else ZERO
        code = code * (order - j) + smaller
    return code


@step
def _count(mem: Floats, first: Index, n: Index, counts: Index, kinds: Index, order: Index) -> None:
    for k in range(kinds):
        mem[counts + k] = 0.0
    for j in range(n + ONE - order):
        mem[counts + _pattern(mem, first + j, order)] += 1.0


@step
def _entropy(mem: Floats, o: Index, runs: Index, s: Index, n: Index, p: Index, m: Index) -> None:
    """Write the permutation entropy. Parameters: order, its patterns, a term for each count.

    Kept: the pattern that leaves next, how often each pattern occurs in the window.
    """
    first, count = s + THREE + whole(mem[s]) + ONE - n, real(n)
    order, kinds, terms = whole(mem[p]), whole(mem[p + ONE]), p + TWO
    leaving = terms + n + TWO - order
    counts = leaving + ONE
    for i in range(m):
        value = NAN
        if mem[runs + i] >= count:
            if mem[runs + i] == count:
                _count(mem, first + i, n, counts, kinds, order)
            else:
                mem[counts + whole(mem[leaving])] -= 1.0
                mem[counts + _pattern(mem, first + i + n - order, order)] += 1.0
            mem[leaving] = real(_pattern(mem, first + i, order))
            value = 0.0
            for k in range(kinds):
                value += mem[terms + whole(mem[counts + k])]
        mem[o + i] = value


@step
def order(
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
    if op == 100:
        _quantile(mem, o, a, s, n, p, m)
    elif op < 103:
        _since_extreme(mem, o, a, s, n, p, 1.0 if op == 101 else -1.0, m)
    elif op == 103:
        _weighted(mem, o, a, s, n, p, m)
    elif op == 104:
        _line(mem, o, a, s, n, p, m)
    elif op < 108:
        _moments(op, mem, o, a, s, n, m)
    elif op == 108:
        _covariance(mem, o, a, b, s, c, n, m)
    else:
        _entropy(mem, o, a, s, n, p, m)
