"""Steps that carry a state from bar to bar. An unknown input leaves the state as it was."""

import math

from folkmoot.causal.kernels.fma import ONE, TWO, ZERO, Index, fma, step
from folkmoot.core.bars import Floats

NAN = math.nan


@step
def smooth(mem: Floats, o: Index, a: Index, s: Index, p: Index, m: Index) -> None:
    """Write y = b y + w x, begun with the mean of the first n known values.

    State: how many of the n were seen, y (their sum so far). Parameters: w, b, n.
    """
    weight, kept, n = mem[p], mem[p + ONE], mem[p + TWO]
    seen, y = mem[s], mem[s + ONE]
    i = ZERO
    while i < m and seen < n:
        x = mem[a + i]
        mem[o + i] = NAN
        if x == x:
            seen += 1.0
            y += x
            if seen == n:
                y /= n
                mem[o + i] = y
        i += ONE
    while i < m:
        x = mem[a + i]
        known = x == x
        y = fma(kept if known else 1.0, y, weight * x if known else 0.0)
        mem[o + i] = y if known else NAN
        i += ONE
    mem[s], mem[s + ONE] = seen, y


@step
def carry(op: int, mem: Floats, o: Index, a: Index, b: Index, s: Index, m: Index) -> None:
    """Write the running sum of a, b held since a, or the known bars since a; one slot of state."""
    state = mem[s]
    if op == 53:
        for i in range(m):
            x = mem[a + i]
            state += x if x == x else 0.0
            mem[o + i] = state if x == x else NAN
    elif op == 54:
        for i in range(m):
            event, x = mem[a + i], mem[b + i]
            fires = (event == event) & (event != 0.0)
            state = x if fires & (x == x) else state
            mem[o + i] = (x if fires else state) if event == event else NAN
    else:
        for i in range(m):
            event = mem[a + i]
            following = 0.0 if event != 0.0 else state + 1.0
            state = following if event == event else state
            mem[o + i] = following if event == event else NAN
    mem[s] = state


@step
def true_range(
    mem: Floats, o: Index, a: Index, b: Index, c: Index, s: Index, first: Index, m: Index
) -> None:
    """Write the true range of high a, low b, close c; the state is the close before."""
    before = mem[s]
    for i in range(m):
        high, low, close = mem[a + i], mem[b + i], mem[c + i]
        span = high - low
        if before == before:
            mem[o + i] = max(span, abs(high - before), abs(low - before))
        else:
            mem[o + i] = span if first else NAN
        before = close
    mem[s] = before
