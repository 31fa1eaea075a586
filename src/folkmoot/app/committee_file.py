"""A committee written down: the TOML file that `folkmoot tune` ends in."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.app.limits import FARTHEST
from folkmoot.core.errors import DataError, UnknownOption, UsageError

if TYPE_CHECKING:
    from folkmoot.committee import Committee

TABLE = "committee"
ENDING = ".toml"


def is_committee(models: str) -> bool:
    """Return whether what was typed for members is such a file."""
    return models.strip().endswith(ENDING)


def tells_horizon(models: str) -> bool:
    """Return whether the file says how far ahead its members are to look."""
    return not {"horizon", "horizons"}.isdisjoint(_table(_path(models)))


def committee_of_file(models: str, horizon: int) -> "Committee":
    """Return the committee of the file that was typed for members; see `committee_in`."""
    return committee_in(_path(models), horizon)


def _path(models: str) -> Path:
    return Path(models.strip()).expanduser()


def committee_in(path: Path, horizon: int) -> "Committee":
    """Return the committee of the table `[committee]`: the arguments of a `Committee`.

    `horizon` holds where the file names none; 1 gives way to the file's.

    Raises `DataError` for a file that is no such TOML, `UnknownOption` for a key that a committee
    has not, `UsageError` for a horizon other than the file's.
    """
    from folkmoot.committee import Committee

    table = _table(path)
    allowed = [field.name for field in fields(Committee)]
    unknown = sorted(table.keys() - set(allowed))
    if unknown:
        raise UnknownOption(
            f"a committee has no {', '.join(unknown)}", where=f"{path}: {TABLE}", allowed=allowed
        )
    _check_horizons(table, path)
    written = table.setdefault("horizon", horizon)
    if horizon not in (1, written):
        raise UsageError(
            f"horizon {horizon}, but the file says {written!r}",
            where=str(path),
            allowed="the file's, or a file without one",
        )
    return Committee(**table)


def _table(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get(TABLE)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise DataError(str(problem), where=str(path), allowed="a TOML file in UTF-8") from problem
    if not isinstance(table, dict) or not isinstance(table.get("models"), list):
        raise DataError(
            f"no table [{TABLE}] with a list `models`",
            where=str(path),
            allowed=f'[{TABLE}] with models = ["logistic"] and [{TABLE}.options.logistic]',
        )
    _by_member(table, "weights", int | float, "weights = { logistic = 2.0 }", path)
    _by_member(table, "options", Mapping, f"[{TABLE}.options.logistic]", path)
    for member, options in table.get("options", {}).items():
        if "horizons" in options:
            raise UsageError(
                f"options of {member} hold horizons",
                where=str(path),
                allowed=f"[{TABLE}] with horizon = 4 or horizons = [1, 4], for all members alike",
            )
    return table


def _check_horizons(table: Mapping[str, Any], path: Path) -> None:
    """Raise `UsageError` for a horizon that no table of labels can count."""
    several = table.get("horizons")
    for h in (table.get("horizon"), *(several if isinstance(several, list) else ())):
        if isinstance(h, int) and h > FARTHEST:
            raise UsageError(f"horizon {h}", where=str(path), allowed=f"{FARTHEST} at most")


def _by_member(table: dict[str, Any], key: str, kind: Any, allowed: str, path: Path) -> None:
    """Raise `DataError` where a part of a committee is no table of such values."""
    part = table.get(key, {})
    if not isinstance(part, Mapping) or not all(isinstance(one, kind) for one in part.values()):
        raise DataError(f"{TABLE}.{key} is {part!r}", where=str(path), allowed=allowed)
