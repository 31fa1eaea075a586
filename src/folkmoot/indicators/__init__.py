"""Named indicators with TradingView's definitions; each file is one function of its own name.

A new file needs no other edit: the function is found by the file's name.
"""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from folkmoot.causal import Expr
from folkmoot.core import plugins

# Bound at once: a submodule that is imported later would otherwise hide its function's name.
for _file in pkgutil.iter_modules(__path__):
    if not (_file.ispkg or _file.name.startswith("_")):
        globals()[_file.name] = getattr(import_module(f"{__name__}.{_file.name}"), _file.name)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"no indicator is called {name!r}")


def indicator(name: str) -> Any:
    """Return the function of that name: a file's of this folder, or an outsider's.

    Raises `UsageError` that lists the indicators.
    """
    if find_spec(f"{__name__}.{name}") is None:
        return plugins.load(__name__, name)
    return getattr(import_module(f"{__name__}.{name}"), name)


def expressions() -> dict[str, Expr]:
    """Return every output of every indicator at its defaults, found by file or entry point.

    An indicator of one output has its own name, one of several `indicator.output`.

    >>> [name for name in expressions() if name.startswith("adx")]
    ['adx.adx', 'adx.plus_di', 'adx.minus_di']
    """
    found: dict[str, Expr] = {}
    for name in plugins.names(__name__):
        made = indicator(name)()
        outputs = {name: made} if isinstance(made, Expr) else _named(name, made)
        found.update(outputs)
    return found


def _named(name: str, outputs: dict[str, Expr]) -> dict[str, Expr]:
    return {f"{name}.{output}": expr for output, expr in outputs.items()}
