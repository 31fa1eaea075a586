"""Fractional differencing: its formula, and what it is for: stationary and still with memory."""

import math

import numpy as np
import pytest

from folkmoot.causal import close, column, compile, lag, log
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.fracdiff import fractional_difference, fractional_weights

CRITICAL = -2.86
"""Dickey and Fuller's 5 % value with a constant, for many observations."""


def random_walk(seed: int, n: int = 6_000) -> Bars:
    log_price = np.cumsum(0.01 * np.random.default_rng(seed).standard_normal(n))
    ones, times = np.ones(n), 3_600_000 * np.arange(n)
    return Bars("W", Timeframe.of("1h"), times, ones, ones, ones, ones, ones, {"x": log_price})


def differenced(bars: Bars, d: float) -> tuple[Floats, Floats]:
    """Return the level and its fractional difference, where the latter is known."""
    expr = fractional_difference(column("x"), d)
    values = compile({"it": expr}).batch(bars)["it"]
    return bars.column("x")[expr.warmup :], values[expr.warmup :]


def next_to_each_other(values: Floats) -> float:
    return float(np.corrcoef(values[1:], values[:-1])[0, 1])


def dickey_fuller(values: Floats) -> float:
    """Return the t statistic of the level in a regression of the change, with a constant."""
    design = np.column_stack((np.ones(len(values) - 1), values[:-1]))
    change = np.diff(values)
    found = np.linalg.lstsq(design, change, rcond=None)[0]
    rest = change - design @ found
    spread = rest @ rest / (len(change) - 2) * np.linalg.inv(design.T @ design)
    return float(found[1] / math.sqrt(spread[1, 1]))


@pytest.mark.parametrize("d", [0.1, 0.35, 0.5, 0.8, 1.4])
def test_the_weights_are_the_binomial_series(d: float) -> None:
    weights = fractional_weights(d)
    binomial = [math.prod((d - i) / (i + 1) for i in range(k)) for k in range(len(weights))]
    expected = [(-1) ** k * value for k, value in enumerate(binomial)]
    np.testing.assert_allclose(weights, expected, rtol=1e-11)
    following = -weights[-1] * (d - len(weights) + 1) / len(weights)
    assert abs(weights[-1]) >= 1e-4 > abs(following)


def test_a_width_bounds_the_weights() -> None:
    assert len(fractional_weights(0.4)) == 282
    assert fractional_weights(0.4, longest=50) == fractional_weights(0.4)[:50]
    assert len(fractional_weights(0.4, tolerance=1e-3)) < len(fractional_weights(0.4))
    assert max(len(fractional_weights(d)) for d in np.linspace(0.0, 2.0, 201)) < 1_000


def test_whole_orders_are_the_level_and_its_differences(walk: Bars) -> None:
    level = log(close)
    change = level - lag(level)
    ours = [fractional_difference(level, d) for d in (0.0, 1.0, 2.0)]
    wanted = [level, change, change - lag(change)]
    for mine, other in zip(ours, wanted, strict=True):
        seen = compile({"mine": mine, "other": other}).batch(walk)
        np.testing.assert_allclose(seen["mine"], seen["other"], rtol=0, atol=1e-14)
        assert mine.warmup == other.warmup


def test_a_fraction_is_the_sum_of_its_definition(walk: Bars) -> None:
    expr = fractional_difference(log(close), 0.45)
    seen, level = compile({"it": expr}).batch(walk)["it"], np.log(walk.close)
    weights = fractional_weights(0.45)
    assert expr.warmup == expr.stable == len(weights) - 1
    for t in (expr.warmup, 777, len(walk) - 1):
        expected = math.fsum(weight * level[t - k] for k, weight in enumerate(weights))
        assert seen[t] == pytest.approx(expected, rel=1e-11)
    assert np.isnan(seen[: expr.warmup]).all()


def test_a_part_and_its_rest_make_the_whole(walk: Bars) -> None:
    level = log(close) - math.log(100.0)
    twice = fractional_difference(fractional_difference(level, 0.4, 1e-5), 0.6, 1e-5)
    seen = compile({"twice": twice, "once": level - lag(level)}).batch(walk)
    known = slice(twice.warmup, None)
    assert np.corrcoef(seen["twice"][known], seen["once"][known])[0, 1] > 0.999


def test_more_differencing_leaves_less_memory() -> None:
    orders = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    pairs = [[differenced(random_walk(seed), d) for seed in range(20)] for d in orders]
    memory = [np.mean([next_to_each_other(values) for _, values in row]) for row in pairs]
    kinship = [np.mean([np.corrcoef(*pair)[0, 1] for pair in row]) for row in pairs]
    assert memory == pytest.approx([0.999, 0.990, 0.922, 0.661, 0.279, 0.0], abs=0.01)
    assert kinship == pytest.approx([1.0, 0.962, 0.825, 0.56, 0.27, 0.02], abs=0.02)
    assert memory == sorted(memory, reverse=True)


def test_a_walk_differenced_in_part_is_stationary_and_follows_its_level() -> None:
    for seed in range(20):
        level, values = differenced(random_walk(seed), 0.4)
        assert dickey_fuller(values) < 2.0 * CRITICAL
        assert np.corrcoef(level, values)[0, 1] > 0.5
    rejected = [dickey_fuller(random_walk(seed).column("x")) < CRITICAL for seed in range(20)]
    assert sum(rejected) <= 3


@pytest.mark.parametrize(
    "given", [{"d": -0.1}, {"d": 2.5}, {"d": 0.4, "tolerance": 0.0}, {"d": 0.4, "longest": 1}]
)
def test_an_impossible_argument_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="fractional_weights"):
        fractional_difference(close, **given)  # type: ignore[arg-type]
