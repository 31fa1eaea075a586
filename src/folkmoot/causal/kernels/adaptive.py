"""Steps of the family `adaptive`: recursions that another series steers.

An unknown input leaves the state as it was, except that an event on a bar whose value is unknown
still begins anew.
"""

import math

import numpy as np

from folkmoot.causal.kernels.fma import ONE, TWO, Index, fma, step, whole
from folkmoot.core.bars import Floats

INF = math.inf
NAN = math.nan


@step
def _blend(mem: Floats, o: Index, a: Index, b: Index, s: Index, p: Index, m: Index) -> None:
    """Write y = (1 - w) y + w x for the weight a and x in b. State: y, 1 once a weight was known.

    Until then y follows x. The weight is held between the parameter and 1.
    """
    y, begun, least = mem[s], mem[s + ONE], mem[p]
    for i in range(m):
        weight, x = mem[a + i], mem[b + i]
        value = NAN
        if x == x and weight == weight:
            weight = min(1.0, max(weight, least))
            y = fma(1.0 - weight, y, weight * x) if y == y else x
            value, begun = y, 1.0
        elif x == x and begun == 0.0:
            y = x
        mem[o + i] = value
    mem[s], mem[s + ONE] = y, begun


@step
def _leak(mem: Floats, o: Index, a: Index, b: Index, s: Index, p: Index, m: Index) -> None:
    """Write y = k y + x for x in a and the share k in b, held within the parameter's size."""
    y, most = mem[s], mem[p]
    for i in range(m):
        x, kept = mem[a + i], mem[b + i]
        value = NAN
        if x == x and kept == kept:
            y = fma(min(most, max(-most, kept)), y, x) if y == y else x
            value = y
        mem[o + i] = value
    mem[s] = y


@step
def _ratchet(mem: Floats, o: Index, a: Index, b: Index, s: Index, p: Index, m: Index) -> None:
    """Write the stop a that price b pulls along. State: stop and price of the bar before."""
    stop, price, side = mem[s], mem[s + ONE], mem[p]
    for i in range(m):
        wanted, x = side * mem[a + i], side * mem[b + i]
        value = NAN
        if wanted == wanted and x == x:
            stop = stop if (price > stop) & (stop > wanted) else wanted
            price, value = x, side * stop
        mem[o + i] = value
    mem[s], mem[s + ONE] = stop, price


@step
def _total_since(mem: Floats, o: Index, a: Index, b: Index, s: Index, m: Index) -> None:
    """Write the sum of b over the bars since the event a; the state is NaN before the first."""
    total = mem[s]
    for i in range(m):
        event, x = mem[a + i], mem[b + i]
        total = 0.0 if (event == event) & (event != 0.0) else total
        known = (event == event) & (x == x)
        total += x if known else 0.0
        mem[o + i] = total if known else NAN
    mem[s] = total


@step
def _extreme_since(
    mem: Floats, o: Index, a: Index, b: Index, s: Index, sign: float, m: Index
) -> None:
    """Write the largest `sign` x of b since the event a; the state is NaN before the first."""
    best = mem[s]
    for i in range(m):
        event, x = mem[a + i], sign * mem[b + i]
        best = -INF if (event == event) & (event != 0.0) else best
        known = (event == event) & (x == x)
        best = x if known & (x > best) else best
        mem[o + i] = sign * best if known else NAN
    mem[s] = best


@step
def _extreme_ever(mem: Floats, o: Index, a: Index, s: Index, sign: float, m: Index) -> None:
    best = mem[s]
    for i in range(m):
        x = sign * mem[a + i]
        best = x if x > best else best
        mem[o + i] = sign * best if x == x else NAN
    mem[s] = best


@step
def _valuewhen(mem: Floats, o: Index, a: Index, b: Index, s: Index, p: Index, m: Index) -> None:
    """Write b as of the k-th latest bar with the event a. State: those values, newest first."""
    kept = whole(mem[p])
    for i in range(m):
        event, x = mem[a + i], mem[b + i]
        fires, unknown = event != 0.0, event != event
        if fires and x == x and not unknown:
            for j in range(kept - ONE):
                mem[s + kept - ONE - j] = mem[s + kept - TWO - j]
            mem[s] = x
        mem[o + i] = NAN if unknown or (fires and x != x) else mem[s + kept - ONE]


@step
def _steady(mem: Floats, o: Index, a: Index, s: Index, p: Index, m: Index) -> None:
    """Write a, held for as many known bars as the parameter says. State: value, its bars."""
    held, age, least = mem[s], mem[s + ONE], mem[p]
    for i in range(m):
        x = mem[a + i]
        value = NAN
        if x == x:
            if held != held or (x != held and age >= least):
                held, age = x, 0.0
            age += 1.0
            value = held
        mem[o + i] = value
    mem[s], mem[s + ONE] = held, age


@step
def _stateless(op: int, mem: Floats, o: Index, a: Index, b: Index, m: Index) -> None:
    if op == 130:
        for i in range(m):
            x, y = mem[a + i], mem[b + i]
            mem[o + i] = x if x == x else y
    else:
        for i in range(m):
            mem[o + i] = np.floor(mem[a + i])


@step
def _starts(mem: Floats, o: Index, a: Index, s: Index, p: Index, m: Index) -> None:
    """Write whether the open time a is the first in its period; the state is the period before."""
    before, ms, anchor = mem[s], mem[p], mem[p + ONE]
    for i in range(m):
        start = mem[a + i]
        here = np.floor((start - anchor) / ms) * ms + anchor
        first = 1.0 if here == start else NAN
        mem[o + i] = (1.0 if here > before else 0.0) if before == before else first
        before = here
    mem[s] = before


@step
def _since(op: int, mem: Floats, o: Index, a: Index, b: Index, s: Index, m: Index) -> None:
    if op == 123:
        _total_since(mem, o, a, b, s, m)
    elif op == 124:
        _extreme_since(mem, o, a, b, s, 1.0, m)
    elif op == 125:
        _extreme_since(mem, o, a, b, s, -1.0, m)
    elif op == 126:
        _extreme_ever(mem, o, a, s, 1.0, m)
    else:
        _extreme_ever(mem, o, a, s, -1.0, m)


@step
def adaptive(
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
    if op == 120:
        _blend(mem, o, a, b, s, p, m)
    elif op == 121:
        _leak(mem, o, a, b, s, p, m)
    elif op == 122:
        _ratchet(mem, o, a, b, s, p, m)
    elif op < 128:
        _since(op, mem, o, a, b, s, m)
    elif op == 128:
        _valuewhen(mem, o, a, b, s, p, m)
    elif op == 129:
        _steady(mem, o, a, s, p, m)
    elif op < 132:
        _stateless(op, mem, o, a, b, m)
    else:
        _starts(mem, o, a, s, p, m)
