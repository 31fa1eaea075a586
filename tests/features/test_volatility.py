"""The volatility estimators: their published formulas, and a market of known volatility."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from folkmoot.causal import Expr, compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.features.volatility import (
    close_to_close,
    ewma_vol,
    garman_klass,
    parkinson,
    rogers_satchell,
    yang_zhang,
)

ESTIMATORS = (close_to_close, parkinson, garman_klass, rogers_satchell, yang_zhang)


def fine_walk(rows: int = 4_000, steps: int = 400, sigma: float = 0.01) -> tuple[Floats, ...]:
    """Return open, high, low, close of bars made of many small steps: sigma a bar, no jump."""
    rng = np.random.default_rng(5)
    path = np.cumsum(sigma / math.sqrt(steps) * rng.standard_normal((rows, steps)), axis=1)
    close = np.cumsum(path[:, -1])
    open_ = close - path[:, -1]
    high = np.maximum(path.max(axis=1), 0.0) + open_
    low = np.minimum(path.min(axis=1), 0.0) + open_
    return tuple(100.0 * np.exp(log_price) for log_price in (open_, high, low, close))


@pytest.mark.parametrize("estimate", ESTIMATORS)
def test_every_estimator_finds_the_volatility_that_was_put_in(
    estimate: Callable[[int], Expr], walk: Bars
) -> None:
    times = 3_600_000 * np.arange(4_000)
    bars = Bars("FINE", walk.timeframe, times, *fine_walk(), np.ones(4_000))
    found = compile({"x": estimate(1_000)}).batch(bars)["x"][-1]
    # The range of a path seen at 400 instants is some four percent short of the true range.
    assert found == pytest.approx(0.01, rel=0.08)


def test_estimates_follow_their_published_formulas(walk: Bars) -> None:
    n, rows = 20, slice(480, 500)
    o, h, low, c = (np.log(walk.column(name)) for name in ("open", "high", "low", "close"))
    jump, body = o[rows] - c[479:499], (c - o)[rows]
    squares = ((h - low)[rows] ** 2).mean()
    satchell = ((h - c) * (h - o) + (low - c) * (low - o))[rows].mean()
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    zhang = jump.var(ddof=1) + k * body.var(ddof=1) + (1 - k) * satchell
    klass = 0.5 * squares - (2 * math.log(2) - 1) * (body**2).mean()
    expected: dict[str, tuple[Expr, float]] = {
        "close": (close_to_close(n), (np.diff(c[479:500]) ** 2).mean()),
        "parkinson": (parkinson(n), squares / (4 * math.log(2))),
        "garman_klass": (garman_klass(n), klass),
        "rogers_satchell": (rogers_satchell(n), satchell),
        "yang_zhang": (yang_zhang(n), zhang),
    }
    found = compile({name: expr for name, (expr, _) in expected.items()}).batch(walk)
    for name, (_, variance) in expected.items():
        assert found[name][499] == pytest.approx(math.sqrt(variance), rel=1e-10), name


def test_a_faster_decay_remembers_less(walk: Bars) -> None:
    assert ewma_vol(0.9).stable < ewma_vol().stable < ewma_vol(0.99).stable
