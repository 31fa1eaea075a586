"""The first journal: bars, decisions in a hash chain, orders and fills."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "desks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.UniqueConstraint("strategy", "symbol", "timeframe"),
    )
    op.create_table(
        "provenances",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("facts", sa.Text, nullable=False, unique=True),
    )
    _records()
    _trades()


def _records() -> None:
    op.create_table(
        "bars",
        sa.Column("desk", sa.Integer, primary_key=True),
        sa.Column("open_time", sa.Integer, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("open", "high", "low", "close")),
        sa.Column("volume", sa.Float),
        sa.Column("extra", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("desk", sa.Integer, nullable=False),
        sa.Column("open_time", sa.Integer, nullable=False),
        sa.Column("provenance", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _trades() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False, index=True),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("quantity", sa.Float, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fills",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False, index=True),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("quantity", sa.Float, nullable=False),
        sa.Column("price", sa.Float, nullable=False),
        sa.Column("fee", sa.Float, nullable=False),
        sa.Column("filled_at", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
