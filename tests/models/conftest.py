"""A small market whose next direction is the last one with a chosen probability."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET, Table, windows

RANKS = ("rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9")
SET = ("momentum", "noise", "event", *RANKS)


@dataclass(frozen=True)
class Market:
    """A table of the set and the unscaled columns, with labels one and five bars ahead."""

    table: Table
    y: Floats

    def x(self, lookback: int = 1) -> Features:
        return windows(self.table, lookback)

    def labels(self, lookback: int, horizons: int) -> Floats:
        return self.y[lookback - 1 :, :horizons]

    def weights(self, lookback: int) -> Floats:
        return np.ones(len(self.table) - lookback + 1)


def make(n: int = 3000, seed: int = 1, same: float = 0.8) -> Market:
    rng = np.random.default_rng(seed)
    repeat = rng.random(n) < same
    sign = np.cumprod(np.where(repeat, 1, -1)).astype(np.float64)
    move = sign * 0.006 * np.abs(rng.standard_normal(n))
    log_close = np.cumsum(move)
    volatility = 0.006 * np.exp(0.1 * rng.standard_normal(n))
    z = move / volatility
    ranks = [1.0 / (1.0 + np.exp(-2.0 * z - 0.3 * rng.standard_normal(n))) for _ in RANKS]
    event = (rng.random(n) < 0.03).astype(np.float64)
    bars = [log_close] * 4 + [rng.standard_normal(n), np.zeros(n), volatility]
    values = np.column_stack([z, rng.standard_normal(n), event, *ranks, *bars])
    y = np.full((n, 2), np.nan)
    for k, h in enumerate((1, 5)):
        y[:-h, k] = log_close[h:] - log_close[:-h]
    y[10, 0] = 0.0
    times = np.arange(n, dtype=np.int64) * 3_600_000
    return Market(Table(np.ascontiguousarray(values), (*SET, *BARS_SET), times), y)


@pytest.fixture
def market() -> Market:
    """Three thousand bars; the next sign is the last with probability 0.8."""
    return make()


@pytest.fixture
def make_market() -> Callable[..., Market]:
    """Make another such market."""
    return make
