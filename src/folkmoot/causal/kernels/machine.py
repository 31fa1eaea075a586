"""The one compiled function that walks every program, over tiles of bars or over a single bar.

A program is a table of uint64 rows `op, out, a, b, c, state, n, p` (registers and state as
offsets into `mem`); row 0 holds the machine's own numbers. `mem` is parameters, state, registers,
each register `width` rows long. A tile of fine bars is loaded, every row of the table is applied
to the whole tile, and the output registers are copied out. Rows that follow an aggregator work on
the coarse bars that it closed in this tile, and are skipped where there are none.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.causal.kernels.adaptive import adaptive
from folkmoot.causal.kernels.calendar import aggregate, clock, gap, spread
from folkmoot.causal.kernels.candles import candles
from folkmoot.causal.kernels.fma import ONE, ZERO, Index, pointer, step
from folkmoot.causal.kernels.gramian import gramian
from folkmoot.causal.kernels.order import order
from folkmoot.causal.kernels.pivots import pivots
from folkmoot.causal.kernels.pointwise import arithmetic, curve, event, shape, where
from folkmoot.causal.kernels.profile import profile
from folkmoot.causal.kernels.recursion import carry, smooth, true_range
from folkmoot.causal.kernels.windows import (
    correlation,
    extremes,
    moments,
    place,
    recall,
    remember,
    slope,
)
from folkmoot.core.bars import Floats

Code = npt.NDArray[np.uint64]
INF = math.inf
NAN = math.nan

# Where a row keeps what, from its first number on.
OUT, A, B, C, STATE, N, P = (Index(place) for place in range(1, 8))
ROW = Index(8)
# Row 0: the width of a register, the fine bars of a tile, the first input and output register.
WIDTH, TILE, INPUTS, OUTPUTS = (Index(place) for place in range(4))


@step
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


@step
def _stateful(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    o, a, b, c, s = code[k + OUT], code[k + A], code[k + B], code[k + C], code[k + STATE]
    if op < 53:
        smooth(mem, o, a, s, code[k + P], m)
    elif op < 56:
        carry(op, mem, o, a, b, s, m)
    else:
        true_range(mem, o, a, b, c, s, code[k + N], m)


@step
def _windowed(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    o, a, s, n = code[k + OUT], code[k + A], code[k + STATE], code[k + N]
    if op == 60:
        recall(mem, o, s, n, m)
    elif op == 64 or op == 65:
        extremes(op, mem, o, a, s, n, m)
    elif op == 66:
        place(mem, o, a, s, n, m)
    elif op == 68:
        slope(mem, o, a, s, n, m)
    elif op == 69:
        correlation(mem, o, a, code[k + B], s, code[k + P], n, m)
    elif op == 70:
        remember(mem, o, a, s, n, code[k + P], m)
    else:
        moments(op, mem, o, a, s, n, m)


@step
def _timed(mem: Floats, code: Code, k: Index, op: int, m: Index) -> None:
    if op == 2:
        clock(mem, code[k + OUT], code[k + A], code[k + N], m)
    elif op == 3:
        gap(mem, code[k + OUT], code[k + A], code[k + B], code[k + STATE], m)
    else:
        spread(mem, code[k + OUT], code[k + A], code[k + B], code[k + STATE], code[k + C], m)


@step
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


@step
def _barwise(mem: Floats, code: Code, k: Index, op: int, width: Index, m: Index) -> None:
    if op < 50:
        _pointwise(mem, code, k, op, m)
    elif op < 60:
        _stateful(mem, code, k, op, m)
    elif op < 80:
        _windowed(mem, code, k, op, m)
    else:
        _family(mem, code, k, op, width, m)


@step
def _run(code: Code, end: Index, mem: Floats, width: Index, n: Index) -> None:
    m, k = n, ROW
    while k < end:
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
                m, k = n, (code[k + C] - ONE) * ROW
        k += ROW


@step
def _aggregate(mem: Floats, code: Code, k: Index, n: Index, width: Index) -> Index:
    o, fine, made = code[k + OUT], code[k + A], code[k + B]
    made_bars: Index = aggregate(
        mem, o, fine, made, code[k + STATE], code[k + N], code[k + P], n, width
    )
    return made_bars


def _machine() -> Any:
    folder = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    # A closure variable is part of the key of numba's cache on disk, which by itself does not
    # notice that a step in another file has changed.
    steps = int.from_bytes(hashlib.sha256(sources).digest()[:7])

    @njit(error_model="numpy", nogil=True, cache=True)
    def machine(code: Code, mem: Floats, columns: Floats, out: Floats) -> int:
        """Walk a program over all rows of `columns`, writing one row of `out` for each."""
        table, cells = pointer(code), pointer(mem)
        end = Index(code.shape[0]) * ROW
        width, tile = table[WIDTH], table[TILE]
        inputs, outputs = table[INPUTS], table[OUTPUTS]
        rows, row = Index(columns.shape[1]), ZERO
        while row < rows:
            n = min(tile, rows - row)
            for j in range(Index(columns.shape[0])):
                for i in range(n):
                    x = columns[j, row + i]
                    cells[inputs + j * width + i] = x if abs(x) < INF else NAN
            _run(table, end, cells, width, n)
            for i in range(n):
                for j in range(Index(out.shape[1])):
                    out[row + i, j] = cells[outputs + j * width + i]
            row += n
        return steps

    return machine


machine = _machine()
