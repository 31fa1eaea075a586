"""What a member's versions are called on the shelf, so that no two members share a name."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from folkmoot.app.shelved import shelved
from folkmoot.core import own_code
from folkmoot.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from folkmoot.training.artefacts import Shelf


def named(text: str) -> str:
    """Return a part of a name: of a member's own file, `folder/mine.py`, only `mine`.

    >>> named("folder/My model.py:Net"), named("gru_standard")
    ('my_model_net', 'gru_standard')
    """
    last = text.replace("\\", "/").rsplit("/", 1)[-1].replace(".py", "")
    return re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_")


def check_names(members: Iterable[str], prefix: str, shelf: "Shelf") -> None:
    """Raise `UsageError` unless each member has a name, `prefix_member`, of its own on the shelf.

    A name whose newest version holds another member is not its own.
    """
    taken: dict[str, str] = {}
    for member in members:
        part = named(member)
        if not part:
            raise UsageError(
                f"{member} leaves no name: none of its letters is one of a-z",
                where="train",
                allowed="a file whose name has a letter a-z or a digit",
            )
        name = f"{prefix}_{part}"
        if name in taken:
            raise UsageError(
                f"{taken[name]} and {member} would both be called {name}",
                where="train",
                allowed="one of them at a time, each with a --name of its own",
            )
        taken[name] = member
        _check_shelf(name, member, shelf)


def _check_shelf(name: str, member: str, shelf: "Shelf") -> None:
    known = shelf.versions(name)
    if not known:
        return
    try:
        found = shelved(shelf, f"{name}@{known[-1]}").model
    except DataError:
        # What a damaged version held cannot be told; the next one does not replace it.
        return
    if not _same(found, member):
        raise UsageError(
            f"{name} is the name of {found}, not of {member}",
            where=str(shelf.root),
            allowed="another --name",
        )


def _same(found: str, member: str) -> bool:
    """Return whether two ids mean one member; a file may be typed in several ways."""
    if not (own_code.is_file(found) and own_code.is_file(member)):
        return found == member
    return _place(found) == _place(member)


def _place(member: str) -> tuple[Path, str]:
    path, _, attribute = member.partition(".py")
    return Path(f"{path}.py").resolve(), attribute
