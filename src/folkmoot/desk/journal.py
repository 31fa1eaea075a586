"""The journal: every bar, decision, order and fill, in a chain of hashes.

1. A record is one decided bar. Its text is canonical JSON: the desk and its provenance; the bar,
   its fills and its orders; the decision with its beliefs. No clock, row number or path is in it.
2. Its hash is the SHA-256 of the hash before it and that text; the first follows the genesis,
   which is the hash of the study and its origin. The last hash is the head.
3. Records are committed `commit_every` at a time; the head does not depend on how many.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from folkmoot.core.bars import Bar
from folkmoot.core.decision import Decision, Fill, Order
from folkmoot.core.errors import JournalError, UsageError
from folkmoot.core.hashing import canonical_json
from folkmoot.desk import schema
from folkmoot.desk.chain import genesis, link
from folkmoot.desk.reading import Curve, Key, Reading, Resumption
from folkmoot.desk.record import encode
from folkmoot.desk.store import Store
from folkmoot.desk.verify import verify

_INSERTS = tuple(
    schema.insertion(table)
    for table in (schema.decisions, schema.bars, schema.orders, schema.fills)
)
_OUTCOME = "UPDATE orders SET outcome = ? WHERE id = ?"
_NO_HALTS = (-1, False)


class Entry(NamedTuple):
    """A desk's place in the journal: `key` is (strategy, symbol, timeframe)."""

    key: Key
    desk: int
    provenance: int
    head: bytes


