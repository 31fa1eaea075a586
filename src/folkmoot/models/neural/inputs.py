"""What a network is shown of each row, gathered a batch at a time from tables of bars.

A row's window is `steps` bars that lie behind one another in a table, so gathering it is copying
one block of memory: no window is kept, and no row is visited by Python.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.core.forecast import Features

Array = npt.NDArray[Any]
Index = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]


class Part(Protocol):
    """One argument of a network's forward, for any rows."""

    def take(self, index: Index) -> Array:
        """Return `[len(index), ...]`: the argument for the rows of `index`."""


@dataclass(frozen=True, slots=True, eq=False)
class Windowed:
    """Row i is `table[starts[i] : starts[i] + steps]`: `[steps, columns]`, contiguous."""

    table: Array
    starts: Index
    steps: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", np.ascontiguousarray(self.table))

    def take(self, index: Index) -> Array:
        """Return `[len(index), steps, columns]`."""
        width = self.table.shape[1]
        out = np.empty((len(index), self.steps, width), dtype=self.table.dtype)
        _gather(
            self.table.reshape(-1),
            self.starts[index],
            width,
            out.reshape(len(index), self.steps * width),
        )
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Anchored:
    """Windows of float64 columns, the first `relative` of them less one column's last value.

    A log price near 11 has no room for a return of 0.001 in float32: what is told of it is its
    distance from the decision bar's value of the column at `anchor`.
    """

    table: Floats
    starts: Index
    steps: int
    relative: int
    anchor: int

    def take(self, index: Index) -> Array:
        """Return `[len(index), steps, columns]` float32."""
        out = np.empty((len(index), self.steps, self.table.shape[1]), dtype=np.float32)
        _gather_relative(self.table, self.starts[index], self.relative, self.anchor, out)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Rowwise:
    """Row i is `values[i]`."""

    values: Array

    def take(self, index: Index) -> Array:
        """Return `[len(index), ...]`."""
        taken: Array = self.values[index]
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The arguments of forward, in order, and which rows are `known` as a whole."""

    parts: tuple[Part, ...]
    known: Rows

    def __len__(self) -> int:
        return len(self.known)

    def take(self, index: Index) -> tuple[Array, ...]:
        """Return every argument for the rows of `index`."""
        return tuple(part.take(index) for part in self.parts)


def check_windows(x: Features, steps: int) -> None:
    """Refuse windows of another length: the newest bar of a longer one would not be read.

    Raises `DataError` unless the rows of `x` show `steps` bars each.
    """
    if x.values.shape[1] != steps:
        raise DataError(
            f"the windows show {x.values.shape[1]} bars", where="features", allowed=f"{steps} bars"
        )


def bars_of(x: Features, columns: Sequence[str]) -> tuple[Floats, Index]:
    """Return (`table[bars, columns]` float64, `starts[rows]`): the bars that the windows show.

    Rows of neighbouring bars share them; rows that were picked apart do not. Raises `DataError`
    that names the columns which `x` lacks.
    """
    bars, starts = _all_of(x)
    return _pick(bars, _places(x.names, tuple(columns))), starts


def scored(
    x: Features, columns: tuple[str, ...], centre: Floats, gain: Floats, bound: float
) -> tuple[Array, Rows, Index]:
    """Return (`table[bars, columns]` float32, `known[bars]`, `starts[rows]`) as in `bars_of`.

    The table holds standard scores clipped to +-bound; a bar with an unknown column holds zeros.
    """
    bars, starts = _all_of(x)
    table = np.empty((len(bars), len(columns)), dtype=np.float32)
    known = np.empty(len(bars), dtype=np.bool_)
    _score(bars, _places(x.names, columns), centre, gain, bound, table, known)
    return table, known, starts


def known_windows(known: Rows, starts: Index, steps: int) -> Rows:
    """Return `[rows]`: whether all bars of the row's window are known."""
    if len(starts) and starts[-1] + steps > len(known):
        raise DataError(
            f"a window of {steps} bars ends behind the last bar", where="features", allowed="fewer"
        )
    good = np.empty(len(starts), dtype=np.bool_)
    _all_known(known, starts, steps, good)
    return good


@lru_cache(maxsize=1024)
def _places(names: tuple[str, ...], columns: tuple[str, ...]) -> Index:
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(f"columns {missing} are missing", where="features", allowed=list(names))
    return np.array([names.index(name) for name in columns], dtype=np.int64)


def _all_of(x: Features) -> tuple[Floats, Index]:
    """Return (`bars[bars, all columns]`, `starts[rows]`): no copy where rows share their bars."""
    rows, steps, width = x.values.shape
    if rows == 1:
        return x.values[0], np.zeros(1, dtype=np.int64)
    bar, step, column = x.values.strides
    if rows and bar == step:
        shape, strides = (rows + steps - 1, width), (bar, column)
        bars = np.lib.stride_tricks.as_strided(x.values, shape, strides, writeable=False)
        return bars, np.arange(rows)
    return x.values.reshape(rows * steps, width), np.arange(rows) * steps


@njit(cache=True, nogil=True)
def _pick(bars: Floats, places: Index) -> Floats:
    table = np.empty((len(bars), len(places)))
    for i in range(len(bars)):
        for j in range(len(places)):
            table[i, j] = bars[i, places[j]]
    return table


@njit(cache=True, nogil=True)
def _score(
    bars: Floats,
    places: Index,
    centre: Floats,
    gain: Floats,
    bound: float,
    table: Array,
    known: Rows,
) -> None:
    for i in range(len(bars)):
        whole = True
        for j in range(len(places)):
            value = bars[i, places[j]]
            whole &= math.isfinite(value)
            z = min(max((value - centre[j]) * gain[j], -bound), bound)
            table[i, j] = np.float32(z)
        known[i] = whole
        if not whole:
            table[i, :] = np.float32(0.0)


@njit(cache=True, nogil=True)
def _all_known(known: Rows, starts: Index, steps: int, good: Rows) -> None:
    count = np.empty(len(known) + 1, dtype=np.int64)
    count[0] = 0
    for i in range(len(known)):
        count[i + 1] = count[i] + known[i]
    for i in range(len(starts)):
        good[i] = count[starts[i] + steps] - count[starts[i]] == steps


@njit(cache=True, nogil=True)
def _gather(table: Array, starts: Index, width: int, out: Array) -> None:
    """Copy the block of each row; both are flat, so that it is one run of memory."""
    for i in range(len(starts)):
        first = starts[i] * width
        # Through two flat views: so the compiler sees a plain copy.
        source, row = table[first : first + out.shape[1]], out[i]
        for k in range(len(row)):
            row[k] = source[k]


@njit(cache=True, nogil=True)
def _gather_relative(table: Floats, starts: Index, relative: int, anchor: int, out: Array) -> None:
    steps = out.shape[1]
    for i in range(len(starts)):
        first = starts[i]
        level = table[first + steps - 1, anchor]
        for t in range(steps):
            for j in range(out.shape[2]):
                value = table[first + t, j]
                out[i, t, j] = value - level if j < relative else value
