"""Where a symbol stands among others at the same instant: cross-sectional rank and z-score.

Only values that became known at the very same instant are compared: a symbol without a row then,
or with an unknown value, is left out, and nothing older stands in for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, overload

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.features.feature_set import Table

How = Literal["rank", "z"]
LEAST = 3
"""The fewest symbols that make a cross-section."""


@overload
def cross_section(
    panel: Mapping[str, Table], how: How = "rank", least: int = LEAST
) -> dict[str, Table]: ...
@overload
def cross_section(
    panel: Mapping[str, Floats], how: How = "rank", least: int = LEAST
) -> dict[str, Floats]: ...
def cross_section(
    panel: Mapping[str, Table] | Mapping[str, Floats], how: How = "rank", least: int = LEAST
) -> dict[str, Table] | dict[str, Floats]:
    """Return each symbol's table with every value replaced by its place among the symbols.

    `rank` is (smaller + equal / 2) / known, in (0, 1), the value being among its own equals; `z`
    is (value - mean) / standard deviation (divided by the count), NaN where all are equal; to it
    an infinite value is unknown. NaN where fewer than `least` symbols are known. Tables are aligned
    on `known_at`; arrays `[n]` or `[n, columns]` are taken as aligned already. A row depends on the
    rows of its instant alone.

    Raises `UsageError` for tables with other columns than the first, or arrays of other shapes.

    >>> made = cross_section({name: np.array([x]) for name, x in zip("abc", (1.0, 5.0, 2.0))})
    >>> [round(float(made[name][0]), 3) for name in "abc"]
    [0.167, 0.833, 0.5]
    """
    place = _place(how)
    names = sorted(panel)
    tables = {name: each for name, each in panel.items() if isinstance(each, Table)}
    if not names:
        return {}
    if not tables:
        arrays = {name: np.asarray(panel[name], dtype=np.float64) for name in names}
        _check_alike({name: array.shape for name, array in arrays.items()})
        made = place(np.stack([arrays[name] for name in names]), least)
        return {name: made[names.index(name)] for name in panel}
    if len(tables) < len(names):
        raise UsageError("the panel mixes tables and arrays", where="panel", allowed="one kind")
    _check_alike({name: tables[name].names for name in names})
    clock = np.unique(np.concatenate([tables[name].known_at for name in names]))
    block = np.full((len(names), len(clock), len(tables[names[0]].names)), np.nan)
    rows = {name: np.searchsorted(clock, tables[name].known_at) for name in names}
    for one, name in zip(block, names, strict=True):
        one[rows[name]] = tables[name].values
    made = place(block, least)
    return {
        name: replace(table, values=made[names.index(name)][rows[name]])
        for name, table in tables.items()
    }


class CrossSection:
    """The same, one instant at a time; it remembers nothing from one to the next."""

    def __init__(self, how: How = "rank", least: int = LEAST) -> None:
        self._place = _place(how)
        self._least = least

    def push(self, rows: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return each symbol's row `[columns]` replaced; a symbol without a row is left out.

        Raises `UsageError` for rows of different lengths.
        """
        names = sorted(rows)
        if not names:
            return {}
        _check_alike({name: rows[name].shape for name in names})
        made = self._place(np.stack([rows[name] for name in names]), self._least)
        return {name: made[names.index(name)] for name in rows}


def _place(how: str) -> Callable[[Floats, int], Floats]:
    known = {"rank": _ranks, "z": _scores}
    if how not in known:
        raise UsageError(f"how is {how!r}", where="cross_section", allowed=[*known])
    return known[how]


def _check_alike(kinds: Mapping[str, object]) -> None:
    first = next(iter(kinds))
    for name, kind in kinds.items():
        if kind != kinds[first]:
            raise UsageError(
                f"{name} has {kind}, {first} has {kinds[first]}", where="panel", allowed="the same"
            )


def _ranks(block: Floats, least: int) -> Floats:
    """Rank along the first axis, `[symbols, ...]`; counts of whole symbols, hence exact."""
    known = (~np.isnan(block)).sum(axis=0)
    order = np.argsort(block, axis=0, kind="stable")
    ordered = np.take_along_axis(block, order, axis=0)
    place = np.arange(len(block)).reshape(-1, *[1] * (block.ndim - 1))
    change = np.ones(block.shape, dtype=bool)
    change[1:] = ordered[1:] != ordered[:-1]
    first = np.maximum.accumulate(np.where(change, place, 0), axis=0)
    ends = np.ones(block.shape, dtype=bool)
    ends[:-1] = change[1:]
    last = np.minimum.accumulate(np.where(ends, place, len(block))[::-1], axis=0)[::-1]
    ranks = np.empty(block.shape)
    # Of a run from `first` to `last` all before it are smaller, and half of it counts.
    np.put_along_axis(ranks, order, (first + last + 1) / (2.0 * np.maximum(known, 1)), axis=0)
    ranks[np.isnan(block) | (known < least)] = np.nan
    return ranks


def _scores(block: Floats, least: int) -> Floats:
    """Standardise along the first axis; summed symbol by symbol, so that shape changes no bit."""
    there = np.isfinite(block)
    known = there.sum(axis=0)
    mean = _total(np.where(there, block, 0.0)) / np.maximum(known, 1)
    apart = np.where(there, block, np.nan) - mean
    variance = _total(np.where(there, apart * apart, 0.0)) / np.maximum(known, 1)
    # Equal values may differ from their rounded mean by a last bit.
    level = np.abs(mean) * 1e-14
    scale = np.where((known >= least) & (variance > level * level), np.sqrt(variance), np.nan)
    made: Floats = apart / scale
    return made


def _total(block: Floats) -> Floats:
    total = np.zeros(block.shape[1:])
    for one in block:
        total = total + one
    return total
