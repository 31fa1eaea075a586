"""The journal's tables, as its newest migration leaves them."""

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

HEAD = "0001"
KNOWN = ("0001",)

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
desks = sa.Table(
    "desks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    sa.UniqueConstraint("strategy", "symbol", "timeframe"),
)
provenances = sa.Table(
    "provenances",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("facts", sa.Text, nullable=False, unique=True),
)
# One row per (desk, bar): its key is what makes a second decision on a bar impossible.
bars = sa.Table(
    "bars",
    metadata,
    sa.Column("desk", sa.Integer, primary_key=True),
    sa.Column("open_time", sa.Integer, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("open", sa.Float, nullable=False),
    sa.Column("high", sa.Float, nullable=False),
    sa.Column("low", sa.Float, nullable=False),
    sa.Column("close", sa.Float, nullable=False),
    sa.Column("volume", sa.Float),
    sa.Column("extra", sa.Text),
    sqlite_with_rowid=False,
)
# `seq` is the place in the hash chain; the bar's row leads here.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("desk", sa.Integer, nullable=False),
    sa.Column("open_time", sa.Integer, nullable=False),
    sa.Column("provenance", sa.Integer, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
# `outcome` is what the venue answered, if not a plain acknowledgement; it is not in the chain.
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False, index=True),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("quantity", sa.Float, nullable=False),
    sa.Column("created_at", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text),
    sqlite_with_rowid=False,
)
fills = sa.Table(
    "fills",
    metadata,
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


def insertion(table: sa.Table) -> str:
    """Return the SQL that inserts a tuple of all columns, in their order."""
    return str(sa.insert(table).compile(dialect=sqlite.dialect()))
