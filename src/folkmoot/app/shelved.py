"""Trained versions as the command line shows them: what a sealed file says, without its fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from folkmoot.core.errors import DataError, EnvironmentProblem, UsageError
from folkmoot.core.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

    from folkmoot.training.artefacts import Shelf

FOLDER = "models"
TOLD = ("symbol", "timeframe", "features", "data", "folds", "validation", "calibration", "cost",
        "made_by", "served", "explained", "sizes")  # fmt: skip
"""What a card that training wrote tells."""


@dataclass(frozen=True, slots=True, eq=False)
class Shelved:
    """A version on the shelf: its names, whether it is in use, and what its file says.

    `problem` says why the file could not be read; then `model` and `card` are empty.
    """

    name: str
    version: int
    in_use: bool
    path: "Path"
    model: str = ""
    card: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether its card records a passed validation, without which it is not loaded."""
        return bool((self.card or {}).get("validation", {}).get("passed"))

    @property
    def parameters(self) -> int | None:
        """How many numbers its networks have learnt; None for what is no network."""
        size = (self.card or {}).get("sizes", {}).get("parameters")
        return None if size is None else int(size)

    @property
    def earned(self) -> list[int]:
        """The horizons at which it has earned skill beyond the references."""
        rows = (self.card or {}).get("validation", {}).get("horizons", {})
        return [int(horizon) for horizon, row in in_order(rows) if row.get("earned")]

    @property
    def history(self) -> list[list[dict[str, Any]]]:
        """What each seed's epochs told; empty for what is not fitted by epochs."""
        return list((self.state or {}).get("history") or [])

    def whole_card(self) -> dict[str, Any]:
        """Return the card, or raise `DataError` where it is not one that training wrote."""
        card = dict(self.card or {})
        missing = [key for key in TOLD if key not in card]
        if missing:
            raise DataError(
                f"its card does not tell {', '.join(missing)}",
                where=str(self.path),
                allowed="a version made by folkmoot train",
            )
        return card

    def as_dict(self) -> dict[str, Any]:
        """Return the line of a list, as JSON values."""
        card = self.card or {}
        row: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "status": "in use" if self.in_use else "on the shelf" if self.passed else "untrained",
            "symbol": card.get("symbol"),
            "timeframe": card.get("timeframe"),
            "horizons": card.get("horizons"),
            "earned": self.earned,
            "parameters_in_use": self.parameters,
        }
        return row | ({"problem": self.problem} if self.problem else {})


def in_order(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a card says by horizon in the horizons' order; JSON sorts them as texts.

    >>> in_order({"1": "a", "15": "b", "5": "c"})
    [('1', 'a'), ('5', 'c'), ('15', 'b')]
    """
    return sorted(rows.items(), key=lambda pair: int(pair[0]))


def shelf() -> "Shelf":
    """Return the shelf of trained versions below the data root.

    Raises `EnvironmentProblem` where a file stands in its way: nothing could be kept there, and an
    empty list would say that nothing is trained.
    """
    from folkmoot.training.artefacts import Shelf

    root = settings().data_root / FOLDER
    there = next((place for place in (root, *root.absolute().parents) if place.exists()), root)
    if there.exists() and not there.is_dir():
        raise EnvironmentProblem(
            f"{there} is no folder",
            where="FOLKMOOT_DATA_ROOT",
            allowed="a folder, or a name for a new one",
        )
    return Shelf(root)


def shelved(where: "Shelf", spec: str) -> Shelved:
    """Return the version that `NAME` (the one in use, or else the newest) or `NAME@3` names.

    Raises `UsageError` that lists the names or versions, `DataError` for a damaged file.
    """
    name, wanted = _named(spec)
    known = where.versions(name)
    if not known:
        raise UsageError(
            f"no trained model is called {name!r}",
            where=str(where.root),
            allowed=where.names() or "nothing is trained yet: folkmoot train",
        )
    version = wanted if wanted is not None else where.current(name) or known[-1]
    if version not in known:
        raise UsageError(f"{name} has no version {version}", where=name, allowed=known)
    return _read(where, name, version)


def shelved_all(where: "Shelf") -> list[Shelved]:
    """Return every version on the shelf, one that is damaged with its `problem`."""
    found = []
    for name in where.names():
        for version in where.versions(name):
            try:
                found.append(_read(where, name, version))
            except DataError as problem:
                path = where.path(name, version)
                found.append(Shelved(name, version, False, path, problem=problem.message))
    return found


def _named(spec: str) -> tuple[str, int | None]:
    name, _, number = spec.partition("@")
    digits = number.removeprefix("v")
    if number and not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise UsageError(f"{number[:40]!r} is no version", where=spec, allowed="NAME or NAME@3")
    return name, int(digits) if number else None


def _read(where: "Shelf", name: str, version: int) -> Shelved:
    from folkmoot.training import claims, container

    path = where.path(name, version)
    _, facts = container.read(path)
    in_use = where.current(name) == version
    try:
        parts = str(facts["model"]), claims.check_card(facts["card"]), dict(facts["state"])
    except (KeyError, TypeError, ValueError) as problem:
        raise DataError(
            "it says nothing of a model", where=str(path), allowed=container.WANTED
        ) from problem
    return Shelved(name, version, in_use, path, *parts)
