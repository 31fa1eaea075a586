"""What can be asked of a journal."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from folkmoot.core.bars import Bar, Floats, Times
from folkmoot.core.decision import Decision, Fill, Order
from folkmoot.core.errors import JournalError
from folkmoot.core.timeframe import Timeframe
from folkmoot.desk import schema
from folkmoot.desk.record import decode
from folkmoot.desk.store import Store

Key = tuple[str, str, str]

# Rows read in one transaction, so that a reader never holds up the writer for long.
_PAGE = 1_000
_ORDER = tuple(schema.orders.c[name] for name in Order.__dataclass_fields__)
_FILL = tuple(schema.fills.c[name] for name in Fill.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a desk continues: its last decided bar and decision.

    `broker` and `halts` (day, drawdown) are as the desk's last record left them; `waiting` are the
    orders of that decision which have neither filled nor been rejected.
    """

    open_time: int
    decision: Decision
    broker: Any
    halts: tuple[int, bool]
    waiting: tuple[Order, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A desk's account through time, one row per decided bar.

    `open_time[n]` of the bar, epoch ms; `equity[n]` at its close in quote currency; `weight[n]`
    decided there for the next open.
    """

    open_time: Times
    equity: Floats
    weight: Floats

    @classmethod
    def of(cls, points: list[tuple[int, float, float]]) -> "Curve":
        """Return the curve through (open time, equity, weight) points."""
        table = np.array(points, dtype=[("time", "i8"), ("equity", "f8"), ("weight", "f8")])
        columns = (np.ascontiguousarray(table[name]) for name in ("time", "equity", "weight"))
        return cls(*columns)


class Reading:
    """Queries over the committed records of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tail(self) -> tuple[int, bytes]:
        """Return the number and the hash of the last record, (0, b"") if there is none."""
        table = schema.decisions
        query = sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
        for seq, head in self._store.read(query):
            return int(seq), bytes(head)
        return 0, b""

    def decision(self, desk: int, open_time: int) -> Decision | None:
        """Return the decision of a desk on one bar, or None."""
        bars = schema.bars
        where = (bars.c.desk == desk, bars.c.open_time == open_time)
        for (seq,) in self._store.read(sa.select(bars.c.seq).where(*where)):
            for _, decision in self._page(schema.decisions.c.seq == seq):
                found: Decision = decision
                return found
        return None

    def decisions(self, key: Key | None = None) -> Iterator[tuple[Any, Decision]]:
        """Yield (row, decision) in the order of the chain, of one desk or of all."""
        for page in self._pages(key):
            yield from page

    def curve(self, key: Key) -> Curve:
        """Return the account of one desk, read from the simulated broker's state."""
        points = []
        for page in self._pages(key, decoded=False):
            for row, payload in page:
                if payload["status"] != "late":
                    points.append((row.open_time, _equity(payload["broker"]), _weight(payload)))
        return Curve.of(points)

    def bars(self, key: Key) -> Iterator[Bar]:
        """Yield the bars that a desk decided on, oldest first, without those that came late."""
        table, desks = schema.bars, schema.desks.c
        names = (desks.strategy, desks.symbol, desks.timeframe)
        query = (
            sa.select(table)
            .join(schema.desks, desks.id == table.c.desk)
            .where(*(name == value for name, value in zip(names, key, strict=True)))
            .order_by(table.c.seq)
        )
        symbol, timeframe, reached = key[1], Timeframe.of(key[2]), -1
        for row in self._store.read(query):
            if row.open_time > reached:
                reached = row.open_time
                volume = math.nan if row.volume is None else row.volume
                prices = (row.open, row.high, row.low, row.close, volume)
                yield Bar(symbol, timeframe, reached, *prices, _extra(row.extra))

    def fills(self) -> list[Fill]:
        """Return all fills in the order in which they were recorded."""
        table = schema.fills
        query = sa.select(*_FILL).order_by(table.c.seq, table.c.order_id, table.c.number)
        return [Fill(*row) for row in self._store.read(query)]

    def resume(self, desk: int) -> Resumption | None:
        """Return where a desk stopped, or None if it never decided."""
        bars, table = schema.bars, schema.decisions
        last = sa.select(sa.func.max(bars.c.open_time)).where(bars.c.desk == desk)
        at = self._store.read(last)[0][0]
        if at is None:
            return None
        decision = self.decision(desk, at)
        newest = sa.select(table.c.seq).where(table.c.desk == desk).order_by(table.c.seq.desc())
        (seq,) = self._store.read(newest.limit(1))[0]
        page = list(self._page(table.c.seq == seq, decoded=False))
        if decision is None or not page:
            raise JournalError(f"the decision on bar {at} is missing", where="journal")
        payload = page[0][1]
        day, drawdown = payload["halts"]
        waiting = tuple(self._waiting(desk, at))
        return Resumption(at, decision, payload["broker"], (day, drawdown), waiting)

    def _waiting(self, desk: int, open_time: int) -> Iterator[Order]:
        orders, fills, bars = schema.orders, schema.fills, schema.bars
        query = (
            sa.select(*_ORDER)
            .join(bars, bars.c.seq == orders.c.seq)
            .outerjoin(fills, fills.c.order_id == orders.c.id)
            .where(bars.c.desk == desk, bars.c.open_time == open_time)
            .where(fills.c.order_id.is_(None))
            .where(sa.func.coalesce(orders.c.outcome, "").not_like("rejected%"))
        )
        for row in self._store.read(query):
            yield Order(*row)

    def _pages(self, key: Key | None, *, decoded: bool = True) -> Iterator[list[tuple[Any, Any]]]:
        seq, columns = schema.decisions.c.seq, schema.desks.c
        wanted: list[sa.ColumnElement[bool]] = []
        if key is not None:
            names = (columns.strategy, columns.symbol, columns.timeframe)
            wanted = [name == value for name, value in zip(names, key, strict=True)]
        last = 0
        while page := list(self._page(*wanted, seq > last, decoded=decoded)):
            yield page
            last = page[-1][0].seq

    def _page(
        self, *where: sa.ColumnElement[bool], decoded: bool = True
    ) -> Iterator[tuple[Any, Any]]:
        table, desks, provenances = schema.decisions, schema.desks, schema.provenances
        names = (desks.c.strategy, desks.c.symbol, desks.c.timeframe, provenances.c.facts)
        query = (
            sa.select(table, *names)
            .join(desks, desks.c.id == table.c.desk)
            .join(provenances, provenances.c.id == table.c.provenance)
            .where(*where)
            .order_by(table.c.seq)
            .limit(_PAGE)
        )
        rows = self._store.read(query)
        orders = self._orders(rows[0].seq, rows[-1].seq) if rows and decoded else {}
        for row in rows:
            payload = orjson.loads(row.payload)
            if decoded:
                key = (row.strategy, row.symbol, row.timeframe)
                ordered = tuple(orders.get(row.seq, ()))
                payload = decode(payload, key, ordered, orjson.loads(row.facts))
            yield row, payload

    def _orders(self, first: int, last: int) -> dict[int, list[Order]]:
        table = schema.orders
        query = sa.select(table.c.seq, *_ORDER).where(table.c.seq.between(first, last))
        found: dict[int, list[Order]] = defaultdict(list)
        for seq, *values in self._store.read(query.order_by(table.c.seq, table.c.id)):
            found[seq].append(Order(*values))
        return found


def _extra(text: str | None) -> dict[str, float]:
    if text is None:
        return {}
    found: dict[str, float | None] = orjson.loads(text)
    return {name: math.nan if value is None else value for name, value in found.items()}


def _equity(broker: Any) -> float:
    if broker is None:
        return float("nan")
    cash, _, _, _, held = broker[0]
    total: float = cash
    for _, quantity, _, price in held:
        total += quantity * price
    return total


def _weight(payload: Any) -> float:
    clamps, wanted = payload["clamps"], payload["target"][0]
    weight = clamps[-1][2] if clamps else wanted
    return float("nan") if weight is None else float(weight)
