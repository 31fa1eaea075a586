"""The name of a task's result: the hash of all that the result depends on."""

import inspect
import platform
import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import folkmoot.core
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.hashing import content_hash

PACKAGES = ("core", "causal", "features", "indicators", "models", "training")
"""The code that a result passes through."""

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "ta-lib", "lightgbm")


def task_key(*, data: str, config: dict[str, Any], model: str, options: dict[str, Any]) -> str:
    """Return the key of one (block, member).

    `data` is `data_hash` of the rows up to the end of the block's last label; `config` what else
    the task was asked (columns, horizon, block); the code and the library versions are added here.
    """
    return content_hash(data, config, model, options, code_version(model), libraries())


def data_hash(bars: Bars, stop: int, columns: Iterable[str]) -> str:
    """Return the SHA-256 of the first `stop` rows of the named columns of bars."""
    parts: list[Any] = [bars.symbol, bars.timeframe.label, bars.open_time[:stop]]
    for name in sorted(columns):
        parts += [name, bars.column(name)[:stop]]
    return content_hash(*parts)


@lru_cache(maxsize=64)
def code_version(model: str) -> str:
    """Return the hash of the source files that a result of `model` passes through."""
    return content_hash(_ours(), outsider_version("folkmoot.models", model))


@lru_cache(maxsize=256)
def outsider_version(package: str, name: str) -> str:
    """Return the hash of the source of a plug-in that came by entry point, or nothing for ours.

    Its source is its file or, where it lives in a package, every Python file of that package.
    Raises `UsageError` for a plug-in that does not exist.
    """
    plugin = plugins.load(package, name)
    if plugin.__module__.startswith("folkmoot."):
        return ""
    file = Path(inspect.getfile(plugin))
    top = sys.modules.get(plugin.__module__.partition(".")[0])
    roots = [Path(root) for root in getattr(top, "__path__", ())]
    inside = {
        path.relative_to(root).as_posix(): path for root in roots for path in root.rglob("*.py")
    }
    files = [part for path in sorted(inside) for part in (path, inside[path].read_bytes())]
    return content_hash(file.name, file.read_bytes(), *files)


@lru_cache(maxsize=1)
def libraries() -> dict[str, str]:
    """Return the versions of what computes."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


@lru_cache(maxsize=1)
def _ours() -> str:
    root = Path(folkmoot.core.__file__).parents[1]
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return content_hash(*[[str(path.relative_to(root)), path.read_text("utf-8")] for path in files])
