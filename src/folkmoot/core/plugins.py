"""A file is a registration: plug-ins are found by file name, and by entry point for outsiders.

The plug-in of file `models/logistic.py` is the attribute `PLUGIN` of that module: a class whose
constructor parameters are its options. An outsider registers under the entry-point group
`folkmoot.models`, whose value points at such a class.

Names in the package's `MACHINERY`, and files that begin with one and a `_`, are no plug-ins.

A package that says `FAMILIES = True` lets a plug-in be a folder, and a file hold several: its
`PRESETS` then maps each plug-in's name, which starts with the file's, to options of `PLUGIN`; the
names are read off the source, so that listing them runs nothing.

A package that says `OWN_FILES = True` also takes a person's own file for a name (`own_code`).
"""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from folkmoot.core import option_types, own_code
from folkmoot.core.errors import UnknownOption, UsageError

REFUSALS = (TypeError, ValueError, ArithmeticError, LookupError)
"""What a constructor raises over values that its types allow."""


def names(package: str) -> list[str]:
    """Return the names of the plug-ins in `package` ("folkmoot.models"), sorted."""
    found = _files(package)
    if _has_families(package):
        found = {name for file in found for name in _preset_names(package, file) or (file,)}
    return sorted(found | _outsiders(package).keys())


def load(package: str, name: str) -> Any:
    """Return the plug-in class of that name or file; `UsageError` lists the names.

    A module whose `PLUGIN` is None is part of the folder's machinery, not a plug-in.
    """
    if is_own_file(package, name):
        return own_code.load(name)
    outsiders = _outsiders(package)
    if name in outsiders:
        return outsiders[name].load()
    file, _ = _found(package, name)
    return importlib.import_module(f"{package}.{file}").PLUGIN


def preset(package: str, name: str) -> dict[str, Any]:
    """Return the options in which the plug-in of that name differs from its class."""
    if is_own_file(package, name) or name in _outsiders(package):
        return {}
    return dict(_found(package, name)[1])


def is_own_file(package: str, name: str) -> bool:
    """Return whether `name` leads to a person's own file, where the package takes such."""
    return own_code.is_file(name) and getattr(importlib.import_module(package), "OWN_FILES", False)


def options(plugin: Any) -> dict[str, Any]:
    """Return the options of a plug-in with their defaults (`inspect.Parameter.empty` if none)."""
    parameters = inspect.signature(plugin).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def build(package: str, name: str, **given: Any) -> Any:
    """Construct the plug-in of that name from options of the types that it asks for.

    Raises `UnknownOption` that lists the valid ones, `UsageError` for a value of another type or
    one that the constructor cannot work with.
    """
    plugin = load(package, name)
    known = options(plugin)
    for option in given:
        if option not in known:
            raise UnknownOption(
                f"{name} has no option {option!r}", where=package, allowed=sorted(known)
            )
    fitting = option_types.checked(plugin, given, name)
    try:
        return plugin(**{**preset(package, name), **fitting})
    except REFUSALS as problem:
        if not given:
            raise
        raise UsageError(
            f"{name} cannot be made: {type(problem).__name__}: {problem}",
            where=f"{name}: {', '.join(f'{key} = {value!r}' for key, value in given.items())}",
            allowed="values that fit together",
        ) from problem


def _found(package: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the file that holds the plug-in, and the preset that it is."""
    for file in sorted(_files(package), key=len, reverse=True):
        if name != file and not (_has_families(package) and name.startswith(f"{file}_")):
            continue
        presets = _presets(package, file) if _has_families(package) else {}
        if name in presets or (name == file and not presets):
            return file, presets.get(name, {})
    kind = package.rsplit(".", 1)[-1]
    raise UsageError(f"nothing is called {name!r}", where=kind, allowed=names(package))


def _presets(package: str, file: str) -> dict[str, dict[str, Any]]:
    return getattr(importlib.import_module(f"{package}.{file}"), "PRESETS", {})


@lru_cache(maxsize=256)
def _preset_names(package: str, file: str) -> tuple[str, ...]:
    """Return the names that a file's source gives its presets; the file is not run for that."""
    found = importlib.util.find_spec(f"{package}.{file}")
    if found is None or found.origin is None:
        return ()
    for node in ast.parse(Path(found.origin).read_bytes()).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == "PRESETS" for target in targets)
        if named and isinstance(value := getattr(node, "value", None), ast.Dict):
            return tuple(str(ast.literal_eval(key)) for key in value.keys if key is not None)
    return ()


def _has_families(package: str) -> bool:
    return bool(getattr(importlib.import_module(package), "FAMILIES", False))


def _files(package: str) -> set[str]:
    module = importlib.import_module(package)
    folders = _has_families(package)
    found = {
        info.name for info in pkgutil.iter_modules(module.__path__) if folders or not info.ispkg
    }
    machinery: frozenset[str] = getattr(module, "MACHINERY", frozenset())
    parts = tuple(f"{name}_" for name in machinery)
    return {
        name
        for name in found - machinery
        if not name.startswith("_") and not name.startswith(parts)
    }


@lru_cache(maxsize=64)
def _outsiders(package: str) -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=package)}
