"""A folder of results under the hash of what they were made from.

A result is two files: arrays as safetensors, and a JSON card that holds their SHA-256. Each is
written to a temporary file, synchronised and renamed; the card comes last, so a result without a
card does not exist. Neither is ever changed.
"""

import contextlib
import itertools
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson
from safetensors.numpy import load, save

from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.hashing import canonical_json, content_hash

KEY = re.compile("[0-9a-f]{64}")
DRAFT = re.compile(r"(\d+)-\d+")
_count = itertools.count()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a task left: named arrays and JSON facts."""

    arrays: dict[str, npt.NDArray[Any]]
    facts: dict[str, Any]


class Results(Protocol):
    """Where a walk keeps what its tasks leave."""

    def __contains__(self, key: str) -> bool:
        """Return whether there is a result."""

    def get(self, key: str) -> Result | None:
        """Return the result, or None if there is none."""

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]], facts: dict[str, Any]) -> None:
        """Keep a result."""


class InMemory:
    """Results that nobody will ask for again once this object is gone."""

    def __init__(self) -> None:
        self._kept: dict[str, Result] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._kept

    def get(self, key: str) -> Result | None:
        """Return the result, or None if there is none."""
        return self._kept.get(key)

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]], facts: dict[str, Any]) -> None:
        """Keep a result, its facts as a file would give them back."""
        self._kept[key] = Result(dict(arrays), orjson.loads(canonical_json(facts)))


class TaskStore:
    """Results in the folder `root`, which is made if absent.

    Opening it removes the temporary files of processes that no longer run. Several processes may
    use one folder: two that compute the same task write the same bytes.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._drafts = self.root / "drafts"
        self._drafts.mkdir(parents=True, exist_ok=True)
        for stray in self._drafts.iterdir():
            author = DRAFT.fullmatch(stray.name)
            if author and not _runs(int(author[1])):
                stray.unlink(missing_ok=True)

    def __contains__(self, key: str) -> bool:
        return self._path(key, "json").exists()

    def get(self, key: str) -> Result | None:
        """Return the result, or None if there is none.

        Raises `DataError` if what is there is not what was written.
        """
        card = self._path(key, "json")
        if not card.exists():
            return None
        try:
            fields, body = orjson.loads(card.read_bytes()), self._path(key, "arrays").read_bytes()
            whole = fields["seal"] == content_hash(key, body, canonical_json(fields["facts"]))
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as problem:
            raise _damaged(card) from problem
        if not whole:
            raise _damaged(card)
        return Result(load(body), fields["facts"])

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]], facts: dict[str, Any]) -> None:
        """Keep a result; it is there as a whole or not at all, whenever the process is killed."""
        body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        plain = orjson.loads(canonical_json(facts))
        seal = content_hash(key, body, canonical_json(plain))
        self._path(key, "arrays").parent.mkdir(exist_ok=True)
        self._write(self._path(key, "arrays"), body)
        self._write(self._path(key, "json"), canonical_json({"seal": seal, "facts": plain}))
        _synchronise_folder(self._path(key, "json").parent)

    def note_seconds(self, key: str, seconds: float) -> None:
        """Note how long a task took, in its last sitting."""
        place = self.root / "seconds"
        place.mkdir(exist_ok=True)
        (place / key).write_text(f"{seconds:.3f}\n")

    def seconds(self, key: str) -> float:
        """Return how long a task took, NaN if nobody noted it."""
        place = self.root / "seconds" / key
        return float(place.read_text()) if place.exists() else math.nan

    def _path(self, key: str, kind: str) -> Path:
        if not KEY.fullmatch(key):
            raise UsageError(f"{key!r} is no key", where="task store", allowed="64 hex digits")
        return self.root / key[:2] / f"{key}.{kind}"

    def _write(self, path: Path, body: bytes) -> None:
        draft = self._drafts / f"{os.getpid()}-{next(_count)}"
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _damaged(card: Path) -> DataError:
    return DataError(
        "a stored result is damaged", where=str(card), allowed="delete it and it is computed again"
    )


def _runs(pid: int) -> bool:
    """Return whether the process runs; where that cannot be asked without harm, say yes."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _synchronise_folder(folder: Path) -> None:
    # A rename is durable once its folder is; not every system lets a folder be opened.
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
