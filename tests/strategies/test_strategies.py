"""Laws of every strategy, and what each one is for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from folkmoot.core.decision import Book
from folkmoot.core.errors import UnknownOption, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.strategies import build, names
from folkmoot.strategies.half_kelly import scale
from folkmoot.strategies.rsi_macd_volume import opinion

X = "X/USD"
GAUSS = np.array([-1.645, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.645])
FLAT = Book(10_000.0)


def belief(p_up: float, sigma: float = 0.006, life: float = 50.0) -> Belief:
    return Belief("committee", X, 0, 1, p_up, tuple((sigma * GAUSS).tolist()), life)


def holding(weight: float) -> Book:
    units = 100.0 * weight
    return Book(10_000.0 - 100.0 * units, {X: units} if units else {}, {X: 100.0})


@pytest.mark.parametrize("name", names())
@given(
    p_up=some.one_of(some.floats(0.0, 1.0), some.just(math.nan)),
    sigma=some.floats(0.0, 0.5),
    life=some.floats(1.0, 50.0),
    held=some.floats(-1.0, 1.0),
)
def test_a_target_is_a_weight_and_is_pure(
    name: str, p_up: float, sigma: float, life: float, held: float
) -> None:
    strategy, said, book = build(name), belief(p_up, sigma, life), holding(held)
    target = strategy.target(X, said, book)
    assert -1.0 <= target.weight <= 1.0
    assert strategy.target(X, said, book) == target


@pytest.mark.parametrize("name", names())
def test_no_opinion_wants_no_position(name: str) -> None:
    assert build(name).target(X, belief(math.nan), holding(0.7)).weight == 0.0


@pytest.mark.parametrize("name", names())
def test_an_unknown_option_names_the_valid_ones(name: str) -> None:
    with pytest.raises(UnknownOption) as told:
        build(name, colour="blue")
    assert told.value.allowed


def test_a_slow_edge_of_55_percent_is_held_at_full_weight() -> None:
    assert build("half_kelly").target(X, belief(0.55), FLAT).weight == 1.0
    assert build("half_kelly").target(X, belief(0.45), holding(1.0)).weight == -1.0


def test_the_same_edge_does_not_pay_when_it_lives_two_bars() -> None:
    assert build("half_kelly").target(X, belief(0.55, life=2.0), FLAT).weight == 0.0


def test_a_rule_of_one_bar_makes_no_trade_at_15_basis_points() -> None:
    for p_up in (0.55, 0.6, 0.64):
        assert build("half_kelly").target(X, belief(p_up, life=1.0), FLAT).weight == 0.0
    assert build("half_kelly").target(X, belief(0.7, life=1.0), FLAT).weight > 0.0


def test_an_unknown_life_counts_as_one_bar() -> None:
    unknown, one = belief(0.6, life=math.nan), belief(0.6, life=1.0)
    strategy = build("half_kelly", cost=0.0001)
    assert strategy.target(X, unknown, FLAT) == strategy.target(X, one, FLAT)


def test_unknown_quantiles_want_no_position() -> None:
    assert build("half_kelly").target(X, Belief("c", X, 0, 1, 0.9), holding(0.5)).weight == 0.0


def test_the_margin_asks_for_more_than_the_cost() -> None:
    edge = belief(0.55, life=4.0)
    assert build("half_kelly").target(X, edge, FLAT).weight > 0.0
    assert build("half_kelly", margin=1.0).target(X, edge, FLAT).weight == 0.0


def test_a_wild_market_is_held_at_the_volatility_target() -> None:
    wild = build("half_kelly").target(X, belief(0.6, sigma=0.02), FLAT).weight
    _, variance = scale(belief(0.6, sigma=0.02).quantiles, 1)
    assert wild == pytest.approx(1.0 / math.sqrt(variance * 8766.0))


def test_a_small_change_of_an_open_position_waits() -> None:
    assert build("half_kelly").target(X, belief(0.55), holding(0.95)).weight == 0.95


def test_the_scale_of_a_gaussian_is_read_from_its_quantiles() -> None:
    move, variance = scale(tuple((0.01 * GAUSS).tolist()), 1)
    assert move == pytest.approx(0.01 * math.sqrt(2.0 / math.pi), rel=0.04)
    assert math.sqrt(variance) == pytest.approx(0.01, rel=0.05)
    assert scale(tuple(GAUSS.tolist()), 4)[0] == scale(tuple(GAUSS.tolist()), 1)[0] / 4


@pytest.mark.parametrize(
    "option",
    [{"fraction": 0.0}, {"volatility_target": -1.0}, {"cost": math.nan}, {"margin": -1.0}],
)
def test_an_impossible_option_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        build("half_kelly", **option)


def test_the_rule_abstains_on_a_missing_input_and_says_so() -> None:
    said = opinion(X, 0, math.nan, 0.55)
    assert not said.known
    assert said.why == "insufficient history"
    assert build("rsi_macd_volume").target(X, said, FLAT).weight == 0.0


def test_the_rule_trades_its_own_side_at_its_measured_hit_rate() -> None:
    strategy = build("rsi_macd_volume", weight=0.5)
    assert opinion(X, 0, -1.0, 0.48).p_up == pytest.approx(0.52)
    assert strategy.target(X, opinion(X, 0, -1.0, 0.48), FLAT).weight == -0.5
    assert strategy.target(X, opinion(X, 0, 1.5, 0.52), FLAT).weight == 0.5
    assert strategy.target(X, opinion(X, 0, 0.5, 0.52), FLAT).weight == 0.0
    assert strategy.target(X, opinion(X, 0, 1.0, math.nan), FLAT).weight == 0.0
    assert strategy.target(X, belief(0.9), FLAT).weight == 0.0
