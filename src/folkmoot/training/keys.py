"""The name of a task's result: the hash of all that the result depends on."""

import ast
import contextlib
import inspect
import platform
import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import folkmoot.core
from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.hashing import content_hash

PACKAGES = ("core", "causal", "features", "indicators", "training")
"""The code that every result passes through; of `models`, it is what the member imports."""

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "ta-lib")
EXTRAS = {
    "torch": "torch",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost-cpu",
    "catboost": "catboost",
}
"""Libraries that only some members import, by module, and under which name they are installed."""

OURS = "folkmoot.models"


def task_key(*, data: str, config: dict[str, Any], model: str, options: dict[str, Any]) -> str:
    """Return the key of one (block, member).

    `data` is `data_hash` of the rows up to the end of the block's last label; `config` what else
    the task was asked (columns, horizon, block); the code and the library versions are added here.
    """
    return content_hash(data, config, model, options, code_version(model), libraries(model))


def data_hash(bars: Bars, stop: int, columns: Iterable[str]) -> str:
    """Return the SHA-256 of the first `stop` rows of the named columns of bars."""
    parts: list[Any] = [bars.symbol, bars.timeframe.label, bars.open_time[:stop]]
    for name in sorted(columns):
        parts += [name, bars.column(name)[:stop]]
    return content_hash(*parts)


@lru_cache(maxsize=64)
def code_version(model: str) -> str:
    """Return the hash of the source files that a result of `model` passes through."""
    files = [path for path, _ in _imported(model)]
    own = [[path.name, path.read_text("utf-8")] for path in sorted(files)]
    return content_hash(_ours(), own, outsider_version("folkmoot.models", model))


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


@lru_cache(maxsize=64)
def libraries(model: str | None = None) -> dict[str, str]:
    """Return the versions of what computes a result of `model`, or of any."""
    found = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    used = set(EXTRAS)
    if model is not None:
        used = {name.partition(".")[0] for _, names in _imported(model) for name in names}
    for module, package in EXTRAS.items():
        if module in used:
            with contextlib.suppress(PackageNotFoundError):
                found[module] = version(package)
    return found


@lru_cache(maxsize=64)
def _imported(model: str) -> tuple[tuple[Path, frozenset[str]], ...]:
    """Return the files of `models` that a member's own file reaches, and what each imports.

    Imports inside functions count, so that editing one family recomputes that family alone.
    """
    plugin = plugins.load(OURS, model)
    if not plugin.__module__.startswith(f"{OURS}."):
        return ()
    found: dict[Path, frozenset[str]] = {}
    waiting = [plugin.__module__]
    while waiting:
        for path in _files_of(waiting.pop()):
            if path not in found:
                found[path] = _imports(path)
                waiting += [name for name in found[path] if name.startswith(f"{OURS}.")]
    return tuple(sorted(found.items()))


def _files_of(module: str) -> list[Path]:
    """Return the file of a module of ours; of a package that is a member, all its files."""
    place = Path(folkmoot.core.__file__).parents[1].joinpath(*module.split(".")[1:])
    if place.is_dir():
        return sorted(place.rglob("*.py")) if place.name not in models.MACHINERY else []
    file = place.with_suffix(".py")
    return [file] if file.is_file() else []


def _imports(path: Path) -> frozenset[str]:
    """Return the modules, or names in modules, that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@lru_cache(maxsize=1)
def _ours() -> str:
    root = Path(folkmoot.core.__file__).parents[1]
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return content_hash(*[[str(path.relative_to(root)), path.read_text("utf-8")] for path in files])
