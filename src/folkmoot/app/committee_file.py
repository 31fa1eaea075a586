"""A committee written down: the TOML file that `folkmoot tune` ends in."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.core.errors import DataError, UnknownOption, UsageError

if TYPE_CHECKING:
    from folkmoot.committee import Committee

TABLE = "committee"
ENDING = ".toml"


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
    return table


def _by_member(table: dict[str, Any], key: str, kind: Any, allowed: str, path: Path) -> None:
    """Raise `DataError` where a part of a committee is no table of such values."""
    part = table.get(key, {})
    if not isinstance(part, Mapping) or not all(isinstance(one, kind) for one in part.values()):
        raise DataError(f"{TABLE}.{key} is {part!r}", where=str(path), allowed=allowed)
