"""The name of a task's result: the hash of all that the result depends on."""

import ast
import contextlib
import inspect
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import folkmoot.core
from folkmoot import models
from folkmoot.core import own_code, plugins
from folkmoot.core.bars import Bars
from folkmoot.core.hashing import content_hash

WALK = ("folkmoot.training.tasks", "folkmoot.causal")
"""Where the code that every result passes through begins; what it imports belongs to it.

Indicators do not: a column's formula is part of the question, whoever wrote it down.
"""

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "ta-lib")
EXTRAS = {
    "torch": "torch",
    "lightning": "lightning",
    "sklearn": "scikit-learn",
    "onnxruntime": "onnxruntime",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost-cpu",
    "catboost": "catboost",
}
"""Libraries that only some members import, by module, and under which name they are installed."""

OURS = "folkmoot.models"
ROOT = Path(folkmoot.core.__file__).parents[1]


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


def code_version(model: str) -> str:
    """Return the hash of the source files that a result of `model` passes through."""
    return _code(model, outsider_version(OURS, model))


@lru_cache(maxsize=64)
def _code(model: str, outside: str) -> str:
    files = [path for path, _ in _imported(model) if path.is_relative_to(ROOT)]
    own = [[str(path.relative_to(ROOT)), path.read_text("utf-8")] for path in files]
    return content_hash(_ours(), own, outside)


def outsider_version(package: str, name: str) -> str:
    """Return the hash of the source of a plug-in that came by entry point, or nothing for ours.

    Its source is its file or, where it lives in a package, every Python file of that package. Of a
    person's own file it is the file's text as it is now. Raises `UsageError` for a plug-in that
    does not exist.
    """
    if plugins.is_own_file(package, name):
        return content_hash(own_code.source(name)[1])
    return _installed_version(package, name)


@lru_cache(maxsize=256)
def _installed_version(package: str, name: str) -> str:
    plugin = plugins.load(package, name)
    if plugin.__module__.startswith("folkmoot."):
        return ""
    files = [
        part for inside, path in _files_of_outsider(plugin) for part in (inside, path.read_bytes())
    ]
    file = Path(inspect.getfile(plugin))
    return content_hash(file.name, file.read_bytes(), *files)


def _files_of_outsider(plugin: Any) -> list[tuple[str, Path]]:
    """Return every Python file of the package that a plug-in lives in, by its place inside."""
    top = sys.modules.get(plugin.__module__.partition(".")[0])
    roots = [Path(root) for root in getattr(top, "__path__", ())]
    return sorted(
        (path.relative_to(root).as_posix(), path) for root in roots for path in root.rglob("*.py")
    )


def libraries(model: str | None = None) -> dict[str, str]:
    """Return the versions of what computes a result of `model`, or of any.

    Of an outsider's they are those of everything installed that it imports.
    """
    if model is None:
        return dict(_versions(frozenset(EXTRAS)))
    used = {name.partition(".")[0] for _, names in _imported(model) for name in names}
    found = dict(_versions(frozenset(used & EXTRAS.keys())))
    if outsider_version(OURS, model):
        found |= {name: version(name) for module in used for name in _packages().get(module, ())}
    return found


@lru_cache(maxsize=64)
def _versions(used: frozenset[str]) -> dict[str, str]:
    found = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    for module, package in EXTRAS.items():
        if module in used:
            with contextlib.suppress(PackageNotFoundError):
                found[module] = version(package)
    return found


@lru_cache(maxsize=1)
def _packages() -> Mapping[str, list[str]]:
    """Return which installed packages each importable module comes from."""
    return packages_distributions()


def _imported(model: str) -> tuple[tuple[Path, frozenset[str]], ...]:
    """Return the files that a member's own file reaches, and what each imports.

    Imports inside functions count, so that editing one family recomputes that family alone. An
    outsider's files come first, and what they reach of ours with them.
    """
    if plugins.is_own_file(OURS, model):
        return _with_ours(dict([own_code.source(model)]))
    return _imported_by_installed(model)


@lru_cache(maxsize=64)
def _imported_by_installed(model: str) -> tuple[tuple[Path, frozenset[str]], ...]:
    plugin = plugins.load(OURS, model)
    if plugin.__module__.startswith(f"{OURS}."):
        return _reached(plugin.__module__)
    files = [Path(inspect.getfile(plugin)), *(path for _, path in _files_of_outsider(plugin))]
    return _with_ours({path: path.read_bytes() for path in files})


def _with_ours(bodies: dict[Path, bytes]) -> tuple[tuple[Path, frozenset[str]], ...]:
    """Return what files of an outsider import, and the files of ours that they reach."""
    own = {path: _names_in(body) for path, body in bodies.items()}
    ours = sorted(name for names in own.values() for name in names if name.startswith("folkmoot."))
    return (*own.items(), *_reached(*ours))


def _reached(*modules: str) -> tuple[tuple[Path, frozenset[str]], ...]:
    """Return the files of ours that the modules reach by imports, themselves among them."""
    found: dict[Path, frozenset[str]] = {}
    waiting = list(modules)
    while waiting:
        for path in _files_of(waiting.pop()):
            if path not in found:
                found[path] = _imports(path)
                waiting += [name for name in found[path] if name.startswith("folkmoot.")]
    return tuple(sorted(found.items()))


def _files_of(module: str) -> list[Path]:
    """Return the file of a module of ours, or all files of what is asked for as a package."""
    if module == OURS:
        # It only names members; which one is asked for is in the key.
        return []
    place = ROOT.joinpath(*module.split(".")[1:])
    if place.is_dir():
        whole = module in WALK or (module.startswith(f"{OURS}.") and place.parent.name == "models")
        machinery = place.name in models.MACHINERY
        return sorted(place.rglob("*.py")) if whole and not machinery else [place / "__init__.py"]
    file = place.with_suffix(".py")
    return [file] if file.is_file() else []


@lru_cache(maxsize=512)
def _imports(path: Path) -> frozenset[str]:
    return _names_in(path.read_bytes())


def _names_in(body: bytes) -> frozenset[str]:
    """Return the modules that a text imports anywhere in it; a package only for its own names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inside if _is_module(name)}
            names |= modules
            if modules != inside:
                names.add(node.module)
    return frozenset(names)


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split(".")[1:])
    return name.startswith("folkmoot.") and (place.is_dir() or place.with_suffix(".py").is_file())


@lru_cache(maxsize=1)
def _ours() -> str:
    parts = [[str(path.relative_to(ROOT)), path.read_text("utf-8")] for path, _ in _reached(*WALK)]
    return content_hash(*parts)
