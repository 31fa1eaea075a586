"""A file is a registration: plug-ins are found by file name, and by entry point for outsiders.

The plug-in of file `models/logistic.py` is the attribute `PLUGIN` of that module: a class whose
constructor parameters are its options. An outsider registers under the entry-point group
`folkmoot.models`, whose value points at such a class.
"""

import importlib
import inspect
import pkgutil
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from folkmoot.core.errors import UnknownOption, UsageError


def names(package: str) -> list[str]:
    """Return the names of the plug-ins in `package` ("folkmoot.models"), sorted."""
    return sorted(_files(package) | _outsiders(package).keys())


def load(package: str, name: str) -> Any:
    """Return the plug-in class of that name, or raise `UsageError` that lists the names.

    A module whose `PLUGIN` is None is part of the folder's machinery, not a plug-in.
    """
    outsiders = _outsiders(package)
    if name in outsiders:
        return outsiders[name].load()
    if name not in _files(package):
        kind = package.rsplit(".", 1)[-1]
        raise UsageError(f"nothing is called {name!r}", where=kind, allowed=names(package))
    return importlib.import_module(f"{package}.{name}").PLUGIN


def options(plugin: Any) -> dict[str, Any]:
    """Return the options of a plug-in with their defaults (`inspect.Parameter.empty` if none)."""
    parameters = inspect.signature(plugin).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def build(package: str, name: str, **given: Any) -> Any:
    """Construct the plug-in of that name, or raise `UnknownOption` that lists the valid ones."""
    plugin = load(package, name)
    known = options(plugin)
    for option in given:
        if option not in known:
            raise UnknownOption(
                f"{name} has no option {option!r}", where=package, allowed=sorted(known)
            )
    return plugin(**given)


def _files(package: str) -> set[str]:
    module = importlib.import_module(package)
    found = {info.name for info in pkgutil.iter_modules(module.__path__) if not info.ispkg}
    machinery: frozenset[str] = getattr(module, "MACHINERY", frozenset())
    return {name for name in found if not name.startswith("_")} - machinery


@lru_cache(maxsize=64)
def _outsiders(package: str) -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=package)}
