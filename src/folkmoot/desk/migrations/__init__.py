"""Bring a journal to the newest schema; loaded only when one has to change."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def scripts() -> ScriptDirectory:
    """Return the migrations that ship with the package."""
    return ScriptDirectory(str(Path(__file__).parent))


def upgrade(connection: Connection) -> None:
    """Apply every migration that the journal has not seen; all of them or, on failure, none.

    `connection` is inside a transaction that the caller commits.
    """
    directory = scripts()
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    waiting = list(directory.iterate_revisions("head", current or "base"))
    for script in reversed(waiting):
        with Operations.context(context):
            script.module.upgrade()
        context.stamp(directory, script.revision)
