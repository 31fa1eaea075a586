"""A simulated venue: orders fill at the next bar's open, protective prices inside bars."""

import math
from typing import Any

from folkmoot.core.bars import Bar
from folkmoot.core.decision import Ack, Book, Fill, Order, Reject, Unknown
from folkmoot.core.errors import UsageError
from folkmoot.execution.account import Account, State
from folkmoot.execution.costs import Costs
from folkmoot.execution.fills import fill_step


class SimBroker:
    """Fill market orders at the open of the first bar that opens after they were made.

    `costs` are charged per side; `cash` in quote currency. `stop` and `take` are protective
    distances from the average entry price as shares of it, None for none; which of the two a bar
    touched first is unknown, so the stop is. A protective exit is a further fill of the order that
    last changed the position.
    """

    def __init__(
        self,
        costs: Costs,
        cash: float = 10_000.0,
        *,
        stop: float | None = None,
        take: float | None = None,
    ) -> None:
        for name, value in (("stop", stop), ("take", take)):
            if value is not None and not 0.0 < value < 1.0:
                raise UsageError(f"{name} is {value}", where="broker", allowed="(0, 1), or None")
        self.costs = costs
        self.account = Account(cash)
        self._stop = math.nan if stop is None else stop
        self._take = math.nan if take is None else take
        self._protects = stop is not None or take is not None
        self._queue: dict[str, Order] = {}
        self._seen: set[str] = set()
        self._last: dict[str, tuple[str, int]] = {}
        self._numbers: tuple[tuple[str, str, int], ...] = ()
        self._reached: dict[str, int] = {}
        self._fills: list[Fill] = []

    async def submit(self, order: Order) -> Ack | Reject | Unknown:
        """Queue an order; one that was sent before is the same order."""
        return self.queue(order)

    async def fills(self, since: int) -> list[Fill]:
        """Return this process's fills done at or after `since`, epoch ms."""
        return [fill for fill in self._fills if fill.filled_at >= since]

    async def book(self) -> Book:
        """Return cash and holdings at the last marks."""
        return self.snapshot()

    def queue(self, order: Order) -> Ack | Reject:
        """Do what `submit` does, without a coroutine."""
        if order.id in self._seen:
            return Ack(order.id)
        if not math.isfinite(order.quantity) or order.quantity == 0.0:
            return Reject(order.id, f"quantity is {order.quantity}")
        if order.symbol in self._queue:
            waiting = self._queue[order.symbol].id
            return Reject(order.id, f"order {waiting} is still waiting for the next open")
        self._seen.add(order.id)
        self._queue[order.symbol] = order
        return Ack(order.id)

    def snapshot(self) -> Book:
        """Do what `book` does, without a coroutine."""
        return self.account.book()

    def on_bar(self, bar: Bar) -> list[Fill]:
        """Let one closed bar happen: fills at its open, exits inside it, the mark at its close.

        A bar that already happened changes nothing and has no fills.
        """
        symbol = bar.symbol
        if bar.open_time <= self._reached.get(symbol, -1):
            return []
        self._reached[symbol] = bar.open_time
        account = self.account
        account.begin(symbol, bar.open_time, bar.open)
        order = self._queue.get(symbol)
        done: list[Fill] = []
        if order is not None and bar.open_time >= order.created_at:
            del self._queue[symbol]
            self._last[symbol] = (order.id, 0)
            done = self._step(bar, order.quantity)
        elif self._protects and symbol in account.holdings:
            done = self._step(bar, 0.0)
        account.mark(symbol, bar.close)
        self._fills.extend(done)
        return done

    def state(self) -> tuple[State, tuple[tuple[str, str, int], ...]]:
        """Return all that a restart needs besides the orders that have not filled."""
        return self.account.state(), self._numbers

    def restore(self, state: Any, waiting: tuple[Order, ...], reached: dict[str, int]) -> None:
        """Continue from `state`, with the orders that wait and the last bar of each symbol."""
        account, last = state
        self.account = Account.restore(account)
        self._last = {symbol: (order, number) for symbol, order, number in last}
        self._number()
        self._reached = dict(reached)
        self._queue.clear()
        for order in waiting:
            self._seen.discard(order.id)
            self.queue(order)

    def _number(self) -> None:
        rows = [(symbol, order, number) for symbol, (order, number) in sorted(self._last.items())]
        self._numbers = tuple(rows)

    def _step(self, bar: Bar, quantity: float) -> list[Fill]:
        account, symbol = self.account, bar.symbol
        held, entry = account.holdings.get(symbol, 0.0), account.entries.get(symbol, 0.0)
        prices = (bar.open, bar.high, bar.low)
        rates = (self._stop, self._take, self.costs.fee, self.costs.slippage)
        price, paid, entry, exit_, exit_price, exit_paid = fill_step(
            held, entry, quantity, *prices, *rates
        )
        done = []
        if quantity:
            done.append(self._book(bar, quantity, price, paid, entry, bar.open_time))
        if exit_:
            done.append(self._book(bar, exit_, exit_price, exit_paid, entry, bar.close_time))
        return done

    def _book(
        self, bar: Bar, quantity: float, price: float, fee: float, entry: float, time: int
    ) -> Fill:
        self.account.fill(bar.symbol, quantity, price, fee, entry)
        order, number = self._last[bar.symbol]
        self._last[bar.symbol] = (order, number + 1)
        self._number()
        return Fill(order, number, bar.symbol, quantity, price, fee, time)
