"""The one compiled function that walks every program, over tiles of bars or over a single bar.

A program is a table of uint64 rows `op, out, a, b, c, state, n, p`: registers, parameters and
state as places in `mem`, which may lie outside of it (the caller's columns are read, and results
written, where they are). Every row of the table is applied to a whole tile of fine bars. Rows
that follow an aggregator work on the coarse bars that it closed in this tile, and are skipped
where there are none. The tape before the table holds the machine's own numbers.

A panel is read one bar of every symbol at a time: abreast, where all rows can (registers then hold
the symbols of a bar instead of the bars of a tile), else tape by tape.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.causal.kernels.adaptive import adaptive
from folkmoot.causal.kernels.calendar import aggregate, clock, gap, spread
from folkmoot.causal.kernels.candles import candles
from folkmoot.causal.kernels.eight import fetch
from folkmoot.causal.kernels.fma import ONE, ZERO, Index, choice, floats_at, pointer, step, words_at
from folkmoot.causal.kernels.gramian import gramian
from folkmoot.causal.kernels.order import order
from folkmoot.causal.kernels.pivots import pivots
from folkmoot.causal.kernels.pointwise import arithmetic, curve, event, shape, where
from folkmoot.causal.kernels.profile import profile
from folkmoot.causal.kernels.pyramid import pyramid, window
from folkmoot.causal.kernels.pyramid import spread as deviations
from folkmoot.causal.kernels.recursion import (
    abreast,
    carry,
    change,
    smooth,
    smooth_abreast,
    true_range,
)
from folkmoot.causal.kernels.windows import (
    covariance,
    deviation,
    place,
    recall,
    remember,
    slope,
)
from folkmoot.core.bars import Floats

Code = npt.NDArray[np.uint64]

# Where a row keeps what, from its first number on.
OUT, A, B, C, STATE, N, P = (Index(place) for place in range(1, 8))
ROW = Index(8)
# The head of a tape: the end of its table, the address of `mem`, the bars, those of a tile, the
# width of a register; the address of a matrix of results (or 0), its columns, their registers and
# the width of those; from where to where the tape lists places in itself that move on with the
# bars.
END, MEMORY, BARS, TILE, WIDTH = (Index(place) for place in range(5))
RESULT, NAMES, OUTPUTS, EDGE, MOVING, MOVED = (Index(place) for place in range(5, 11))
# The symbols that take a bar in lockstep (or 0); how many tapes lie in a row, from where, how long.
SYMBOLS, TAPES, SELF, LENGTH = (Index(place) for place in range(11, 15))
HEAD, WORD, LINE = Index(16), Index(8), Index(8)


@choice
def _pointwise(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    o, a, b, c = code[k + OUT], code[k + A], code[k + B], code[k + C]
    if op < 17:
        arithmetic(op, mem, o, a, b, m)
    elif op < 30:
        event(op, mem, o, a, b, m)
    elif op < 40:
        shape(op, mem, o, a, m)
    elif op < 49:
        curve(op, mem, o, a, m)
    else:
        where(mem, o, a, b, c, m)


@choice
def _stateful(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    o, a, b, c, s = code[k + OUT], code[k + A], code[k + B], code[k + C], code[k + STATE]
    if op < 53:
        smooth(mem, o, a, s, code[k + P], m)
    elif op < 56:
        carry(op, mem, o, a, b, s, m)
    elif op > 56:
        change(op, mem, o, a, s, m)
    else:
        true_range(mem, o, a, b, c, s, code[k + N], m)


@choice
def _windowed(mem: Floats, code: Code, k: Index, op: int, m: Index, q: Index) -> None:
    o, a, b, s, n = code[k + OUT], code[k + A], code[k + B], code[k + STATE], code[k + N]
    if op == 60:
        recall(mem, o, s, n, m, q)
    elif op < 66:
        _merged(mem, code, k, op, m, q)
    elif op == 66:
        place(mem, o, a, s, n, m)
    elif op == 67:
        deviation(mem, o, b, s, n, m, q)
    elif op == 68:
        slope(mem, o, s, n, m, q)
    elif op == 69:
        covariance(mem, o, a, b, s, code[k + P], n, m, q)
    elif op == 70:
        remember(mem, o, a, code[k + C], s, n, code[k + P], m, q)
    else:
        pyramid(op, mem, a, s, n, code[k + C], code[k + P], m, q)


@choice
def _merged(mem: Floats, code: Code, k: Index, op: int, m: Index, q: Index) -> None:
    o, s, n, room = code[k + OUT], code[k + STATE], code[k + N], code[k + P]
    if op == 63:
        deviations(mem, o, code[k + B], s, n, code[k + C], room, m, q)
    else:
        window(op, mem, o, s, n, room, m, q)


@choice
def _timed(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    if op == 2:
        clock(mem, code[k + OUT], code[k + A], code[k + N], m)
    elif op == 3:
        gap(mem, code[k + OUT], code[k + A], code[k + B], code[k + STATE], m)
    else:
        spread(mem, code[k + OUT], code[k + A], code[k + B], code[k + STATE], code[k + C], m)


@choice
def _family(mem: Floats, code: Code, k: Index, op: int, width: Index, m: Index) -> None:
    o, a, b, c = code[k + OUT], code[k + A], code[k + B], code[k + C]
    s, n, p = code[k + STATE], code[k + N], code[k + P]
    if op < 120:
        order(op, mem, o, a, b, c, s, n, p, width, m)
    elif op < 140:
        adaptive(op, mem, o, a, b, c, s, n, p, width, m)
    elif op < 150:
        candles(op, mem, o, a, b, c, s, n, p, width, m)
    elif op < 160:
        pivots(op, mem, o, a, b, c, s, n, p, width, m)
    elif op < 170:
        gramian(op, mem, o, a, b, c, s, n, p, width, m)
    else:
        profile(op, mem, o, a, b, c, s, n, p, width, m)


@choice
def _barwise(mem: Floats, code: Code, k: Index, op: int, width: Index, m: Index) -> None:
    if op < 50:
        _pointwise(mem, code, k, op, m)
    elif op < 60:
        _stateful(mem, code, k, op, m)
    elif op < 80:
        _windowed(mem, code, k, op, m, ONE)
    else:
        _family(mem, code, k, op, width, m)


@choice
def _run(code: Code, end: Index, mem: Floats, width: Index, n: Index) -> None:
    m, k, j, last = n, HEAD, code[MOVED], code[LENGTH]
    while k < end:
        if j < last:
            _fetch(mem, code[code[j]] + n, n)
            j += ONE
        op = np.int64(code[k])
        if op < 10 or op == 82:
            _timed(mem, code, k, op, m)
        elif op < 80 or op >= 100:
            _barwise(mem, code, k, op, width, m)
        elif op == 81:
            m = n
        else:
            m = _aggregate(mem, code, k, n, width)
            if m == ZERO:
                m, k = n, HEAD + (code[k + C] - ONE) * ROW
        k += ROW


@step
def _fetch(mem: Floats, o: Index, n: Index) -> None:
    """Ask for the lines of cache of the tile after this one: a quick step would wait for them."""
    for line in range(ZERO, n, LINE):
        fetch(mem, o + line)


@step
def _aggregate(mem: Floats, code: Code, k: Index, n: Index, width: Index) -> Index:
    o, fine, made = code[k + OUT], code[k + A], code[k + B]
    made_bars: Index = aggregate(
        mem, o, fine, made, code[k + STATE], code[k + N], code[k + P], n, width
    )
    return made_bars


@choice
def _lockstep(code: Code, end: Index, mem: Floats, q: Index) -> None:
    """Apply every row to one bar of each of q symbols."""
    k = HEAD
    while k < end:
        op = np.int64(code[k])
        if op < 50:
            _pointwise(mem, code, k, op, q)
        elif op < 53:
            smooth_abreast(mem, code[k + OUT], code[k + A], code[k + STATE], code[k + P], q)
        elif op < 60:
            o, a, b, c = code[k + OUT], code[k + A], code[k + B], code[k + C]
            abreast(op, mem, o, a, b, c, code[k + STATE], code[k + N], q)
        else:
            _windowed(mem, code, k, op, q, q)
        k += ROW


@step
def _scatter(code: Code, out: Floats, row: Index, mem: Floats, n: Index) -> None:
    """Write a tile of results into the rows of a matrix."""
    names, first, width = code[NAMES], code[OUTPUTS], code[EDGE]
    for i in range(n):
        for j in range(names):
            out[(row + i) * names + j] = mem[first + j * width + i]


@step
def _walk(code: Code) -> None:
    """Walk a program over all bars of a tape."""
    mem = floats_at(code[MEMORY])
    end, bars, tile, width = code[END], code[BARS], code[TILE], code[WIDTH]
    if code[SYMBOLS] > ZERO:
        _lockstep(code, end, mem, code[SYMBOLS])
        return
    row = ZERO
    while row < bars:
        n = min(tile, bars - row)
        _run(code, end, mem, width, n)
        if code[RESULT] != ZERO:
            _scatter(code, floats_at(code[RESULT]), row, mem, n)
        for j in range(code[MOVING], code[MOVED]):
            code[code[j]] += n
        row += n


def _machine() -> Any:
    folder = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    # A closure variable is part of the key of numba's cache on disk, which by itself does not
    # notice that a step in another file has changed.
    steps = int.from_bytes(hashlib.sha256(sources).digest()[:7])

    @njit(error_model="numpy", nogil=True, cache=True)
    def machine(tape: Code) -> int:
        """Walk the programs of one or more tapes, which `folkmoot.causal.layout` makes."""
        head = pointer(tape)
        for number in range(head[TAPES]):
            _walk(words_at(head[SELF] + number * head[LENGTH] * WORD))
        return steps

    return machine


machine = _machine()
