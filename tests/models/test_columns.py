"""Which columns a network is shown: those that say where the market goes, in any market."""

from typing import Any

import numpy as np

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.models.neural import chosen

NAMES = tuple(f"c{k}" for k in range(80))


def world(seed: int, n: int = 1500) -> tuple[Floats, Floats]:
    """Return (`scores[n, 80]`, `y[n, 1]`): column 70 knows something of the next return."""
    rng = np.random.default_rng(seed)
    scores, y = rng.standard_normal((n, 80)), 0.01 * rng.standard_normal((n, 1))
    scores[:, 70] += 60.0 * y[:, 0]
    return scores, y


def test_a_column_that_knows_is_kept_though_the_market_stood_still_in_a_fold() -> None:
    for seed in range(10):
        for still in (0.6, 1.0):
            scores, y = world(seed)
            y[:300][np.random.default_rng(seed).random(300) < still] = 0.0
            kept, report = chosen.choose(scores, y, NAMES, 8)
            assert 70 in kept
            assert kept.tolist() != list(range(8))
            assert 0.0 < report["stability"] <= 1.0


def test_a_market_that_always_stood_still_is_no_reason_to_warn_or_to_fail() -> None:
    scores, y = world(1)
    kept, _ = chosen.choose(scores, np.zeros_like(y), NAMES, 8)
    assert len(kept) == 8


def test_the_choice_does_not_depend_on_the_unit_of_the_label() -> None:
    scores, y = world(3)
    y[::3] = 0.0
    kept, report = chosen.choose(scores, y, NAMES, 8)
    again, same = chosen.choose(scores, 1024.0 * y, NAMES, 8)
    assert kept.tolist() == again.tolist()
    assert report == same


def test_a_label_without_a_volatility_is_unknown() -> None:
    y, spans = (
        np.array([[0.02], [0.02], [0.02], [np.nan]]),
        np.array([[0.01], [0.0], [np.nan], [1]]),
    )
    found = chosen.standardised(y, spans)
    np.testing.assert_array_equal(found, [[2.0], [np.nan], [np.nan], [np.nan]])


def calm_and_wild(seed: int, n: int = 1500) -> tuple[Features, Floats]:
    """Return rows of a market whose volatility lasts, and what it does next.

    Of 40 columns 39 tell how wild it is, each with noise of its own; the last tells where it goes.
    """
    rng = np.random.default_rng(seed)
    wild = np.zeros(n)
    for t in range(1, n):
        wild[t] = 0.98 * wild[t - 1] + 0.2 * rng.standard_normal()
    volatility = 0.005 * np.exp(wild)
    z = rng.standard_normal(n)
    columns = np.exp(0.5 * wild)[:, None] + 0.6 * rng.standard_normal((n, 39))
    told = 0.35 * z + rng.standard_normal(n)
    bars = np.zeros((n, 6)), volatility[:, None]
    values = np.column_stack([columns, told, *bars])
    names = (*(f"wild{k}" for k in range(39)), "told", *BARS_SET)
    times = np.arange(n, dtype=np.int64) * 3_600_000
    return windows(Table(np.ascontiguousarray(values), names, times), 1), (volatility * z)[:, None]


def directional(seed: int) -> Any:
    x, y = calm_and_wild(seed)
    plan = {"epochs": 1, "windows": 64, "batch": 64}
    model = models.build("dlinear", lookback=1, select=6, training=plan)
    return "told" in model.fit(x, y, np.ones(len(x))).columns


def test_the_column_that_tells_the_direction_is_chosen_among_many_that_tell_the_volatility() -> (
    None
):
    assert sum(directional(seed) for seed in range(20)) >= 18
