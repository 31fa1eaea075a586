"""Bars with order-book columns from recorded messages.

A fact belongs to the bar in which it was *received*, by the recorder's clock: that is when it was
known. Stamps of the venue decide nothing (spot quotes have none). Steps, message by message:

1. If a bar's end has passed, weigh what was known up to that end, close the bar, begin the next.
2. Weigh what was known since the last message: each quote and book counts for as long as it stood,
   but for no longer than `STALE` after the last message of any kind.
3. Take the message: a trade into prices and volume, a quote into order flow, depth into the book.

A quantity that was known for less than `COVERAGE` of its bar is NaN, as are volumes of a bar in
which numbers of trades are missing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.book import Book
from folkmoot.market.recordings import Diff, Message, Quote, Recording, Snapshot, Trade

NS = 1_000_000
PER_UNIT = 100_000_000
STALE = 10_000 * NS
"""Silence in ns after which nothing counts as known any more."""
COVERAGE = 0.95
LEVELS = 5
"""Levels of each side in the depth imbalance."""
COLUMNS = (
    "spread", "depth_imbalance", "microprice", "order_flow", "signed_volume", "trades",
    "vwap_distance",
)  # fmt: skip
"""Extra columns of each bar.

`spread`: time-weighted (ask - bid) / mid. `depth_imbalance`: time-weighted (bids - asks) / (bids +
asks) of the best levels' sizes, -1 .. 1. `microprice`: (ask x bid size + bid x ask size) / (both
sizes) over the mid less 1, of the quote at the close. `order_flow`: the sum of changes at the best
quotes (Cont, Kukanov and Stoikov, 2014), in units of volume. `signed_volume`: bought by aggressive
buyers less sold by aggressive sellers. `trades`: how many. `vwap_distance`: log(close / VWAP).
"""


@dataclass(slots=True)
class _Weighed:
    """A quantity's sum of value times nanoseconds, and the nanoseconds it was known."""

    sum: float = 0.0
    known: int = 0

    def add(self, value: float | None, span: int) -> None:
        if value is not None:
            self.sum += value * span
            self.known += span

    def mean(self, span: int) -> float:
        return self.sum / self.known if self.known >= COVERAGE * span else math.nan


@dataclass(slots=True)
class _Sum:
    """A sum of sizes, exact as long as all of them are whole multiples of 1e-8."""

    lots: int = 0
    plain: float = 0.0
    whole: bool = True

    def add(self, size: float) -> None:
        lots = round(size * PER_UNIT)
        self.whole = self.whole and lots / PER_UNIT == size
        self.lots += lots
        self.plain += size

    @property
    def value(self) -> float:
        return self.lots / PER_UNIT if self.whole else self.plain


@dataclass(slots=True)
class _Open:
    """The bar that is being built; `whole` unless numbers of trades or quotes are missing."""

    start: int
    prices: list[float] = field(default_factory=list)
    volume: _Sum = field(default_factory=_Sum)
    signed: _Sum = field(default_factory=_Sum)
    turnover: float = 0.0
    trades: int = 0
    flow: float = 0.0
    whole: bool = True
    quotes_known: bool = True
    spread: _Weighed = field(default_factory=_Weighed)
    imbalance: _Weighed = field(default_factory=_Weighed)

    def trade(self, price: float, size: float, sign: float) -> None:
        if not self.prices:
            self.prices = [price] * 4
        self.prices[1] = max(self.prices[1], price)
        self.prices[2] = min(self.prices[2], price)
        self.prices[3] = price
        self.volume.add(size)
        self.signed.add(sign * size)
        self.turnover += price * size
        self.trades += 1


