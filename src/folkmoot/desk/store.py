"""The journal's file: opening, locking, migrating, and one transaction at a time."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from folkmoot.core.errors import EnvironmentProblem, JournalError, UsageError
from folkmoot.desk import schema

_PRAGMAS = (
    "busy_timeout=5000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-16384",
)
_FULL = ("full", "disk i/o error", "readonly", "unable to open")


class Store:
    """One SQLite file in WAL mode, synced at every commit, with one writer at most.

    The writer holds an exclusive lock on `PATH.lock` while it lives; the operating system frees it
    whatever way the process ends. Readers need none.

    `checkpoint_pages` of the log are copied into the file at a time: few let small commits write
    over the same blocks, which syncs faster than growing a file; many spare large ones work.
    `page_size` of a new file, bytes: small ones suit small commits, large ones large commits.

    Raises `JournalError` if the file is damaged, locked by another writer or has a newer schema,
    `EnvironmentProblem` if the disk is full or refuses.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        read_only: bool = False,
        checkpoint_pages: int = 1_000,
        page_size: int = 4_096,
    ) -> None:
        self.path = _file(path)
        self.read_only = read_only
        self._checkpoint_pages, self._page_size = checkpoint_pages, page_size
        if read_only and not self.path.is_file():
            raise JournalError("there is no journal", where=str(self.path))
        self._lock = None if read_only else _locked(self.path)
        self._engine = sa.create_engine(f"sqlite:///{self.path}", poolclass=sa.StaticPool)
        sa.event.listen(self._engine, "connect", self._prepare)
        sa.event.listen(self._engine, "begin", self._begin)
        try:
            with self.guarded():
                self.connection = self._engine.connect()
                self._migrate()
        except (JournalError, EnvironmentProblem):
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file and of the lock; what was not committed is gone."""
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(self, batches: Sequence[tuple[str, list[tuple[Any, ...]]]]) -> None:
        """Execute each statement over its rows, all in one transaction that is on disk after."""
        # Straight to the driver, with statements that Core compiled: Core's own execution of three
        # statements takes as long as the disk's sync.
        with self.guarded():
            driver: sqlite3.Connection = self.connection.connection.driver_connection  # type: ignore[assignment]  # Core leaves it untyped
            try:
                driver.execute("BEGIN IMMEDIATE")
                for statement, rows in batches:
                    if rows:
                        driver.executemany(statement, rows)
                driver.execute("COMMIT")
            except sqlite3.Error:
                driver.rollback()
                raise

    def read(self, query: sa.Executable) -> list[Any]:
        """Return all rows of a query."""
        with self.guarded(), self.connection.begin():
            return list(self.connection.execute(query))

    def scan(self, query: sa.Executable) -> Iterator[Any]:
        """Yield the rows of a query as they are read, in one unchanging view of the file."""
        with self.guarded(), self.connection.begin():
            yield from self.connection.execute(query)

    def insert(self, table: sa.Table, **values: Any) -> int:
        """Insert one row and return its number."""
        with self.guarded(), self.connection.begin():
            made = self.connection.execute(sa.insert(table).values(**values))
            return int(made.lastrowid)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the database raises into the error tree."""
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.Error) as problem:
            told = str(getattr(problem, "orig", problem))
            if any(word in told.lower() for word in _FULL):
                message = f"the disk refused the journal: {told}"
                raise EnvironmentProblem(message, where=str(self.path)) from problem
            raise JournalError(f"the journal failed: {told}", where=str(self.path)) from problem

    def _prepare(self, connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun by _begin, not by the driver's own guess.
        connection.isolation_level = None
        connection.execute(f"PRAGMA page_size={self._page_size}")
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint={self._checkpoint_pages}")
        if self.read_only:
            connection.execute("PRAGMA query_only=1")

    def _begin(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if self.read_only else "BEGIN IMMEDIATE")

    def _migrate(self) -> None:
        version = self._version()
        if version == schema.HEAD:
            return
        if version is not None and version not in schema.KNOWN:
            raise JournalError(
                f"the journal has schema {version}, newer than this version of folkmoot",
                where=str(self.path),
                allowed=list(schema.KNOWN),
            )
        if self.read_only:
            raise JournalError(f"the journal has schema {version}", where=str(self.path))
        from folkmoot.desk.migrations import upgrade

        with self.connection.begin():
            upgrade(self.connection)

    def _version(self) -> str | None:
        with self.connection.begin():
            if not sa.inspect(self.connection).has_table("alembic_version"):
                return None
            query = sa.text("SELECT version_num FROM alembic_version")
            version: str | None = self.connection.execute(query).scalar()
            return version


def _file(path: str | Path) -> Path:
    given = str(path)
    scheme, separator, rest = given.partition("://")
    if separator:
        if scheme != "sqlite" or not rest.startswith("/"):
            raise UsageError(
                f"no journal can be kept at {given}",
                where="journal",
                allowed="a path, or sqlite:///PATH",
            )
        given = rest[1:]
    return Path(given).absolute()


def _locked(path: Path) -> sqlite3.Connection:
    # An empty database of its own: SQLite's file locks work on every platform, die with the
    # process, and leave the journal itself free for readers.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(f"{path}.lock", timeout=0.0, isolation_level=None)
    except (OSError, sqlite3.Error) as problem:
        raise EnvironmentProblem(f"cannot write here: {problem}", where=str(path)) from problem
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as problem:
        lock.close()
        message = f"another process writes this journal ({problem})"
        raise JournalError(message, where=str(path)) from problem
    return lock
