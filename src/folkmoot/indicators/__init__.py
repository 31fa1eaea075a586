"""Named indicators with TradingView's definitions; each file is one function of its own name.

A file is a registration: `from folkmoot.indicators import rsi` is the function of `rsi.py`, and
nothing here lists it. Files whose name begins with an underscore are shared parts.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from folkmoot.causal import Expr
from folkmoot.core import plugins

CLASSES = ("ADXIndicator", "CCIIndicator", "RSIIndicator", "WaveTrendIndicator")
"""The objects of the package `classes`, which calculate on arrays, frames and tensors."""


def expressions() -> dict[str, Expr]:
    """Return every output of every indicator at its defaults, found by file or entry point.

    An indicator of one output has its own name, one of several `indicator.output`.

    >>> [name for name in expressions() if name.startswith("adx")]
    ['adx.adx', 'adx.plus_di', 'adx.minus_di']
    """
    found: dict[str, Expr] = {}
    for name in plugins.names(__name__):
        made = function(name)()
        outputs = {name: made} if isinstance(made, Expr) else _named(name, made)
        found.update(outputs)
    return found


def function(name: str) -> Any:
    """Return the indicator of that name, or raise `UsageError` that lists the names."""
    if find_spec(f"{__name__}.{name}") is None:
        return plugins.load(__name__, name)
    return getattr(import_module(f"{__name__}.{name}"), name)


def _named(name: str, outputs: dict[str, Expr]) -> dict[str, Expr]:
    return {f"{name}.{output}": expr for output, expr in outputs.items()}


class _Package(ModuleType):
    """The package itself: a submodule that is imported shows as the function of its name."""

    def __setattr__(self, name: str, value: object) -> None:
        own = getattr(value, name, value) if isinstance(value, ModuleType) else value
        super().__setattr__(name, own)


def __getattr__(name: str) -> Any:
    if name in CLASSES:
        return getattr(import_module(f"{__name__}.classes"), name)
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return function(name)


def __dir__() -> list[str]:
    return [*plugins.names(__name__), *CLASSES, "expressions", "function"]


sys.modules[__name__].__class__ = _Package
