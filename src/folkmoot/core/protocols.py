"""What a plug-in must offer; it inherits nothing."""

from collections.abc import AsyncIterator
from typing import Protocol, Self, runtime_checkable

from folkmoot.core.bars import Bar, Bars, Floats
from folkmoot.core.decision import Ack, Book, Case, Fill, Order, Reject, Target, Unknown
from folkmoot.core.forecast import Belief, Features, Forecast
from folkmoot.core.timeframe import Timeframe


@runtime_checkable
class Source(Protocol):
    """Where bars come from."""

    def history(
        self, symbol: str, timeframe: Timeframe, start: int | None, end: int | None
    ) -> Bars:
        """Return the closed bars that open in [start, end), epoch ms; empty means truly none."""

    def live(self, symbol: str, timeframe: Timeframe) -> AsyncIterator[Bar]:
        """Yield each bar once, after it has closed."""


@runtime_checkable
class Forecaster(Protocol):
    """A model: row i of its forecast comes from row i of its input alone."""

    horizons: tuple[int, ...]
    levels: tuple[float, ...]
    lookback: int
    needs: tuple[str, ...]

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Learn from `x` and `y[rows, horizons]` log returns, NaN where unknown."""

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; NaN where a needed feature is unknown."""


@runtime_checkable
class Analyst(Protocol):
    """An agent with an opinion; failure raises, no view is an explicit abstention."""

    name: str

    async def opine(self, case: Case) -> Belief:
        """Return a belief that cites evidence of the case."""


@runtime_checkable
class Strategy(Protocol):
    """Belief to wanted weight; pure."""

    def target(self, symbol: str, belief: Belief, book: Book) -> Target:
        """Return the weight wanted from the next open on."""


@runtime_checkable
class Broker(Protocol):
    """Where orders go."""

    async def submit(self, order: Order) -> Ack | Reject | Unknown:
        """Send one order; sending it again is the same order."""

    async def fills(self, since: int) -> list[Fill]:
        """Return the fills done at or after `since`, epoch ms."""

    async def book(self) -> Book:
        """Return cash and holdings as the venue sees them."""