class Journal:
    """Keep the journal in `path` (or `sqlite:///PATH`), one writer at a time.

    `commit_every` records make a transaction: 1 for whatever acts on the world, 1,000 for a
    replay, whose open transaction a restart computes again. `study` and `origin` name what the
    chain is about; a journal that was begun for another study or origin is refused.

    Raises `JournalError` if the file is damaged, locked, newer or about something else.
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        commit_every: int = 1,
        study: str = "",
        origin: str = "",
        read_only: bool = False,
    ) -> None:
        if commit_every < 1:
            message = f"commit_every is {commit_every}"
            raise UsageError(message, where="journal", allowed="1 or more")
        self.commit_every = commit_every
        pages, size = (1_000, 4_096) if commit_every == 1 else (1_000, 16_384)
        self._store = None
        if path is not None:
            self._store = Store(path, read_only=read_only, checkpoint_pages=pages, page_size=size)
        self._reading = None if self._store is None else Reading(self._store)
        self._buffers: tuple[list[tuple[Any, ...]], ...] = ([], [], [], [])
        self._outcomes: list[tuple[Any, ...]] = []
        try:
            self.study, self.origin = self._about(study, origin)
            self._genesis = genesis(self.study, self.origin)
            self._seq, self._head = self._reading.tail() if self._reading else (0, self._genesis)
            self._head = self._head or self._genesis
        except JournalError:
            self.close(flush=False)
            raise

    @classmethod
    def nowhere(cls) -> Self:
        """Return a journal that computes the chain and stores nothing."""
        return cls(None, commit_every=1_000)

    @property
    def head(self) -> str:
        """The hash of everything recorded so far, committed or not."""
        return self._head.hex()

    def __len__(self) -> int:
        return self._seq

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close(flush=exception[0] is None)

    def close(self, *, flush: bool = True) -> None:
        """Commit what is recorded and let go of the file."""
        if self._store is None:
            return
        try:
            if flush and not self._store.read_only:
                self.flush()
        finally:
            self._store.close()

    def enter(self, key: Key, provenance: dict[str, str]) -> Entry:
        """Return the place of the desk (strategy, symbol, timeframe) in this journal."""
        facts = canonical_json(provenance)
        head = canonical_json([*key, provenance])
        if self._store is None:
            return Entry(key, 0, 0, head)
        strategy, symbol, timeframe = key
        named = {"strategy": strategy, "symbol": symbol, "timeframe": timeframe}
        return Entry(
            key,
            _number(self._store, schema.desks, **named),
            _number(self._store, schema.provenances, facts=facts.decode()),
            head,
        )

    def record(
        self,
        entry: Entry,
        bar: Bar,
        decision: Decision,
        *,
        fills: list[Fill],
        broker: object = None,
        halts: tuple[int, bool] = _NO_HALTS,
    ) -> None:
        """Add one decided bar; on disk when this returns, if every record is committed.

        If that fails the record is withdrawn, those before it wait for the next attempt, and the
        error is raised.
        """
        seq, open_time = self._seq + 1, bar.open_time
        extra = canonical_json(bar.extra).decode() if bar.extra else None
        # The zero removes the sign of a negative zero, which SQLite would not keep.
        prices = (bar.open, bar.high, bar.low, bar.close, bar.volume + 0.0, extra)
        ordered = _order_rows(decision.orders) if decision.orders else []
        filled = _fill_rows(fills) if fills else []
        payload = encode(decision, broker, halts)
        before = self._head
        self._head = link(before, entry.head, (open_time, *prices, filled, ordered), payload)
        self._seq = seq
        if self._store is None:
            return
        row = (seq, entry.desk, open_time, entry.provenance, payload.decode(), self._head)
        decisions, bars, orders, done = self._buffers
        decisions.append(row)
        bars.append((entry.desk, open_time, seq, *prices))
        if ordered or filled:
            orders.extend((id_, seq, *rest, None) for id_, *rest in ordered)
            done.extend((order, number, seq, *rest) for order, number, *rest in filled)
        if len(decisions) >= self.commit_every:
            self._commit_or_withdraw(before, len(ordered), len(filled))

    def outcome(self, order_id: str, told: str) -> None:
        """Note what the venue answered to an order; written with the next commit."""
        self._outcomes.append((told, order_id))

    def flush(self) -> None:
        """Commit everything recorded so far."""
        if self._store is None or not (self._buffers[0] or self._outcomes):
            return
        batches = [*zip(_INSERTS, self._buffers, strict=True), (_OUTCOME, self._outcomes)]
        self._store.write(batches)
        for rows in (*self._buffers, self._outcomes):
            rows.clear()

    def decision(self, entry: Entry, open_time: int) -> Decision | None:
        """Return what this desk decided on the bar of that open time, or None."""
        return None if self._reading is None else self._reading.decision(entry.desk, open_time)

    def decisions(self, key: Key | None = None) -> Iterator[Decision]:
        """Yield the committed decisions, of one desk (strategy, symbol, timeframe) or of all."""
        if self._reading is not None:
            yield from (decision for _, decision in self._reading.decisions(key))

    def rows(self, key: Key | None = None) -> Iterator[dict[str, Any]]:
        """Yield committed decisions as JSON values, with their bar's open time and their hash."""
        if self._reading is not None:
            for row, decision in self._reading.decisions(key):
                yield {**decision.as_dict(), "open_time": row.open_time, "hash": row.hash.hex()}

    def bars(self, key: Key) -> list[Bar]:
        """Return the committed bars that the desk (strategy, symbol, timeframe) decided on.

        They stand in their order; a bar that came late is not among them, for nobody heard it.
        """
        return [] if self._reading is None else list(self._reading.bars(key))

    def fills(self) -> list[Fill]:
        """Return the committed fills in the order in which they were recorded."""
        return [] if self._reading is None else self._reading.fills()

    def curve(self, key: Key) -> Curve:
        """Return the committed account of the desk (strategy, symbol, timeframe)."""
        if self._reading is None:
            raise UsageError("nothing was stored", where="journal", allowed="a journal with a path")
        return self._reading.curve(key)

    def resume(self, entry: Entry) -> Resumption | None:
        """Return where this desk stopped, or None if it never decided."""
        return None if self._reading is None else self._reading.resume(entry.desk)

    def verify(self) -> int:
        """Compute the whole chain again and return the number of records.

        Raises `JournalError` that names the first record which is not as it was written.
        """
        if self._store is None:
            return 0
        if not self._store.read_only:
            self.flush()
        return verify(self._store, self._genesis)

    def _commit_or_withdraw(self, before: bytes, ordered: int, filled: int) -> None:
        committed = False
        try:
            self.flush()
            committed = True
        finally:
            if not committed:
                for rows, last in zip(self._buffers, (1, 1, ordered, filled), strict=True):
                    del rows[len(rows) - last :]
                self._seq, self._head = self._seq - 1, before

    def _about(self, study: str, origin: str) -> tuple[str, str]:
        if self._store is None:
            return study, origin
        table, given = schema.meta, {"study": study, "origin": origin}
        kept = dict(tuple(row) for row in self._store.read(sa.select(table.c.key, table.c.value)))
        for name, value in given.items():
            if name not in kept and not self._store.read_only:
                self._store.insert(table, key=name, value=value)
            if value and kept.get(name, value) != value:
                message = f"the journal's {name} is {kept[name]!r}, not {value!r}"
                raise JournalError(message, where=str(self._store.path))
        return kept.get("study", study), kept.get("origin", origin)


def _order_rows(orders: tuple[Order, ...]) -> list[tuple[Any, ...]]:
    return [(o.id, o.symbol, o.quantity, o.created_at) for o in orders]


def _fill_rows(fills: list[Fill]) -> list[tuple[Any, ...]]:
    rows = [
        (f.order_id, f.number, f.symbol, f.quantity, f.price, f.fee, f.filled_at) for f in fills
    ]
    return sorted(rows)


def _number(store: Store, table: sa.Table, **named: str) -> int:
    query = sa.select(table.c.id).filter_by(**named)
    for row in store.read(query):
        return int(row.id)
    if store.read_only:
        raise JournalError(f"nothing is recorded of {named}", where=table.name)
    return store.insert(table, **named)
