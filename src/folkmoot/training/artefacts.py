"""Fitted models as files, and the shelf that keeps their versions.

A model's file holds its arrays, its options and its card: what it was fitted on, what was purged,
the seeds, the sizes counted from the network, and the out-of-sample figures beside their baselines.
A model without a recorded validation is `untrained` and is not served.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from folkmoot.core import own_code, plugins
from folkmoot.core.errors import DataError, EnvironmentProblem, Untrained, UsageError
from folkmoot.core.extras import get_extra
from folkmoot.core.hashing import canonical_json
from folkmoot.core.locks import locked
from folkmoot.training import claims, container

MODELS = "folkmoot.models"
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that came out of a file: the fitted `member`, its `id`, its `card`, the `path`."""

    id: str
    member: Any
    card: dict[str, Any]
    path: Path

    @property
    def validated(self) -> bool:
        """Whether the card records a validation that was passed."""
        return self.card.get("validation", {}).get("passed") is True


def save_model(path: str | Path, name: str, member: Any, card: Mapping[str, Any]) -> str:
    """Write a fitted member of that name with its card; return the file's SHA-256.

    It is what `sha256sum` prints. A readable copy of the card is put beside the file. Raises
    `Untrained` for a member without a fit.
    """
    place, body = Path(path), _packed(name, member, card)
    container.write(place, body)
    container.write(place.with_suffix(".json"), canonical_json(dict(card)))
    return hashlib.sha256(body).hexdigest()


def _packed(name: str, member: Any, card: Mapping[str, Any]) -> bytes:
    arrays, state = member.state()
    return container.pack(arrays, {"model": name, "state": state, "card": dict(card)})


def load_model(path: str | Path, *, served: bool = True) -> Loaded:
    """Read a model file, whatever it is called, and rebuild its member.

    Raises `DataError` for a file that is not ours, damaged, of a model that does not exist here, or
    whose options claim more than its arrays hold; `EnvironmentProblem` where a package is missing;
    `Untrained` for one without a passed validation, unless it is not to be `served`.
    """
    place = Path(path)
    if not _is_file(place):
        raise DataError("there is no such file", where=str(place), allowed=container.WANTED)
    arrays, facts = container.read(place)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(f"array {name!r} is not finite", where=str(place), allowed="finite")
    loaded = _restored(place, arrays, facts)
    if served and not loaded.validated:
        raise Untrained(
            f"{loaded.id} has no passed, recorded validation",
            where=str(place),
            allowed="train it with folkmoot train, which validates it",
        )
    return loaded


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:
        return False


def _restored(place: Path, arrays: container.Arrays, facts: Mapping[str, Any]) -> Loaded:
    """Return the model that the contents of a file make, or raise `DataError`."""
    try:
        kind = plugins.load(MODELS, _named(facts["model"]))
        card = claims.check_card(facts["card"])
        with claims.bounded(kind, arrays, facts["state"]):
            member = kind.restore(arrays, facts["state"])
        claims.check_member(member)
    except UsageError as problem:
        raise DataError(problem.message, where=str(place), allowed=problem.allowed) from problem
    except ImportError as problem:
        raise EnvironmentProblem(
            f"{problem.name} is not installed", where=str(place), allowed=get_extra("neural")
        ) from problem
    except claims.BROKEN as problem:
        raise DataError(
            f"its contents do not make a model: {problem!r}"[:200],
            where=str(place),
            allowed=container.WANTED,
        ) from problem
    return Loaded(facts["model"], member, card, place)


def _named(model: str) -> str:
    """Return the model's name; a file of numbers may not say which code is to be run."""
    if own_code.is_file(model) and not own_code.is_loaded(model):
        raise DataError(
            f"it needs your own code in {model[:200]}, as it was when the model was fitted",
            where="model",
            allowed=f"models.build({model[:200]!r}) before, if you trust that file",
        )
    return model


class Shelf:
    """Versions of models under `root`: one folder a model, one file a version, one in use.

    The order in which versions were promoted is kept, so that a roll-back has somewhere to go.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def names(self) -> list[str]:
        """Return the names of the models that have a version, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(place.name for place in self.root.iterdir() if NAME.fullmatch(place.name))

    def versions(self, name: str) -> list[int]:
        """Return the versions of a model, oldest first."""
        found = (place.stem for place in self._folder(name).glob(f"v*{SUFFIX}"))
        return sorted(int(stem[1:]) for stem in found if stem[1:].isdigit())

    def add(self, name: str, model: str, member: Any, card: Mapping[str, Any]) -> int:
        """Keep a fitted member as the next version of `name`; it is not in use yet.

        No version is ever overwritten, whoever else adds one meanwhile.
        """
        folder = self._folder(name)
        with locked(folder):
            version = max(self.versions(name), default=0) + 1
            while True:
                whole = {**card, "name": name, "version": version}
                place = self.path(name, version)
                if container.create(place, _packed(model, member, whole)):
                    break
                version += 1
        container.write(place.with_suffix(".json"), canonical_json(whole))
        return version

    def path(self, name: str, version: int) -> Path:
        """Return where a version is, or would be."""
        return self._folder(name) / f"v{version:04d}{SUFFIX}"

    def current(self, name: str) -> int | None:
        """Return the version in use, or None."""
        order = self._order(name)
        return order[-1] if order else None

    def load(self, name: str, version: int | None = None) -> Loaded:
        """Return a version of a model, the one in use if none is named.

        Raises `Untrained` if there is none or none is in use.
        """
        wanted = version if version is not None else self.current(name)
        if wanted is None or wanted not in self.versions(name):
            raise Untrained(
                f"{name} has no version {'in use' if version is None else version}",
                where=str(self.root),
                allowed=[f"v{known}" for known in self.versions(name)] or "folkmoot train",
            )
        return load_model(self.path(name, wanted))

    def promote(self, name: str, version: int) -> None:
        """Put a version into use; raises as `load` does if it cannot be served."""
        self.load(name, version)
        with locked(self._folder(name)):
            order = [known for known in self._order(name) if known != version]
            self._keep(name, [*order, version])

    def roll_back(self, name: str) -> int:
        """Take the version in use out of use and return the one before it, now in use.

        Raises `UsageError` if there was none before.
        """
        if not self._order(name):
            raise self._first(name)
        with locked(self._folder(name)):
            order = self._order(name)
            if len(order) < 2:
                raise self._first(name)
            self.load(name, order[-2])
            self._keep(name, order[:-1])
        return order[-2]

    def _first(self, name: str) -> UsageError:
        return UsageError(
            f"{name} has no earlier version in use", where=str(self.root), allowed="promote one"
        )

    def _keep(self, name: str, order: list[int]) -> None:
        container.write(self._folder(name) / "promoted.json", canonical_json({"order": order}))

    def _order(self, name: str) -> list[int]:
        place = self._folder(name) / "promoted.json"
        if not place.is_file():
            return []
        try:
            return [int(version) for version in orjson.loads(place.read_bytes())["order"]]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as problem:
            raise DataError(
                "the list of promoted versions is damaged",
                where=str(place),
                allowed="delete it and promote a version",
            ) from problem

    def _folder(self, name: str) -> Path:
        if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} is no name of a model",
                where="models",
                allowed="a-z, 0-9 and _, at most 64",
            )
        folder = self.root / name
        if folder.is_symlink() or not folder.resolve().is_relative_to(self.root.resolve()):
            raise UsageError(f"{name!r} leads outside", where=str(self.root), allowed="a folder")
        return folder
