"""Steps that read one bar: arithmetic, comparisons, events. NaN in, NaN out.

Each is a rule for single numbers, and a loop over a tile made from it. `o`, `a`, `b`, `c` are
offsets of registers in `mem`, `m` the rows of the tile.
"""

import math
from collections.abc import Callable

from folkmoot.causal.kernels.fma import Index, choice, step
from folkmoot.core.bars import Floats

INF = math.inf
NAN = math.nan

One = Callable[[Floats, Index, Index, Index], None]
Two = Callable[[Floats, Index, Index, Index, Index], None]


def _of_one(rule: Callable[[float], float]) -> One:
    compiled = choice(rule)

    def loop(mem: Floats, o: Index, a: Index, m: Index) -> None:
        for i in range(m):
            mem[o + i] = compiled(mem[a + i])

    made: One = step(loop)
    return made


def _of_two(rule: Callable[[float, float], float]) -> Two:
    compiled = choice(rule)

    def loop(mem: Floats, o: Index, a: Index, b: Index, m: Index) -> None:
        for i in range(m):
            mem[o + i] = compiled(mem[a + i], mem[b + i])

    made: Two = step(loop)
    return made


@_of_two
def _add(x: float, y: float) -> float:
    return x + y


@_of_two
def _sub(x: float, y: float) -> float:
    return x - y


@_of_two
def _mul(x: float, y: float) -> float:
    return x * y


@_of_two
def _div(x: float, y: float) -> float:
    ratio = x / y
    return ratio if abs(ratio) < INF else NAN


@_of_two
def _pow(x: float, y: float) -> float:
    power = x**y
    return power if abs(power) < INF and x == x and y == y else NAN


@_of_two
def _maximum(x: float, y: float) -> float:
    return x if (x > y) | (x != x) else y


@_of_two
def _minimum(x: float, y: float) -> float:
    return x if (x < y) | (x != x) else y


@_of_two
def _lt(x: float, y: float) -> float:
    return (1.0 if x < y else 0.0) if (x == x) & (y == y) else NAN


@_of_two
def _le(x: float, y: float) -> float:
    return (1.0 if x <= y else 0.0) if (x == x) & (y == y) else NAN


@_of_two
def _equal(x: float, y: float) -> float:
    return (1.0 if x == y else 0.0) if (x == x) & (y == y) else NAN


@_of_two
def _both(x: float, y: float) -> float:
    return (1.0 if (x != 0.0) & (y != 0.0) else 0.0) if (x == x) & (y == y) else NAN


@_of_two
def _either(x: float, y: float) -> float:
    return (1.0 if (x != 0.0) | (y != 0.0) else 0.0) if (x == x) & (y == y) else NAN


@_of_one
def _neg(x: float) -> float:
    return -x


@_of_one
def _abs(x: float) -> float:
    return abs(x)


@_of_one
def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else NAN


@_of_one
def _exp(x: float) -> float:
    power = math.exp(x)
    return power if power < INF else NAN


@_of_one
def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0.0 else NAN


@_of_one
def _sign(x: float) -> float:
    return 1.0 if x > 0.0 else (-1.0 if x < 0.0 else x)


@_of_one
def _relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x


@_of_one
def _sin(x: float) -> float:
    return math.sin(x)


@_of_one
def _cos(x: float) -> float:
    return math.cos(x)


@_of_one
def _tanh(x: float) -> float:
    return math.tanh(x)


@_of_one
def _negate(x: float) -> float:
    return (1.0 if x == 0.0 else 0.0) if x == x else NAN


@_of_one
def _copy(x: float) -> float:
    return x


@step
def where(mem: Floats, o: Index, a: Index, b: Index, c: Index, m: Index) -> None:
    """Write b where the event a holds and else c."""
    for i in range(m):
        event, yes, no = mem[a + i], mem[b + i], mem[c + i]
        taken = yes if event != 0.0 else no
        mem[o + i] = taken if event == event else NAN


@choice
def arithmetic(op: int, mem: Floats, o: Index, a: Index, b: Index, m: Index) -> None:
    """Write a + b, a - b, a * b, a / b, a ** b, the larger or the smaller."""
    if op == 10:
        _add(mem, o, a, b, m)
    elif op == 11:
        _sub(mem, o, a, b, m)
    elif op == 12:
        _mul(mem, o, a, b, m)
    elif op == 13:
        _div(mem, o, a, b, m)
    elif op == 14:
        _pow(mem, o, a, b, m)
    elif op == 15:
        _maximum(mem, o, a, b, m)
    else:
        _minimum(mem, o, a, b, m)


@choice
def event(op: int, mem: Floats, o: Index, a: Index, b: Index, m: Index) -> None:
    """Write the event a < b, a <= b, a == b, a and b, or a or b."""
    if op == 17:
        _lt(mem, o, a, b, m)
    elif op == 18:
        _le(mem, o, a, b, m)
    elif op == 19:
        _equal(mem, o, a, b, m)
    elif op == 20:
        _both(mem, o, a, b, m)
    else:
        _either(mem, o, a, b, m)


@choice
def shape(op: int, mem: Floats, o: Index, a: Index, m: Index) -> None:
    """Write -a, |a|, its sign, its positive part, its negation as an event, or a itself."""
    if op == 30:
        _neg(mem, o, a, m)
    elif op == 31:
        _abs(mem, o, a, m)
    elif op == 32:
        _sign(mem, o, a, m)
    elif op == 33:
        _relu(mem, o, a, m)
    elif op == 34:
        _negate(mem, o, a, m)
    else:
        _copy(mem, o, a, m)


@choice
def curve(op: int, mem: Floats, o: Index, a: Index, m: Index) -> None:
    """Write log a, e ** a, or the root, sine, cosine or hyperbolic tangent of a."""
    if op == 40:
        _log(mem, o, a, m)
    elif op == 41:
        _exp(mem, o, a, m)
    elif op == 42:
        _sqrt(mem, o, a, m)
    elif op == 43:
        _sin(mem, o, a, m)
    elif op == 44:
        _cos(mem, o, a, m)
    else:
        _tanh(mem, o, a, m)
