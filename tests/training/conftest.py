"""Small markets, a small feature set and a cheap committee to walk with."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import FeatureSet, feature_set

COLUMNS = (
    *("return_1", "return_5", "body", "rsi_14", "volume_score"),
    *("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9"),
)


def make_bars(n: int = 2000, seed: int = 7, gaps: bool = False, volume: bool = True) -> Bars:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(0.006 * rng.standard_normal(n)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * np.exp(0.003 * rng.random(n))
    low = np.minimum(open_, close) * np.exp(-0.003 * rng.random(n))
    steps = np.ones(n, dtype=np.int64)
    if gaps:
        steps[rng.random(n) < 0.01] = 2
        steps[rng.random(n) < 0.01] = 9
    hour = Timeframe.of("1h")
    times = 1_577_836_800_000 + hour.ms * np.cumsum(steps)
    lots = rng.lognormal(3.0, 0.5, n) if volume else np.full(n, np.nan)
    return Bars("WALK/USD", hour, times, open_, high, low, close, lots)


def changed(bars: Bars, row: int) -> Bars:
    """Return other prices from `row` on, the same before it."""
    other = make_bars(len(bars), seed=99)
    parts: dict[str, Any] = {}
    for name in ("open", "high", "low", "close"):
        parts[name] = np.concatenate((bars.column(name)[:row], other.column(name)[row:]))
    return replace(bars, **parts)


@pytest.fixture
def bars() -> Bars:
    """Two thousand hours of a random walk."""
    return make_bars()


@pytest.fixture
def bars_of() -> Callable[..., Bars]:
    """Make such bars: `n`, `seed`, `gaps`, `volume`."""
    return make_bars


@pytest.fixture
def change() -> Callable[[Bars, int], Bars]:
    """Put another future behind a row."""
    return changed


@pytest.fixture(scope="session")
def columns() -> FeatureSet:
    """Ten columns of the set `core`."""
    return feature_set("core", "1h").only(COLUMNS)


@pytest.fixture
def members() -> dict[str, tuple[str, dict[str, Any]]]:
    """Five members that fit in milliseconds."""
    return {
        "base_rate": ("base_rate", {}),
        "persistence": ("persistence", {}),
        "logistic": ("logistic", {}),
        "neighbours": ("lorentzian", {"candidates": 100}),
        "trees": ("lightgbm", {"trees": 4}),
    }
