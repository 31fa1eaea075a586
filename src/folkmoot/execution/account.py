"""Cash and holdings that follow fills and marks; `Book` is a frozen picture of them."""

from typing import Any, Self

from folkmoot.core.decision import Book
from folkmoot.core.errors import UsageError
from folkmoot.core.mint import mint
from folkmoot.core.timeframe import DAY

State = tuple[float, float, float, int, tuple[tuple[str, float, float, float], ...]]


_book = mint(Book)


class Account:
    """The arithmetic of one account; short positions are negative holdings.

    Equity is cash plus holdings at the last marks, which is the starting cash plus every fill's
    quantity x (mark - price) minus every fee.
    """

    def __init__(self, cash: float) -> None:
        if not cash > 0.0:
            raise UsageError(f"cash is {cash}", where="account", allowed="> 0")
        self.cash = cash
        self.holdings: dict[str, float] = {}
        self.entries: dict[str, float] = {}
        self.prices: dict[str, float] = {}
        self.peak = cash
        self.day_open = cash
        self.day = -1

    @property
    def equity(self) -> float:
        """Cash plus holdings at the last marks, in quote currency."""
        prices = self.prices
        total = self.cash
        for symbol, quantity in self.holdings.items():
            total += quantity * prices[symbol]
        return total

    def fill(self, symbol: str, quantity: float, price: float, fee: float, entry: float) -> None:
        """Book a fill: cash pays quantity x price and the fee; `entry` is the new average."""
        self.cash -= quantity * price + fee
        held = self.holdings.get(symbol, 0.0) + quantity
        others = {name: units for name, units in self.holdings.items() if name != symbol}
        self.holdings = {**others, symbol: held} if held else others
        self.entries[symbol] = entry if held else 0.0
        self.prices = {symbol: price, **self.prices}

    def begin(self, symbol: str, open_time: int, price: float) -> None:
        """Value the account at a bar's open; on a new UTC day that equity is the day's first."""
        day = open_time // DAY
        if day > self.day:
            self.day = day
            self.prices = {**self.prices, symbol: price}
            self.day_open = self.equity

    def mark(self, symbol: str, price: float) -> None:
        """Value the account at a bar's close."""
        prices = self.prices = {**self.prices, symbol: price}
        equity = self.cash
        for name, quantity in self.holdings.items():
            equity += quantity * prices[name]
        if equity > self.peak:
            self.peak = equity

    def rebase(self) -> None:
        """Count drawdown from the present equity on."""
        self.peak = self.equity

    def book(self) -> Book:
        """Return a picture of the account: its dicts are replaced, never changed."""
        return _book(self.cash, self.holdings, self.prices, self.peak, self.day_open)

    def state(self) -> State:
        """Return everything as plain values; floats survive JSON to the bit."""
        holdings, entries = self.holdings, self.entries
        held = [
            (symbol, holdings.get(symbol, 0.0), entries.get(symbol, 0.0), price)
            for symbol, price in sorted(self.prices.items())
        ]
        return (self.cash, self.peak, self.day_open, self.day, tuple(held))

    @classmethod
    def restore(cls, state: Any) -> Self:
        """Return the account whose `state` this was."""
        cash, peak, day_open, day, held = state
        made = cls(1.0)
        made.cash, made.peak, made.day_open, made.day = cash, peak, day_open, day
        for symbol, quantity, entry, price in held:
            made.prices[symbol] = price
            if quantity:
                made.holdings[symbol], made.entries[symbol] = quantity, entry
        return made
