"""Every error that folkmoot raises on purpose.

FolkmootError                     exit code
├── UsageError                    2   the caller asked for something that does not exist
│   └── UnknownOption             2   a plug-in or command has no such option
├── DataError                     3   the data cannot be used
│   ├── BadBars                   3   rows that no market can have produced
│   └── SourceError               3   a source failed to deliver
│       ├── UnknownSymbol         3
│       ├── AmbiguousSymbol       3   several markets fit; `allowed` lists them
│       └── Unreachable           3   the network or the venue did not answer
├── EnvironmentProblem            3   a package, a permission, a disk
├── Untrained                     3   a model without a passed validation was asked
└── JournalError                  3   the journal is damaged, locked or contradicts the data
"""

from typing import Any


class FolkmootError(Exception):
    """The root: says what was wrong and what it was, where, and what is allowed."""

    exit_code = 3

    def __init__(
        self, message: str, *, where: str | None = None, allowed: list[Any] | str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.allowed = allowed

    def as_dict(self) -> dict[str, Any]:
        """Return `{type, message, where, allowed}`, the JSON form of an error."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "where": self.where,
            "allowed": self.allowed,
        }

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        choice = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{self.message}{place}{choice}"


class UsageError(FolkmootError):
    """The caller asked for something that does not exist."""

    exit_code = 2


class UnknownOption(UsageError):
    """A plug-in or command has no option of that name."""


class DataError(FolkmootError):
    """The data cannot be used."""


class BadBars(DataError):
    """Rows that no market can have produced; `rows` holds (row number, reason)."""

    def __init__(
        self,
        message: str,
        *,
        rows: list[tuple[int, str]],
        where: str | None = None,
        allowed: list[Any] | str | None = None,
    ) -> None:
        super().__init__(message, where=where, allowed=allowed)
        self.rows = rows


class SourceError(DataError):
    """A source failed to deliver."""


class UnknownSymbol(SourceError):
    """The source has no market of that name."""


class AmbiguousSymbol(SourceError):
    """Several markets fit the name; `allowed` lists them."""


class Unreachable(SourceError):
    """The network or the venue did not answer."""


class EnvironmentProblem(FolkmootError):
    """A package, a permission or a disk is missing or full."""


class Untrained(FolkmootError):
    """A model without a passed, recorded validation was asked for a forecast."""


class JournalError(FolkmootError):
    """The journal is damaged, locked, or contradicts the data."""
