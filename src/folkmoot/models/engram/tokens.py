"""Bars as tokens: how far, how wide, how busy, and where in its range a bar closed.

    return    (close - close before) / volatility known before the bar      7 quantile bins
    range     true range / mean of the 20 before                             3
    volume    log volume, standard score against the 20 bars before          3
    close     place of the close between low and high                        3

The edges of the bins are quantiles of the training bars. A combination that fewer than 50 of them
show is known by its return and range alone. Bars after missing ones are all one token, as their
return is not one bar's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]

PAD, GAP, FIRST = 0, 1, 2
"""What stands before a series, a bar after missing ones, and the first token of a bar."""
BINS = (7, 3, 3, 3)
FEWEST = 50
BEFORE = 20
"""Bars that a bar's range and volume are measured against."""
ALL = FIRST + BINS[0] * BINS[1] * BINS[2] * BINS[3]


@dataclass(frozen=True, slots=True, eq=False)
class BarTokens:
    """A fitted tokeniser.

    `edges[4, 6]`: the inner edges of each part's bins, infinite where it has fewer;
    `merged[191]`: combination to token; `parts[tokens, 4]`: the bins of a token, one beyond the
    last for those it does not tell.
    """

    edges: Floats
    merged: Ints
    parts: Ints

    @classmethod
    def fit(cls, table: Floats, rows: Rows) -> "BarTokens":
        """Learn edges and rare combinations from `rows` of the bars; see `measure`.

        Raises `DataError` if no such bar is known.
        """
        measured = measure(table)
        known = rows & np.isfinite(measured).all(axis=1) & (table[:, 5] == 0.0)
        if not known.any():
            raise DataError("no bar is known", where="BarTokens", allowed="1 or more")
        edges = np.full((4, max(BINS) - 1), np.finfo(np.float64).max)
        for kind, bins in enumerate(BINS):
            shares = np.arange(1, bins) / bins
            edges[kind, : bins - 1] = np.quantile(measured[known, kind], shares)
        combinations = _combine(edges, measured[known])
        merged, parts = _merge(np.bincount(combinations, minlength=ALL))
        return cls(edges, merged, parts)

    def __len__(self) -> int:
        return len(self.parts)

    def tokens(self, table: Floats) -> tuple[Ints, Rows]:
        """Return (`tokens[bars]`, `known[bars]`) of the bars; an unknown one reads PAD."""
        measured = measure(table)
        known = np.isfinite(measured).all(axis=1) & np.isfinite(table).all(axis=1)
        found = np.full(len(table), PAD, dtype=np.int64)
        found[known] = self.merged[_combine(self.edges, measured[known])]
        after_gap = np.isfinite(table).all(axis=1) & (table[:, 5] != 0.0)
        found[after_gap] = GAP
        return found, known | after_gap


def measure(table: Floats) -> Floats:
    """Return `[bars, 4]`: return, range, volume, close, as above; NaN where one is not known.

    `table[bars, 7]`: the columns of the set `bars`, in its order. Every number is a function of
    the bar and the 20 before alone, to the bit. A range without width closes in its middle, a
    volume that never varied is as ever, a range after none is as ever.
    """
    out = np.full((len(table), 4), np.nan)
    _measure(np.ascontiguousarray(table, dtype=np.float64), BEFORE, out)
    return out


@njit(cache=True, nogil=True)
def _measure(table: Floats, before: int, out: Floats) -> None:
    ranges = np.full(len(table), np.nan)
    for t in range(1, len(table)):
        close = table[t - 1, 3]
        high, low = max(table[t, 1], close), min(table[t, 2], close)
        ranges[t] = high - low
    for t in range(before + 1, len(table)):
        wide, busy = 0.0, 0.0
        for k in range(t - before, t):
            wide += ranges[k]
            busy += table[k, 4]
        wide, busy = wide / before, busy / before
        square = 0.0
        for k in range(t - before, t):
            square += (table[k, 4] - busy) ** 2
        spread = np.sqrt(square / (before - 1))
        height = table[t, 1] - table[t, 2]
        sigma = table[t - 1, 6]
        out[t, 0] = (table[t, 3] - table[t - 1, 3]) / sigma if sigma > 0.0 else np.nan
        out[t, 1] = ranges[t] / wide if wide != 0.0 else 1.0
        out[t, 2] = (table[t, 4] - busy) / spread if spread != 0.0 else 0.0
        out[t, 3] = (table[t, 3] - table[t, 2]) / height if height != 0.0 else 0.5


def _combine(edges: Floats, measured: Floats) -> Ints:
    bins = [
        np.searchsorted(edges[kind, : count - 1], measured[:, kind], side="right")
        for kind, count in enumerate(BINS)
    ]
    return FIRST + np.ravel_multi_index(tuple(bins), BINS).astype(np.int64)


def _merge(counts: Ints) -> tuple[Ints, Ints]:
    """Return (combination to token, the parts of each token) for the `counts` of combinations."""
    common = np.flatnonzero(counts >= FEWEST)
    common = common[common >= FIRST]
    rare = np.setdiff1d(np.arange(FIRST, ALL), common)
    below = BINS[2] * BINS[3]
    parents, parent_of = np.unique((rare - FIRST) // below, return_inverse=True)
    merged = np.zeros(ALL, dtype=np.int64)
    merged[GAP] = GAP
    merged[common] = FIRST + np.arange(len(common))
    merged[rare] = FIRST + len(common) + parent_of
    none = np.array([[*BINS], [*BINS]])
    none[GAP, 0] += 1
    own = np.stack(np.unravel_index(common - FIRST, BINS), axis=1)
    pair = np.stack(np.unravel_index(parents, BINS[:2]), axis=1)
    untold = np.broadcast_to(BINS[2:], (len(parents), 2))
    parts = np.concatenate((none, own, np.concatenate((pair, untold), axis=1)))
    return merged, parts.astype(np.int64)
