"""The desk: one closed bar in, one journalled decision out; the same code in every mode.

1. The venue's fills at the bar's open (and inside it), the account marked at its close.
2. The voice is heard; the strategy wants a weight; the limits shrink it.
3. A change larger than the band becomes an order with an id that a retry cannot change.
4. Bar, fills, decision and order are journalled; only then is the order sent.
"""

import math
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import Clock
from folkmoot.core.decision import (
    Ack,
    Book,
    Clamp,
    Decision,
    Fill,
    Order,
    Reject,
    Signal,
    Target,
)
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.mint import mint
from folkmoot.core.protocols import Broker, Strategy
from folkmoot.core.timeframe import Timeframe
from folkmoot.desk.hearing import Hearing, Voice
from folkmoot.desk.journal import Journal
from folkmoot.desk.quiet import quiet_collector
from folkmoot.desk.reading import Curve
from folkmoot.execution.limits import NO_HALTS, Halts, Limits
from folkmoot.execution.orders import order_for, order_id
from folkmoot.execution.sim import SimBroker

_SIGNALS = (Signal.HOLD, Signal.BUY, Signal.SELL)
_UNKNOWN = (math.nan, math.nan)
_BREATH = 10_000
_LATE = "this bar arrived after a later one was decided"
_decision = mint(Decision)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did.

    Counts of bars decided now, of bars known before and of orders; the fills and the account's
    curve of the bars decided now; the journal's head.
    """

    decided: int
    repeated: int
    orders: int
    fills: tuple[Fill, ...]
    curve: Curve
    head: str


class Desk:
    """Decide once per (strategy, symbol, timeframe, bar), ever.

    `band` is the smallest change of weight that is worth an order. `clock` tells how old a bar is
    (limits' `stale_after`); without one a bar is taken as fresh, and so is every bar of a replay,
    which is history. A desk whose
    journal already knows it continues there: a `SimBroker`, which serves one desk, gets its account
    and its waiting order back.

    A broker that acts on the world needs a journal that commits every record.
    """

    def __init__(
        self,
        symbol: str,
        timeframe: Timeframe | str,
        voice: Voice,
        strategy: Strategy,
        limits: Limits,
        broker: Broker,
        journal: Journal,
        provenance: Mapping[str, str] | None = None,
        *,
        name: str | None = None,
        band: float = 0.01,
        clock: Clock | None = None,
    ) -> None:
        self.symbol, self.timeframe = symbol, Timeframe.of(timeframe)
        self.name = name or str(getattr(strategy, "name", type(strategy).__name__))
        self.broker, self.journal = broker, journal
        self._voice, self._strategy, self._limits = voice, strategy, limits
        self._sim = broker if isinstance(broker, SimBroker) else None
        if self._sim is None and journal.commit_every != 1:
            raise UsageError(
                f"the journal commits {journal.commit_every} records at a time",
                where="desk",
                allowed="commit_every=1 with a broker that acts on the world",
            )
        self._provenance = dict(provenance or {})
        self._band, self._clock = band, clock
        self._label = self.timeframe.label
        self._entry = journal.enter((self.name, symbol, self._label), self._provenance)
        self._latest: Decision | None = None
        self._reached = -1
        self._halts = NO_HALTS
        self._carried: list[Fill] = []
        self._unresolved: Order | None = None
        self._fills: list[Fill] = []
        self._equity, self._weight = math.nan, 0.0
        self._asked_since, self._booked = 0, set[tuple[str, int]]()
        self._resume()

    async def on_bar(self, bar: Bar) -> Decision:
        """Decide on one closed bar.

        The bar decided last, or any earlier one, answers with its recorded decision and changes
        nothing. An earlier bar that was never decided is journalled as status `late`, without an
        order. If the journal cannot be written nothing is sent and the error is raised; the same
        bar may then be offered again.
        """
        return await self._take(bar, self._clock)

    async def _take(self, bar: Bar, clock: Clock | None) -> Decision:
        known = bar.timeframe is self.timeframe or bar.timeframe == self.timeframe
        if bar.symbol != self.symbol or not known:
            raise UsageError(
                f"a bar of {bar.symbol} {bar.timeframe}",
                where="desk",
                allowed=f"{self.symbol} {self.timeframe}",
            )
        if bar.open_time <= self._reached:
            return self._again(bar)
        if self._sim is not None:
            fills = self._sim.on_bar(bar)
            if fills:
                self._carried += fills
            book = self._sim.snapshot()
        else:
            book = await self._ask()
        decision = self._decide(bar, book, clock)
        self._record(bar, decision)
        self._latest, self._reached = decision, bar.open_time
        for order in decision.orders:
            await self._send(order)
        return decision

    def replay(self, bars: Bars) -> Replay:
        """Decide on every bar that is not decided yet, without an event loop; then commit.

        Raises `UsageError` for a broker that has to wait for anything.
        """
        rest = bars.between(self._reached + 1, None)
        points: list[tuple[int, float, float]] = []
        orders, fills = 0, list[Fill]()
        with quiet_collector() as breathe:
            for row, bar in enumerate(rest):
                decision = _finish(self._take(bar, None))
                orders += len(decision.orders)
                fills += self._fills
                points.append((bar.open_time, self._equity, self._weight))
                if row % _BREATH == 0:
                    breathe()
        self.journal.flush()
        repeated = len(bars) - len(rest)
        curve = Curve.of(points)
        return Replay(len(points), repeated, orders, tuple(fills), curve, self.journal.head)

    @property
    def reached(self) -> int:
        """The open time of the latest decided bar, epoch ms; -1 before the first."""
        return self._reached

    def reset(self) -> None:
        """End a halt by drawdown: a person's act. Drawdown counts from the present equity on."""
        self._halts = Halts(self._halts.day, False)
        if self._sim is not None:
            self._sim.account.rebase()

    def _decide(self, bar: Bar, book: Book, clock: Clock | None) -> Decision:
        hearing = self._voice.hear(bar)
        if hearing.status == "ok":
            target = self._strategy.target(self.symbol, hearing.consensus, book)
        else:
            target = Target(0.0, f"{hearing.status}: nobody may act")
        if self._limits.watches:
            self._halts = self._limits.watch(book, bar, self._halts)
        now = None if clock is None else clock.now()
        equity = book.equity
        weight, clamps = self._limits.apply(
            target, book, bar, now=now, halts=self._halts, equity=equity
        )
        self._equity, self._weight = equity, weight
        orders = self._orders(bar, book, weight, equity)
        return self._decided(bar, hearing, target, weight, clamps, orders)

    def _orders(self, bar: Bar, book: Book, weight: float, equity: float) -> tuple[Order, ...]:
        if self._unresolved is not None:
            return ()
        held = book.holdings.get(self.symbol, 0.0)
        quantity = order_for(weight, held, bar.close, equity, self._band)
        if not quantity:
            return ()
        id_ = order_id(self.name, self.symbol, self._label, bar.open_time)
        return (Order(id_, self.symbol, quantity, bar.close_time),)

    def _decided(
        self,
        bar: Bar,
        hearing: Hearing,
        target: Target,
        weight: float,
        clamps: tuple[Clamp, ...],
        orders: tuple[Order, ...],
    ) -> Decision:
        side = (weight > 0.0) - (weight < 0.0)
        confidence, interval = _aligned(hearing, side)
        reason = f"{hearing.reason}; {target.why}" if hearing.reason else target.why
        if self._unresolved is not None:
            reason = f"order {self._unresolved.id} has an unknown outcome; {reason}"
        return _decision(
            self.symbol,
            self._label,
            self.name,
            bar.close_time,
            _SIGNALS[side],
            confidence,
            interval,
            hearing.n_evidence,
            reason,
            hearing.status,
            hearing.consensus,
            hearing.beliefs,
            target,
            clamps,
            orders,
            hearing.evidence,
            self._provenance,
        )

    def _record(self, bar: Bar, decision: Decision) -> None:
        state = None if self._sim is None else self._sim.state()
        halts = (self._halts.day, self._halts.drawdown)
        # Fills of a bar whose record failed stay carried, and belong to the next that succeeds.
        fills = self._carried
        self.journal.record(self._entry, bar, decision, fills=fills, broker=state, halts=halts)
        self._fills, self._carried = fills, []

    async def _ask(self) -> Book:
        if self._unresolved is not None:
            await self._send(self._unresolved)
        for fill in await self.broker.fills(self._asked_since):
            key = (fill.order_id, fill.number)
            if key not in self._booked:
                self._booked.add(key)
                self._asked_since = max(self._asked_since, fill.filled_at)
                self._carried.append(fill)
        return await self.broker.book()

    async def _send(self, order: Order) -> None:
        answer = await self.broker.submit(order)
        self._unresolved = None
        if isinstance(answer, Ack):
            return
        if isinstance(answer, Reject):
            self.journal.outcome(order.id, f"rejected: {answer.reason}")
        else:
            self._unresolved = order
            self.journal.outcome(order.id, f"unknown: {answer.reason}")

    def _again(self, bar: Bar) -> Decision:
        if self._latest is not None and bar.open_time == self._reached:
            return self._latest
        known = self.journal.decision(self._entry, bar.open_time)
        if known is not None:
            return known
        abstains = Belief("desk", self.symbol, bar.close_time, 1, math.nan, why=_LATE)
        hearing = Hearing("late", abstains, (), math.nan, _UNKNOWN, 0, (), "")
        decision = self._decided(bar, hearing, Target(math.nan, _LATE), 0.0, (), ())
        self._record(bar, decision)
        return decision

    def _resume(self) -> None:
        found = self.journal.resume(self._entry)
        if found is None:
            return
        self._latest, self._reached = found.decision, found.open_time
        self._halts = Halts(*found.halts)
        if self._sim is not None and found.broker is not None:
            self._sim.restore(found.broker, found.waiting, {self.symbol: found.open_time})
        else:
            booked = self.journal.fills()
            self._booked = {(fill.order_id, fill.number) for fill in booked}
            self._asked_since = max((fill.filled_at for fill in booked), default=0)
            self._unresolved = next(iter(found.waiting), None)


def _aligned(hearing: Hearing, side: int) -> tuple[float, tuple[float, float]]:
    """Return the probability that a position on `side` is right, with its interval.

    The committee's confidence is about its own side; a position kept against it is right with the
    complement. A decision to hold nothing claims no side: nothing to be right about.
    """
    if side == 0:
        return math.nan, _UNKNOWN
    if (hearing.consensus.p_up - 0.5) * side >= 0.0:
        return hearing.confidence, hearing.interval
    low, high = hearing.interval
    return 1.0 - hearing.confidence, (1.0 - high, 1.0 - low)


def _finish(coroutine: Coroutine[Any, Any, Decision]) -> Decision:
    """Run a coroutine that waits for nothing to its end."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        decision: Decision = done.value
        return decision
    coroutine.close()
    raise UsageError("the broker has to wait", where="replay", allowed="a SimBroker")
