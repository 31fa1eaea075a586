"""What an option of a plug-in may be: read off its annotation, or else off its default."""

import inspect
import math
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

from folkmoot.core.errors import UsageError

WORDS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "list of true or false"),
    int: ("a whole number", "list of whole numbers"),
    float: ("a number", "list of numbers"),
    str: ("text", "list of texts"),
    dict: ("a table", "list of tables"),
    type(None): ("null", "list of nulls"),
}
"""How each type is called: one value, several."""
LARGEST = 2**63 - 1
"""Whole numbers beyond it are none that JSON, a seed or a size can carry."""


def checked(plugin: Any, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return options as the plug-in takes them, a list as a tuple where it says so.

    A type that is none of those in `WORDS`, or lists of them, is left to the plug-in itself.
    Raises `UsageError` for an option of another type; a number must be finite.

    >>> def cup(size: int = 3, lids: tuple[float, ...] = ()) -> None: ...
    >>> checked(cup, {"size": 4, "lids": [1, 2.5]}, "cup")
    {'size': 4, 'lids': (1, 2.5)}
    """
    known = _parameters(plugin)
    return {name: _checked(known[name], value, f"{where}.{name}") for name, value in given.items()}


def takes(plugin: Any, option: str, value: Any) -> bool:
    """Return whether a value has the type that the plug-in's option asks for."""
    parameter = _parameters(plugin)[option]
    return _is_default(parameter, value) or _fits(value, _wanted(parameter))


def _checked(parameter: inspect.Parameter, value: Any, where: str) -> Any:
    wanted = _wanted(parameter)
    if _is_default(parameter, value):
        return value
    if not _fits(value, wanted):
        raise UsageError(
            f"{parameter.name} is {_shown(value)}", where=where, allowed=_said(parameter, wanted)
        )
    return tuple(value) if isinstance(value, list) and _is_tuple(wanted) else value


@lru_cache(maxsize=256)
def _parameters(plugin: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(plugin, eval_str=True).parameters
    except (NameError, TypeError, AttributeError, SyntaxError):
        # An outsider's annotation may name what only a type checker imports.
        return inspect.signature(plugin).parameters


def _wanted(parameter: inspect.Parameter) -> Any:
    """Return the type asked for; `Any` where neither annotation nor default tells."""
    told, default = parameter.annotation, parameter.default
    if told is not inspect.Parameter.empty and not isinstance(told, str):
        return told
    if isinstance(default, tuple | list) and default:
        return types.GenericAlias(tuple, (type(default[0]), ...))
    return type(default) if type(default) in (bool, int, float, str, dict) else Any


def _is_default(parameter: inspect.Parameter, value: Any) -> bool:
    return value is None and parameter.default is None


def _fits(value: Any, wanted: Any) -> bool:
    parts = _parts(wanted)
    if len(parts) > 1:
        return any(_fits(value, part) for part in parts)
    kind = typing.get_origin(wanted) or wanted
    if kind in (tuple, list):
        return _fits_list(value, typing.get_args(wanted))
    return _fits_one(value, kind)


def _fits_one(value: Any, kind: Any) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        return whole and -LARGEST <= value <= LARGEST
    if kind is float:
        return isinstance(value, Real) and not isinstance(value, bool) and _finite(value)
    if kind in (str, type(None)):
        return isinstance(value, kind)
    return isinstance(value, Mapping) if kind in (dict, Mapping) else True


def _fits_list(value: Any, parts: tuple[Any, ...]) -> bool:
    if not isinstance(value, tuple | list):
        return False
    if not parts:
        return True
    if len(parts) == 1 or parts[-1] is Ellipsis:
        return all(_fits(one, parts[0]) for one in value)
    pairs = zip(value, parts, strict=False)
    return len(value) == len(parts) and all(_fits(one, part) for one, part in pairs)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_tuple(wanted: Any) -> bool:
    return any(typing.get_origin(part) is tuple or part is tuple for part in _parts(wanted))


def _parts(wanted: Any) -> tuple[Any, ...]:
    union = typing.get_origin(wanted) in (typing.Union, types.UnionType)
    return typing.get_args(wanted) if union else (wanted,)


def _said(parameter: inspect.Parameter, wanted: Any) -> str:
    parts = [_word(part) for part in _parts(wanted)]
    return " or ".join(parts + ["null"] * (parameter.default is None and "null" not in parts))


def _word(wanted: Any) -> str:
    kind, parts = typing.get_origin(wanted) or wanted, typing.get_args(wanted)
    if kind not in (tuple, list):
        return WORDS.get(kind, (str(kind), ""))[0]
    many = WORDS.get(parts[0] if parts else None, ("", "list of values"))[1]
    fixed = parts and len(parts) > 1 and parts[-1] is not Ellipsis
    return f"a {many}, {len(parts)} of them" if fixed else f"a {many}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
