"""A person's own plug-in in a file of its own: `my_model.py`, or `my_model.py:Name` in it.

The file runs as the person's own code, in the person's own process: naming it is trusting it. It is
read anew each time it is asked for, and run again only if its text has changed.
"""

import hashlib
import importlib.util
import re
import sys
from importlib.abc import InspectLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from folkmoot.core.errors import DataError, UsageError

NAME = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>[A-Za-z_]\w*))?", re.DOTALL)
WANTED = "a file with PLUGIN = YourClass, or path.py:YourClass"


def is_file(name: str) -> bool:
    """Return whether a plug-in is named by its file.

    >>> is_file("./my_model.py"), is_file("my_model.py:Mine"), is_file("logistic")
    (True, True, False)
    """
    return NAME.fullmatch(name) is not None


def load(name: str) -> Any:
    """Return the class that a file names: the one asked for, or its `PLUGIN`.

    Raises `DataError` for a file that cannot be read, `UsageError` for one that is no Python or
    lacks the class; what the file itself raises passes through.
    """
    path, attribute = _parts(name)
    body = _read(path)
    module = sys.modules.get(_module(path, body)) or _run(path, body)
    found = getattr(module, attribute, None)
    if not isinstance(found, type):
        raise UsageError(f"{attribute} is no class there", where=str(path), allowed=WANTED)
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
    try:
        loader.exec_module(module)
    except SyntaxError as problem:
        del sys.modules[spec.name]
        raise UsageError(
            f"line {problem.lineno}: {problem.msg}", where=str(path), allowed="Python"
        ) from problem
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module
