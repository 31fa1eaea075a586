"""What a network is shown of each row, gathered a batch at a time from tables of bars.

A row's window is `steps` bars that lie behind one another in a table, so gathering it is copying
one block of memory: no window is kept, and no row is visited by Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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

    def take(self, index: Index) -> Array:
        """Return `[len(index), steps, columns]`."""
        out = np.empty((len(index), self.steps, self.table.shape[1]), dtype=self.table.dtype)
        _gather(self.table, self.starts[index], out)
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


def bars_of(x: Features, columns: Sequence[str]) -> tuple[Floats, Index]:
    """Return (`table[bars, columns]` float64, `starts[rows]`): the bars that the windows show.

    Rows of neighbouring bars share them; rows that were picked apart do not. Raises `DataError`
    that names the columns which `x` lacks.
    """
    missing = [name for name in columns if name not in x.names]
    if missing:
        raise DataError(f"columns {missing} are missing", where="features", allowed=list(x.names))
    rows, steps, width = x.values.shape
    places = [x.names.index(name) for name in columns]
    bar, step, column = x.values.strides
    if rows and bar == step:
        shape, strides = (rows + steps - 1, width), (bar, column)
        table = np.lib.stride_tricks.as_strided(x.values, shape, strides, writeable=False)
        return np.ascontiguousarray(table[:, places]), np.arange(rows)
    apart = x.values[:, :, places].reshape(rows * steps, len(places))
    return np.ascontiguousarray(apart), np.arange(rows) * steps


def known_windows(known: Rows, starts: Index, steps: int) -> Rows:
    """Return `[rows]`: whether all bars of the row's window are known."""
    count = np.concatenate(([0], np.cumsum(known)))
    return np.asarray(count[starts + steps] - count[starts] == steps)


@njit(cache=True, nogil=True)
def _gather(table: Array, starts: Index, out: Array) -> None:
    steps = out.shape[1]
    for i in range(len(starts)):
        first = starts[i]
        for t in range(steps):
            for j in range(out.shape[2]):
                out[i, t, j] = table[first + t, j]


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
