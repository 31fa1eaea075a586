"""Laws of limits, fills, accounts and orders."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from folkmoot.core.bars import Bar
from folkmoot.core.decision import Ack, Book, Order, Reject, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import DAY, Timeframe
from folkmoot.execution import (
    Account,
    Costs,
    Halts,
    Limits,
    SimBroker,
    order_for,
    order_id,
)
from folkmoot.execution.fills import fill_step

X, HOUR = "X/USD", Timeframe.of("1h")
UNIT = some.floats(0.001, 0.999)


def bar(row: int, open_: float, high: float, low: float, close: float, symbol: str = X) -> Bar:
    return Bar(symbol, HOUR, row * HOUR.ms, open_, high, low, close, 1.0)


@given(
    weight=some.floats(),
    limits=some.builds(
        Limits,
        max_weight=some.floats(0.0, 2.0),
        max_leverage=some.floats(0.0, 2.0),
        max_daily_loss=some.none() | UNIT,
        max_drawdown=some.none() | UNIT,
        stale_after=some.none() | some.integers(1, 5),
    ),
    cash=some.floats(-2e4, 2e4),
    units=some.floats(-300.0, 300.0),
    other=some.floats(-300.0, 300.0),
    peak=some.floats(0.0, 5e4),
    age=some.none() | some.integers(0, 10),
    halts=some.builds(Halts, some.integers(-1, 2), some.booleans()),
)
@settings(max_examples=500)
def test_limits_only_shrink_and_never_raise(
    weight: float,
    limits: Limits,
    cash: float,
    units: float,
    other: float,
    peak: float,
    age: int | None,
    halts: Halts,
) -> None:
    held = {name: q for name, q in ((X, units), ("Y/USD", other)) if q}
    book = Book(cash, held, {X: 100.0, "Y/USD": 50.0}, peak, peak)
    closed = bar(30, 100.0, 101.0, 99.0, 100.0)
    now = None if age is None else closed.close_time + age * HOUR.ms
    after, clamps = limits.apply(Target(weight), book, closed, now=now, halts=halts)
    assert after == 0.0 or math.copysign(1.0, after) == math.copysign(1.0, weight)
    assert not abs(after) > abs(weight)
    assert abs(after) <= max(limits.max_weight, 0.0)
    steps = [clamp.before for clamp in clamps] + [after]
    for clamp, following in zip(clamps, steps[1:], strict=True):
        assert clamp.after == following
    assert (after == weight) == (not clamps) or math.isnan(weight)


def test_each_limit_is_recorded_with_before_and_after() -> None:
    book = Book(10_000.0, {}, {}, 10_000.0, 10_000.0)
    weight, clamps = Limits(max_weight=0.5, max_leverage=0.2).apply(
        Target(-0.9), book, bar(0, 1.0, 1.0, 1.0, 1.0)
    )
    assert weight == -0.2
    assert [(c.limit, c.before, c.after) for c in clamps] == [
        ("max_weight", -0.9, -0.5),
        ("max_leverage", -0.5, -0.2),
    ]


def test_other_positions_use_up_the_leverage() -> None:
    book = Book(10_000.0, {"Y": 70.0}, {"Y": 100.0}, 17_000.0, 17_000.0)
    weight, _ = Limits().apply(Target(1.0), book, bar(0, 1.0, 1.0, 1.0, 1.0))
    assert weight == pytest.approx(1.0 - 7_000.0 / 17_000.0)


def test_a_daily_loss_forces_flat_until_the_next_day() -> None:
    limits, lost = Limits(max_daily_loss=0.02), Book(9_790.0, {}, {}, 10_000.0, 10_000.0)
    back = Book(9_990.0, {}, {}, 10_000.0, 10_000.0)
    first, second, tomorrow = (bar(row, 1.0, 1.0, 1.0, 1.0) for row in (5, 6, 24))
    halts = limits.watch(lost, first)
    assert limits.apply(Target(1.0), lost, first)[1][0].limit == "max_daily_loss"
    halts = limits.watch(back, second, halts)
    assert limits.apply(Target(1.0), back, second, halts=halts)[0] == 0.0
    halts = limits.watch(back, tomorrow, halts)
    assert limits.apply(Target(1.0), back, tomorrow, halts=halts)[0] == 1.0


def test_a_drawdown_forces_flat_until_reset() -> None:
    limits, recovered = Limits(max_drawdown=0.1), Book(9_999.0, {}, {}, 10_000.0, 9_000.0)
    halts = limits.watch(Book(9_000.0, {}, {}, 10_000.0, 9_500.0), bar(0, 1.0, 1.0, 1.0, 1.0))
    later = bar(100, 1.0, 1.0, 1.0, 1.0)
    halts = limits.watch(recovered, later, halts)
    assert limits.apply(Target(0.5), recovered, later, halts=halts)[1][0].limit == "max_drawdown"
    assert limits.apply(Target(0.5), recovered, later)[0] == 0.5


def test_stale_data_allows_exits_and_no_entries() -> None:
    book = Book(5_000.0, {X: 50.0}, {X: 100.0}, 10_000.0, 10_000.0)
    closed = bar(0, 100.0, 100.0, 100.0, 100.0)
    now = closed.close_time + 3 * HOUR.ms
    wanted = [Limits().apply(Target(w), book, closed, now=now)[0] for w in (0.9, 0.2, -0.4)]
    assert wanted == [0.5, 0.2, 0.0]


def test_costs_that_are_unknown_are_named() -> None:
    assert Costs().rate == pytest.approx(0.0015)
    assert Costs().unknown == ("funding", "borrow")
    assert Costs(funding=0.1).unknown == ("borrow",)
    with pytest.raises(UsageError):
        Costs(fee=-0.1)


def test_an_order_fills_at_the_next_open_with_fee_and_slippage_against_it() -> None:
    broker = SimBroker(Costs(fee=0.001, slippage=0.01), 10_000.0)
    broker.on_bar(bar(0, 100.0, 101.0, 99.0, 100.0))
    assert broker.queue(Order("a", X, 10.0, HOUR.ms)) == Ack("a")
    assert broker.queue(Order("a", X, 10.0, HOUR.ms)) == Ack("a")
    (fill,) = broker.on_bar(bar(1, 105.0, 110.0, 104.0, 108.0))
    assert (fill.order_id, fill.number, fill.filled_at) == ("a", 0, HOUR.ms)
    assert fill.price == 105.0 * 1.01
    assert fill.fee == 10.0 * fill.price * 0.001
    assert broker.snapshot().cash == 10_000.0 - (10.0 * fill.price + fill.fee)
    assert broker.on_bar(bar(1, 105.0, 110.0, 104.0, 108.0)) == []


def test_a_short_sells_below_the_open() -> None:
    broker = SimBroker(Costs(fee=0.0, slippage=0.01))
    broker.queue(Order("a", X, -10.0, 0))
    (fill,) = broker.on_bar(bar(0, 100.0, 101.0, 99.0, 99.5))
    assert fill.price == 99.0
    assert broker.snapshot().holdings == {X: -10.0}


def test_an_impossible_order_is_rejected() -> None:
    broker = SimBroker(Costs())
    assert isinstance(broker.queue(Order("a", X, math.nan, 0)), Reject)
    assert broker.queue(Order("b", X, 1.0, 0)) == Ack("b")
    assert isinstance(broker.queue(Order("c", X, 1.0, 0)), Reject)


NAN = math.nan


@pytest.mark.parametrize(
    ("held", "entry", "prices", "stop", "take", "exits_at"),
    [
        (1.0, 100.0, (100.0, 120.0, 80.0), 0.1, 0.1, 90.0),
        (1.0, 100.0, (85.0, 120.0, 80.0), 0.1, NAN, 85.0),
        (1.0, 100.0, (100.0, 111.0, 95.0), 0.1, 0.1, 110.0),
        (1.0, 100.0, (100.0, 109.0, 95.0), 0.1, 0.1, 0.0),
        (-1.0, 100.0, (100.0, 120.0, 80.0), 0.1, 0.1, 110.0),
        (-1.0, 100.0, (115.0, 120.0, 80.0), 0.1, NAN, 115.0),
        (-1.0, 100.0, (100.0, 105.0, 89.0), 0.1, 0.1, 90.0),
    ],
)
def test_inside_a_bar_the_stop_comes_first_and_a_gap_fills_at_the_open(
    held: float,
    entry: float,
    prices: tuple[float, float, float],
    stop: float,
    take: float,
    exits_at: float,
) -> None:
    *_, quantity, price, _ = fill_step(held, entry, 0.0, *prices, stop, take, 0.0, 0.0)
    assert price == pytest.approx(exits_at)
    assert quantity == (-held if exits_at else 0.0)


def test_a_protective_exit_is_a_further_fill_of_the_order() -> None:
    broker = SimBroker(Costs(fee=0.0, slippage=0.0), stop=0.05)
    broker.queue(Order("a", X, 10.0, 0))
    first, second = broker.on_bar(bar(0, 100.0, 101.0, 90.0, 100.0))
    assert [(f.order_id, f.number, f.quantity) for f in (first, second)] == [
        ("a", 0, 10.0),
        ("a", 1, -10.0),
    ]
    assert second.price == pytest.approx(95.0)
    assert broker.snapshot().holdings == {}


@given(
    trades=some.lists(
        some.tuples(some.floats(-50.0, 50.0), some.floats(1.0, 1e3), some.floats(0.0, 5.0)),
        max_size=30,
    ),
    mark=some.floats(1.0, 1e3),
)
def test_equity_is_cash_plus_every_fill_at_the_mark_minus_fees(
    trades: list[tuple[float, float, float]], mark: float
) -> None:
    account, gained = Account(1e6), 0.0
    for quantity, price, fee in trades:
        account.fill(X, quantity, price, fee, price)
        gained += quantity * (mark - price) - fee
    account.mark(X, mark)
    assert account.equity == pytest.approx(1e6 + gained, rel=1e-9)
    assert account.book().equity == account.equity
    assert Account.restore(account.state()).state() == account.state()


def test_the_day_opens_with_the_equity_of_its_first_bar() -> None:
    broker = SimBroker(Costs(fee=0.0, slippage=0.0), 1_000.0)
    broker.queue(Order("a", X, 10.0, 0))
    broker.on_bar(bar(23, 100.0, 100.0, 100.0, 100.0))
    broker.on_bar(bar(24, 90.0, 95.0, 85.0, 95.0))
    assert broker.account.day == 24 * HOUR.ms // DAY
    assert broker.snapshot().day_open == 900.0
    assert broker.snapshot().peak == 1_000.0


def test_an_earlier_book_does_not_change_with_the_account() -> None:
    broker = SimBroker(Costs(), 1_000.0)
    broker.queue(Order("a", X, 1.0, 0))
    broker.on_bar(bar(0, 100.0, 101.0, 99.0, 100.0))
    before = broker.snapshot()
    equity = before.equity
    broker.queue(Order("b", X, -1.0, HOUR.ms))
    broker.on_bar(bar(1, 50.0, 51.0, 49.0, 50.0))
    assert before.equity == equity
    assert before.holdings == {X: 1.0}


def test_an_order_moves_to_the_weight_and_closes_exactly() -> None:
    assert order_for(0.5, 0.0, 100.0, 10_000.0, 0.01) == 50.0
    assert order_for(0.505, 50.0, 100.0, 10_000.0, 0.01) == 0.0
    assert order_for(0.0, 0.3, 100.0, 10_000.0, 0.9) == -0.3
    assert order_for(0.0, 0.0, 100.0, 10_000.0, 0.0) == 0.0
    assert order_for(1.0, 0.0, 100.0, -5.0, 0.01) == 0.0


def test_an_order_id_names_strategy_symbol_timeframe_and_bar() -> None:
    first = order_id("s", X, "1h", 0)
    others = [("t", X, "1h", 0), ("s", "Y", "1h", 0), ("s", X, "5m", 0), ("s", X, "1h", 1)]
    assert len({first, *(order_id(*key) for key in others)}) == 5
    assert len(first) == 22


async def test_the_broker_keeps_the_protocol() -> None:
    broker = SimBroker(Costs())
    assert await broker.submit(Order("a", X, 1.0, 0)) == Ack("a")
    broker.on_bar(bar(0, 100.0, 101.0, 99.0, 100.0))
    assert len(await broker.fills(0)) == 1
    assert await broker.fills(1) == []
    assert (await broker.book()).holdings == {X: 1.0}
