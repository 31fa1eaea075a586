"""Compute a journal's chain again from its rows."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from folkmoot.core.errors import JournalError
from folkmoot.core.hashing import canonical_json
from folkmoot.desk import schema
from folkmoot.desk.chain import link
from folkmoot.desk.store import Store

_PRICES = ("open", "high", "low", "close", "volume", "extra")
_ORDERS = (schema.orders, ("id", "symbol", "quantity", "created_at"), ("id",))
_FILLS = (
    schema.fills,
    ("order_id", "number", "symbol", "quantity", "price", "fee", "filled_at"),
    ("order_id", "number"),
)

Rows = dict[int, list[tuple[Any, ...]]]


def verify(store: Store, genesis: bytes) -> int:
    """Return the number of records, every one of which hashes to what was written.

    Raises `JournalError` for a damaged file and for the first record whose bar, fills, orders,
    decision or place in the chain is not as it was.
    """
    for (told,) in store.read(sa.text("PRAGMA quick_check(1)")):
        if told != "ok":
            raise JournalError(f"the journal's file is damaged: {told}", where=str(store.path))
    heads = _heads(store)
    orders, fills = _by_record(store, *_ORDERS), _by_record(store, *_FILLS)
    before, seen = genesis, 0
    for row in store.scan(_chain()):
        seen += 1
        if row.seq != seen or (row.desk, row.provenance) not in heads:
            raise _broken(store, seen)
        prices = tuple(getattr(row, name) for name in _PRICES)
        facts = (row.open_time, *prices, fills.pop(seen, []), orders.pop(seen, []))
        head = heads[row.desk, row.provenance]
        before = link(before, head, facts, row.payload.encode())
        if before != row.hash:
            raise _broken(store, seen)
    _nothing_left(store, seen, orders, fills)
    return seen


def _chain() -> sa.Select[Any]:
    decisions, bars = schema.decisions, schema.bars
    same = (bars.c.desk == decisions.c.desk, bars.c.open_time == decisions.c.open_time)
    columns = [bars.c[name] for name in _PRICES]
    return (
        sa.select(decisions, *columns)
        .outerjoin(bars, sa.and_(*same, bars.c.seq == decisions.c.seq))
        .order_by(decisions.c.seq)
    )


def _heads(store: Store) -> dict[tuple[int, int], bytes]:
    desks, provenances = schema.desks.c, schema.provenances.c
    heads = {}
    every = store.read(sa.select(provenances.id, provenances.facts))
    keys = store.read(sa.select(desks.id, desks.strategy, desks.symbol, desks.timeframe))
    for desk, *key in keys:
        named = canonical_json(key)
        for provenance, facts in every:
            heads[desk, provenance] = named[:-1] + b"," + facts.encode() + b"]"
    return heads


def _by_record(
    store: Store, table: sa.Table, columns: tuple[str, ...], order: tuple[str, ...]
) -> Rows:
    query = sa.select(table.c.seq, *(table.c[name] for name in columns))
    found: Rows = defaultdict(list)
    for seq, *values in store.read(query.order_by(table.c.seq, *(table.c[n] for n in order))):
        found[seq].append(tuple(values))
    return found


def _nothing_left(store: Store, seen: int, orders: Rows, fills: Rows) -> None:
    if orders or fills:
        raise JournalError("an order or a fill belongs to no record", where=str(store.path))
    count = sa.select(sa.func.count()).select_from(schema.bars)
    for (bars,) in store.read(count):
        if bars != seen:
            message = f"the journal has {bars} bars and {seen} decisions"
            raise JournalError(message, where=str(store.path))


def _broken(store: Store, seq: int) -> JournalError:
    return JournalError(f"record {seq} is not as it was written", where=str(store.path))
