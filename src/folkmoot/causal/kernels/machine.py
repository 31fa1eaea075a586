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

from folkmoot.causal.kernels.calendar import aggregate, clock, gap, spread
from folkmoot.causal.kernels.fma import ONE, ZERO, Index, step
from folkmoot.causal.kernels.pointwise import arithmetic, curve, event, shape, where
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

C0, C1, C2, C3, C4, C5, C6, C7 = (Index(number) for number in range(8))


@step
def _pointwise(mem: Floats, row: Code, op: int, m: Index) -> None:
    o, a, b, c = row[C1], row[C2], row[C3], row[C4]
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
def _stateful(mem: Floats, row: Code, op: int, m: Index) -> None:
    o, a, b, c, s = row[C1], row[C2], row[C3], row[C4], row[C5]
    if op < 53:
        smooth(mem, o, a, s, row[C7], m)
    elif op < 56:
        carry(op, mem, o, a, b, s, m)
    else:
        true_range(mem, o, a, b, c, s, row[C6], m)


@step
def _windowed(mem: Floats, row: Code, op: int, m: Index) -> None:
    o, a, s, n = row[C1], row[C2], row[C5], row[C6]
    if op == 60:
        recall(mem, o, s, n, m)
    elif op == 64 or op == 65:
        extremes(op, mem, o, a, s, n, m)
    elif op == 66:
        place(mem, o, a, s, n, m)
    elif op == 68:
        slope(mem, o, a, s, n, m)
    elif op == 69:
        correlation(mem, o, a, row[C3], s, row[C7], n, m)
    elif op == 70:
        remember(mem, o, a, s, n, row[C7], m)
    else:
        moments(op, mem, o, a, s, n, m)


@step
def _timed(mem: Floats, row: Code, op: int, m: Index) -> None:
    if op == 2:
        clock(mem, row[C1], row[C2], row[C6], m)
    elif op == 3:
        gap(mem, row[C1], row[C2], row[C3], row[C5], m)
    else:
        spread(mem, row[C1], row[C2], row[C3], row[C5], row[C4], m)


@step
def _run(code: Code, mem: Floats, width: Index, n: Index) -> None:
    m, k = n, ONE
    while k < code.shape[0]:
        row = code[k]
        op = np.int64(row[C0])
        k += ONE
        if op < 10 or op == 82:
            _timed(mem, row, op, m)
        elif op < 50:
            _pointwise(mem, row, op, m)
        elif op < 60:
            _stateful(mem, row, op, m)
        elif op < 80:
            _windowed(mem, row, op, m)
        elif op == 80:
            m = aggregate(mem, row[C1], row[C2], row[C3], row[C5], row[C6], row[C7], n, width)
            if m == ZERO:
                m, k = n, row[C4]
        else:
            m = n


def _machine() -> Any:
    folder = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    # A closure variable is part of the key of numba's cache on disk, which by itself does not
    # notice that a step in another file has changed.
    steps = int.from_bytes(hashlib.sha256(sources).digest()[:7])

    @njit(error_model="numpy", nogil=True, cache=True)
    def machine(code: Code, mem: Floats, columns: Floats, out: Floats) -> int:
        """Walk a program over all rows of `columns`, writing one row of `out` for each."""
        width, tile = code[ZERO, C0], code[ZERO, C1]
        inputs, outputs = code[ZERO, C2], code[ZERO, C3]
        rows, row = Index(columns.shape[1]), ZERO
        while row < rows:
            n = min(tile, rows - row)
            for j in range(Index(columns.shape[0])):
                for i in range(n):
                    x = columns[j, row + i]
                    mem[inputs + j * width + i] = x if abs(x) < INF else NAN
            _run(code, mem, width, n)
            for i in range(n):
                for j in range(Index(out.shape[1])):
                    out[row + i, j] = mem[outputs + j * width + i]
            row += n
        return steps

    return machine


machine = _machine()
