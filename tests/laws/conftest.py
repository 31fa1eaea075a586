"""The series on which the laws are tried, and the collections of expressions they are tried on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe

DATA = Path(__file__).parents[3] / "shared" / "data" / "ohlcv"
# 2021-01-25 is a Monday: the coarser grids begin with the series.
MONDAY = 1_611_532_800_000
HOUR = Timeframe.of("1h")


def wander(n: int = 1_600, seed: int = 11) -> Bars:
    """Make a random walk with overnight jumps, known volume and no gap."""
    rng = np.random.default_rng(seed)
    jump, body = 0.001 * rng.standard_normal(n), 0.006 * rng.standard_normal(n)
    close = np.exp(np.cumsum(jump + body) + 4.0)
    open_ = close * np.exp(-body)
    high = np.maximum(open_, close) * np.exp(0.003 * rng.random(n))
    low = np.minimum(open_, close) * np.exp(-0.003 * rng.random(n))
    times = MONDAY + HOUR.ms * np.arange(n, dtype=np.int64)
    return Bars("WALK", HOUR, times, open_, high, low, close, rng.lognormal(3.0, 0.5, n))


def thin(n: int = 1_600) -> Bars:
    """Make a market of coarse ticks: flat stretches, bars without volume, missing bars."""
    rng = np.random.default_rng(12)
    close = 20.0 + 0.25 * np.cumsum(rng.integers(-1, 2, n) * (rng.random(n) < 0.4))
    close[300:420] = close[300]
    open_ = np.concatenate(([close[0]], close[:-1]))
    high = np.maximum(open_, close) + 0.25 * (rng.random(n) < 0.3)
    low = np.minimum(open_, close) - 0.25 * (rng.random(n) < 0.3)
    flat = slice(330, 390)
    high[flat], low[flat] = close[flat], close[flat]
    volume = np.where(rng.random(n) < 0.02, 0.0, rng.integers(1, 50, n).astype(np.float64))
    keep = np.ones(n, dtype=bool)
    keep[500:503], keep[900:930], keep[1_000] = False, False, False
    times = MONDAY + HOUR.ms * np.arange(n, dtype=np.int64)
    columns = (times, open_, high, low, close, volume)
    return Bars("THIN", HOUR, *(column[keep] for column in columns))


def still(n: int = 1_200) -> Bars:
    """Make a market that never moves and of which nothing is traded for half of the time."""
    price = np.full(n, 100.0)
    times = MONDAY + HOUR.ms * np.arange(n, dtype=np.int64)
    volume = np.where(np.arange(n) < n // 2, 5.0, 0.0)
    return Bars("STILL", HOUR, times, price, price, price, price, volume)


def one_tick(n: int = 1_200) -> Bars:
    """Make a market that jumps by one tick now and then and is flat in between."""
    rng = np.random.default_rng(13)
    close = 50.0 + 0.01 * (rng.random(n) < 0.05).cumsum() % 0.02
    open_ = np.concatenate((close[:1], close[:-1]))
    times = MONDAY + HOUR.ms * np.arange(n, dtype=np.int64)
    prices = (open_, np.maximum(open_, close), np.minimum(open_, close), close)
    return Bars("TICK", HOUR, times, *prices, np.zeros(n))


def real(name: str, start: int, stop: int) -> Bars:
    """Read a slice of real bars, or skip."""
    path = DATA / f"{name}.parquet"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    import pyarrow.parquet as pq

    table = pq.read_table(path).slice(start, stop - start)
    times = table["timestamp"].cast("int64").to_numpy()
    names = ("open", "high", "low", "close", "volume")
    timeframe = Timeframe.of(name.rsplit("_", 1)[-1])
    return Bars(name, timeframe, times, *(table[column].to_numpy() for column in names))


def nifty(start: int, stop: int) -> Bars:
    """Read a slice of the index's daily bars, of which no volume is known, or skip."""
    path = DATA.parent / "oracles" / "tradingview_lorentzian_NIFTY_1d.parquet"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    import pyarrow.parquet as pq

    table = pq.read_table(path).slice(start, stop - start)
    times = table["timestamp"].cast("int64").to_numpy()
    prices = [table[column].to_numpy() for column in ("open", "high", "low", "close")]
    # The exchange rounds the four prices of a bar apart.
    prices[1], prices[2] = np.maximum.reduce(prices), np.minimum.reduce(prices)
    unknown = np.full(len(times), np.nan)
    return Bars("NIFTY", Timeframe.of("1d"), times, *prices, unknown)


def booked(bars: Bars) -> Bars:
    """Add the columns of an order book, as if messages had been recorded: a tape drawn by lot."""
    rng = np.random.default_rng(14)
    n = len(bars)
    volume = np.where(bars.volume > 0.0, bars.volume, 1.0)
    extra = {
        "spread": 2e-4 * rng.lognormal(0.0, 0.3, n),
        "depth_imbalance": rng.uniform(-1.0, 1.0, n),
        "microprice": 5e-5 * rng.uniform(-1.0, 1.0, n),
        "order_flow": volume * rng.standard_normal(n),
        "signed_volume": volume * rng.uniform(-1.0, 1.0, n),
        "trades": np.ceil(volume * rng.uniform(1.0, 3.0, n)),
        "vwap_distance": 1e-3 * rng.standard_normal(n),
    }
    return replace(bars, extra=extra)


SERIES = {
    "walk": wander,
    "thin": thin,
    "BTC-USDT": lambda: real("BTC-USDT_1h", 10_000, 11_600),
    "EUR-USD": lambda: real("EUR-USD_1h", 2_000, 3_600),
    "ES": lambda: real("ES_5m", 3_000, 4_200),
    "NIFTY": lambda: nifty(4_000, 5_200),
    "still": still,
    "tick": one_tick,
}


@pytest.fixture(scope="session", params=SERIES)
def series(request: pytest.FixtureRequest) -> Bars:
    return booked(SERIES[request.param]())


@pytest.fixture(scope="session")
def wandering() -> Bars:
    return booked(wander())


@pytest.fixture(scope="session")
def long_walk() -> Bars:
    return booked(wander(2_400))


@pytest.fixture(scope="session")
def endless_walk() -> Bars:
    """A walk longer than anything that is ever forgotten remembers."""
    return booked(wander(6_000))
