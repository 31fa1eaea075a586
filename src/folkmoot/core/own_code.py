"""A person's own plug-in in a file of its own: `my_model.py`, or `my_model.py:Name` in it.

The file runs as the person's own code, in the person's own process: naming it is trusting it. It is
read anew each time it is asked for, and run again only if its text has changed.
"""

import hashlib
import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass
from importlib.abc import InspectLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from folkmoot.core.errors import DataError, EnvironmentProblem, FolkmootError, UsageError

NAME = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>[A-Za-z_]\w*))?", re.DOTALL)
PARTS = ("fit", "predict", "state", "restore")
"""The methods of a member, which is what a person's own file holds."""
WANTED = "a file with PLUGIN = YourClass, or path.py:YourClass"


def is_file(name: str) -> bool:
    """Return whether a plug-in is named by its file.

    >>> is_file("./my_model.py"), is_file("my_model.py:Mine"), is_file("logistic")
    (True, True, False)
    """
    return NAME.fullmatch(name) is not None


def load(name: str) -> Any:
    """Return the class that a file names: the one asked for, or its `PLUGIN`.

    Raises `DataError` for a file that cannot be read; `UsageError` for one that is no Python, that
    fails as it is read, with the line, or whose class is no member (`PARTS`);
    `EnvironmentProblem` where it imports a package that is not installed.
    """
    path, attribute = _parts(name)
    body = _read(path)
    module = sys.modules.get(_module(path, body)) or _run(path, body)
    found = getattr(module, attribute, None)
    if not isinstance(found, type):
        raise UsageError(f"{attribute} is no class there", where=str(path), allowed=WANTED)
    missing = [part for part in PARTS if not callable(getattr(found, part, None))]
    if missing:
        raise UsageError(
            f"{attribute} has no {', '.join(missing)}",
            where=str(path),
            allowed=f"a class with {', '.join(PARTS)}",
        )
    return found


def is_loaded(name: str) -> bool:
    """Return whether the file, as it is now, has run in this process, because a person named it."""
    path, _ = _parts(name)
    return path.is_file() and _module(path, _read(path)) in sys.modules


def source(name: str) -> tuple[Path, bytes]:
    """Return the file that a plug-in's name leads to, and its text; raises as `load` does."""
    path, _ = _parts(name)
    return path.resolve(), _read(path)


def _parts(name: str) -> tuple[Path, str]:
    found = NAME.fullmatch(name)
    if found is None:
        raise UsageError(f"{name!r} names no file", where="plug-in", allowed=WANTED)
    return Path(found["path"]), found["attribute"] or "PLUGIN"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise DataError(
            "the file cannot be read", where=str(path), allowed=problem.strerror or "a file"
        ) from problem


def _module(path: Path, body: bytes) -> str:
    seal = hashlib.sha256(str(path.resolve()).encode() + b"\0" + body).hexdigest()
    stem = re.sub(r"\W", "_", path.stem)
    return f"own_{stem}_{seal[:16]}"


class _Text(InspectLoader):
    """Runs the text that was read, not whatever a cache or the disk says a moment later."""

    def __init__(self, path: Path, body: bytes) -> None:
        self.path, self.body = str(path.resolve()), body

    def get_source(self, fullname: str) -> str:
        """Return the text."""
        del fullname
        return importlib.util.decode_source(self.body)

    def get_code(self, fullname: str) -> CodeType:
        """Return the text compiled, under the file's own name."""
        del fullname
        return self.source_to_code(self.body, self.path)

    def is_package(self, fullname: str) -> bool:
        """Return False: it is one file."""
        del fullname
        return False


def _run(path: Path, body: bytes) -> ModuleType:
    loader = _Text(path, body)
    spec = importlib.util.spec_from_loader(_module(path, body), loader, origin=loader.path)
    if spec is None:
        raise UsageError("this is no module", where=str(path), allowed=WANTED)
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up while it is made.
    sys.modules[spec.name] = module
    with _Reading(path, loader.path):
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[spec.name]
            raise
    return module


@dataclass(frozen=True, slots=True)
class _Reading:
    """Says of whatever a file raises as it is read, a SystemExit too, that it is the file's."""

    path: Path
    file: str

    def __enter__(self) -> None:
        """Begin to read."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: Any
    ) -> None:
        del kind, trace
        if problem is not None and not isinstance(problem, KeyboardInterrupt | FolkmootError):
            raise _refusal(self.path, self.file, problem) from problem


def _refusal(path: Path, file: str, problem: BaseException) -> FolkmootError:
    """Return what is to be said of a file that could not be run."""
    line = _line(file, problem)
    place = str(path) if line is None else f"{path}, line {line}"
    if isinstance(problem, SyntaxError) and problem.filename in (file, None):
        return UsageError(problem.msg, where=place, allowed="Python")
    said = f"{type(problem).__name__}: {problem}".rstrip(": ")
    if isinstance(problem, ModuleNotFoundError) and not _is_ours(problem.name):
        return EnvironmentProblem(said, where=place, allowed=f"install {problem.name}")
    if isinstance(problem, MemoryError | OSError):
        return EnvironmentProblem(said, where=place)
    return UsageError(
        f"the file fails as it is read: {said}", where=place, allowed="a file that imports"
    )


def _is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] == "folkmoot"


def _line(file: str, problem: BaseException) -> int | None:
    """Return the last line of the file itself that led to the problem; None if none did."""
    if isinstance(problem, SyntaxError) and problem.filename in (file, None):
        return problem.lineno
    steps = traceback.extract_tb(problem.__traceback__)
    return next((step.lineno for step in reversed(steps) if step.filename == file), None)
