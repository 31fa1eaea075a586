"""Fixtures that every test folder shares."""

from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of real market data and oracles beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared data folder beside the checkout")
    return SHARED


def random_walk(n: int = 2000, seed: int = 7, timeframe: str = "1h", volume: bool = True) -> Bars:
    """Make a Gaussian random walk of `n` bars with gapless opens."""
    rng = np.random.default_rng(seed)
    step = 0.006 * rng.standard_normal(n)
    close = 100.0 * np.exp(np.cumsum(step))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * np.exp(0.003 * rng.random(n))
    low = np.minimum(open_, close) * np.exp(-0.003 * rng.random(n))
    frame = Timeframe.of(timeframe)
    start = frame.floor(1_577_836_800_000 + frame.ms - 1)
    times = start + frame.ms * np.arange(n, dtype=np.int64)
    lots = rng.lognormal(3.0, 0.5, n) if volume else np.full(n, np.nan)
    return Bars("WALK/USD", frame, times, open_, high, low, close, lots)


@pytest.fixture
def walk() -> Bars:
    """A random walk of 2,000 hourly bars."""
    return random_walk()
