"""What a member has learnt, apart from what was set: arrays for safetensors, facts for JSON.

A member says the `form` of each array that its fit leaves; what is restored is held to it, so that
no compiled loop is ever given rows or columns that are not there.
"""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.models import rows

Arrays = dict[str, npt.NDArray[Any]]
M = TypeVar("M")

SIMPLE: dict[Any, Any] = {bool: bool, str: str, int: Integral, float: Real, NoneType: NoneType}


@dataclass(frozen=True, slots=True)
class Form:
    """What one array of a fitted member must be.

    `shape`: sizes, a name where the fit decides; the same name is the same size in all arrays of
    the member, `fewest` at least. `kind`: its type; all numbers lie from `low` to `high`.
    """

    shape: tuple[int | str, ...]
    low: float = -math.inf
    high: float = math.inf
    kind: str = "float64"
    fewest: int = 1

    def fits(self, array: npt.NDArray[Any], sizes: dict[str, int]) -> bool:
        """Return whether `array` is of this form; sizes by name are looked up or kept."""
        if array.dtype != np.dtype(self.kind) or array.ndim != len(self.shape):
            return False
        for size, wanted in zip(array.shape, self.shape, strict=True):
            if isinstance(wanted, str) and size < self.fewest:
                return False
            if size != (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted):
                return False
        return bool(((array >= self.low) & (array <= self.high)).all())

    def __str__(self) -> str:
        return f"{self.kind} {list(self.shape)} from {self.low:g} to {self.high:g}"


Forms = dict[str, Form]


def quantiles(horizons: int) -> Form:
    """Return the form of `shape`: standardised quantiles, one a horizon and level."""
    return Form((horizons, len(LEVELS)))


def save(member: rows.Member) -> tuple[Arrays, dict[str, Any]]:
    """Return (arrays, facts) of a fitted member, or raise `Untrained`.

    An option is kept as the attribute of its name; `columns`, if the member has them, are the
    names it was fitted on.
    """
    arrays = {name: np.ascontiguousarray(a) for name, a in rows.learnt(member).items()}
    names = inspect.signature(type(member)).parameters
    facts: dict[str, Any] = {"options": {name: getattr(member, name) for name in names}}
    facts["columns"] = list(getattr(member, "columns", ()))
    return arrays, facts


def load(kind: type[M], arrays: Arrays, facts: dict[str, Any]) -> M:
    """Rebuild a fitted member from what `save` returned.

    Raises `DataError` for options that the member refuses, for arrays that are not of the member's
    `form`, and for those that hold a number no fit can produce.
    """
    where = kind.__name__
    for name, array in arrays.items():
        _check_numbers(name, array, where)
    member: Any = _build(kind, facts)
    member.learnt = dict(arrays)
    member.columns = _columns(facts, member, where)
    _check_shape(member, where)
    form = getattr(member, "form", None)
    if form is not None:
        _check_forms(form(), arrays, where)
    return member  # type: ignore[no-any-return]  # built from the class it is declared as


def _check_numbers(name: str, array: Any, where: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise DataError(f"{name!r} is no array of numbers", where=where, allowed="real numbers")
    if not np.isfinite(array).all():
        raise DataError(f"array {name!r} is not finite", where=where, allowed="finite")


def _build(kind: type[M], facts: Mapping[str, Any]) -> M:
    """Return the member with its options checked as they were when it was first built."""
    where, known = kind.__name__, inspect.signature(kind).parameters
    given = facts.get("options") if isinstance(facts, Mapping) else None
    if not isinstance(given, Mapping) or not set(given) <= set(known):
        raise DataError("its options are not the member's", where=where, allowed=sorted(known))
    for name, value in given.items():
        if not _is(known[name].annotation, value):
            raise DataError(
                f"option {name} is {value!r}"[:200],
                where=where,
                allowed=str(known[name].annotation),
            )
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
    except UsageError as problem:
        raise DataError(problem.message, where=where, allowed=problem.allowed) from problem


def _is(wanted: Any, value: Any) -> bool:
    """Return whether an option is of its declared type, as far as JSON tells types apart."""
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return any(_is(part, value) for part in parts)
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_is(parts[0], each) for each in value)
    if origin is dict:
        return isinstance(value, Mapping)
    if wanted not in SIMPLE:
        return True
    if isinstance(value, bool) and wanted is not bool:
        return False
    return isinstance(value, SIMPLE[wanted]) and (wanted is not float or math.isfinite(value))


def _columns(facts: Mapping[str, Any], member: Any, where: str) -> tuple[str, ...]:
    """Return the columns it was fitted on: its option, or any if it has a place for them."""
    found, before = facts.get("columns"), getattr(member, "columns", None)
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) for name in found):
        raise DataError("its columns are no names", where=where, allowed="a list of names")
    if before != () and tuple(found) != tuple(before or ()):
        allowed = list(before or ())
        raise DataError(f"its columns are {list(found)}"[:200], where=where, allowed=allowed)
    return tuple(found)


def _check_shape(member: Any, where: str) -> None:
    """Raise `DataError` unless the quantiles, if kept, are one a horizon and level, and rise."""
    wanted, shape = (len(member.horizons), len(member.levels)), member.learnt.get("shape")
    if shape is None:
        return
    if shape.shape != wanted or not (np.diff(shape, axis=1) >= 0.0).all():
        raise DataError(
            f"its quantiles have shape {shape.shape}", where=where, allowed=f"{wanted}, rising"
        )


def _check_forms(forms: Forms, arrays: Arrays, where: str) -> None:
    if set(forms) != set(arrays):
        odd = sorted(set(forms) ^ set(arrays))
        raise DataError(f"arrays {odd} are missing or odd", where=where, allowed=sorted(forms))
    sizes: dict[str, int] = {}
    for name, form in forms.items():
        if not form.fits(arrays[name], sizes):
            found = f"{arrays[name].dtype} {list(arrays[name].shape)}"
            raise DataError(
                f"of its arrays, {name!r} is {found}", where=where, allowed=f"{form}, {sizes}"
            )