class _Builder:
    def __init__(self, step_ns: int, start: int) -> None:
        self.step = step_ns
        self.book = Book()
        self.quote: Quote | None = None
        self.imbalance: float | None = None
        self.number: int | None = None
        self.heard = start
        # What was received before the first whole bar is only what is known when it begins.
        self.bar = _Open(start // step_ns * step_ns, quotes_known=False)
        self.first = self.bar.start if start == self.bar.start else self.bar.start + step_ns
        self.rows: list[tuple[float, ...]] = []
        self.quiet = 0
        self.taking: dict[type, Callable[..., None]] = {
            Trade: self._trade, Quote: self._quote, Diff: self._depth, Snapshot: self._snapshot,
        }  # fmt: skip

    def push(self, message: Message) -> None:
        while message.received >= self.bar.start + self.step:
            self._weigh(self.bar.start + self.step)
            self._close()
        self._weigh(message.received)
        if message.received - self.heard > STALE:
            self._silence()
        self.heard = message.received
        self.taking[type(message)](message)

    def _weigh(self, until: int) -> None:
        """Count what stood since the last message or the bar's start, up to `until`."""
        since = max(self.heard, self.bar.start)
        span = min(until, self.heard + STALE) - since
        if span > 0:
            spread = None if self.quote is None else _spread(self.quote)
            self.bar.spread.add(spread, span)
            self.bar.imbalance.add(self.imbalance, span)

    def _close(self) -> None:
        bar, end = self.bar, self.bar.start + self.step
        if end - self.heard > STALE:
            self._silence()
        if bar.start >= self.first and bar.prices:
            self.rows.append(_row(bar, self.quote, self.step))
        self.quiet += bar.start >= self.first and not bar.prices
        self.bar = _Open(end, quotes_known=self.quote is not None)

    def _silence(self) -> None:
        """Take it that messages were lost: no quote, no sum of this bar is known."""
        self.quote = None
        self.bar.whole = self.bar.quotes_known = False

    def _trade(self, trade: Trade) -> None:
        if self.number is not None and trade.number != self.number + 1:
            self.bar.whole = False
        self.number = trade.number
        self.bar.trade(trade.price, trade.size, trade.sign)

    def _quote(self, quote: Quote) -> None:
        if self.quote is None:
            self.bar.quotes_known = False
        else:
            self.bar.flow += order_flow(self.quote, quote)
        self.quote = quote

    def _depth(self, diff: Diff) -> None:
        breaks = self.book.breaks
        self.book.diff(diff)
        if self.book.breaks > breaks:
            # Whatever cut the chain of depth may have cost quotes as well.
            self.quote = None
            self.bar.quotes_known = False
        self.imbalance = self.book.imbalance(LEVELS)

    def _snapshot(self, snapshot: Snapshot) -> None:
        self.book.snapshot(snapshot)
        self.imbalance = self.book.imbalance(LEVELS)


def order_flow(before: Quote, after: Quote) -> float:
    """Return what one change of the best quotes adds to demand less supply, in volume.

    Source: Cont, Kukanov and Stoikov, The price impact of order book events (2014), equation 2.

    >>> order_flow(Quote(0, 1, 99.0, 5.0, 101.0, 7.0), Quote(0, 2, 99.0, 6.0, 101.0, 4.0))
    4.0
    """
    bid = (after.bid_size if after.bid >= before.bid else 0.0) - (
        before.bid_size if after.bid <= before.bid else 0.0
    )
    ask = (after.ask_size if after.ask <= before.ask else 0.0) - (
        before.ask_size if after.ask >= before.ask else 0.0
    )
    return bid - ask


def _spread(quote: Quote) -> float:
    return (quote.ask - quote.bid) / (0.5 * (quote.ask + quote.bid))


def _microprice(quote: Quote) -> float:
    sizes = quote.bid_size + quote.ask_size
    micro = (quote.ask * quote.bid_size + quote.bid * quote.ask_size) / sizes
    return micro / (0.5 * (quote.ask + quote.bid)) - 1.0


def _row(bar: _Open, quote: Quote | None, step: int) -> tuple[float, ...]:
    nan = math.nan
    volume = bar.volume.value
    sums = (bar.signed.value, float(bar.trades), math.log(bar.prices[3] * volume / bar.turnover))
    return (
        float(bar.start // NS), *bar.prices, volume if bar.whole else nan,
        bar.spread.mean(step),
        bar.imbalance.mean(step),
        nan if quote is None else _microprice(quote),
        bar.flow if bar.quotes_known else nan,
        *(sums if bar.whole else (nan, nan, nan)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """Bars of a recording, and what was found on the way.

    `breaks` counts the times that the chain of depth broke, `quiet` the whole bars without a trade,
    which are left out.
    """

    bars: Bars
    breaks: int
    quiet: int


def microstructure_bars(
    recording: Recording, timeframe: Timeframe | str = "1m", *, shift_ms: float = 0.0
) -> Built:
    """Build the closed bars of a recording with the extra columns in `COLUMNS`.

    A bar is built if the recording began no later than it did and has a message from its end or
    after. `shift_ms` is added to the local stamps of a recorder whose clock is known to be wrong
    (see `Recording.clock_error`).
    """
    step = Timeframe.of(timeframe)
    shift, messages = round(shift_ms * NS), recording.messages
    # Weeks do not begin with the epoch: build on a clock that is moved by the anchor.
    moved = shift - step.anchor * NS
    builder = _Builder(step.ms * NS, messages[0].received + moved if messages else 0)
    for message in messages:
        builder.push(message._replace(received=message.received + moved))
    rows = np.array(builder.rows, dtype=np.float64).reshape(-1, 6 + len(COLUMNS))
    times = rows[:, 0].astype(np.int64) + step.anchor
    extra = dict(zip(COLUMNS, rows[:, 6:].T, strict=True))
    open_, high, low, close, volume = rows[:, 1:6].T
    bars = Bars(recording.symbol, step, times, open_, high, low, close, volume, extra)
    return Built(bars, builder.book.breaks, builder.quiet)
