"""The 61 candlesticks: TA-Lib's values on every bar, whatever the market and however it is read."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import talib

from folkmoot.causal import CANDLES, candle, column, compile, ta
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators.candles import candles

HOUR = Timeframe.of("1h")
PROGRAM = compile({name: candle(name) for name in CANDLES})
FILES = (
    "ohlcv/BTC-USDT_1h",
    "ohlcv/ES_5m",
    "oracles/tradingview_lorentzian_NIFTY_1d",
    "ohlcv/AAPL_1d",
    "ohlcv/EUR-USD_1h",
    "ohlcv/BTC-USDT_1m",
    "ohlcv/USD-JPY_1m_2013",
)


def hourly(open_: Floats, high: Floats, low: Floats, close: Floats) -> Bars:
    n = len(open_)
    top, bottom = (
        np.maximum(np.maximum(open_, close), high),
        np.minimum(np.minimum(open_, close), low),
    )
    return Bars("C", HOUR, HOUR.ms * np.arange(n), open_, top, bottom, close, np.ones(n))


def from_file(path: Path) -> Bars:
    table = parquet.read_table(path)
    return hourly(
        *(table[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close"))
    )


def noise(seed: int, step: float | None, n: int = 20_000) -> Bars:
    """A random walk with gaps and shadows, its prices rounded to a step."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(0.003 * rng.standard_normal(n)))
    open_ = np.concatenate((close[:1], close[:-1])) + rng.normal(0.0, 0.2, n) * rng.integers(
        0, 2, n
    )
    high = np.maximum(open_, close) + np.abs(rng.normal(0.0, 0.3, n)) * rng.integers(0, 2, n)
    low = np.minimum(open_, close) - np.abs(rng.normal(0.0, 0.3, n)) * rng.integers(0, 2, n)
    columns = (open_, high, low, close)
    if step is None:
        return hourly(*columns)
    return hourly(*(np.round(values / step) * step for values in columns))


def dice(seed: int, sides: int, n: int = 60_000) -> Bars:
    """Bars of a few prices in any order, where sizes equal what was usual all the time."""
    prices = 10.0 + 0.1 * np.random.default_rng(seed).integers(0, sides, (4, n))
    return hourly(prices[0], prices.max(axis=0), prices.min(axis=0), prices[3])


class Sketch:
    """Bars drawn one by one: quiet ones of middling size, then the beginnings of a rare pattern."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: list[tuple[float, ...]] = []

    def bar(self, start: float, end: float, upper: float = 0.05, lower: float = 0.05) -> float:
        self.rows.append((start, max(start, end) + upper, min(start, end) - lower, end))
        return end

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def quiet(self, price: float) -> float:
        for _ in range(int(self.rng.integers(8, 14))):
            move = float(self.rng.choice([-1, 1])) * self.between(0.5, 1.5)
            price = self.bar(price, price + move, self.between(0.2, 1.0), self.between(0.2, 1.0))
        return price


def rests(draw: Sketch, price: float) -> None:
    top = draw.bar(price, price + 4.0)
    at = top + draw.between(-0.6, 0.8)
    for _ in range(3):
        at = draw.bar(at, at - draw.between(0.1, 0.6)) + draw.between(-0.1, 0.3)
    draw.bar(at + draw.between(-0.1, 0.3), top + draw.between(-0.2, 2.0))


def swallows(draw: Sketch, price: float) -> None:
    at = draw.bar(price, price - 3.0)
    at = draw.bar(at + draw.between(-0.5, 0.5), at - 2.5) - draw.between(-0.1, 0.6)
    at = draw.bar(at, at - 1.0, draw.between(0.2, 2.0), 0.1)
    draw.bar(at + draw.between(1.0, 3.5), at - draw.between(0.0, 1.5))


def breaks_away(draw: Sketch, price: float) -> None:
    first = draw.bar(price, price - 4.0)
    at = draw.bar(first - draw.between(-0.1, 0.8), first - 1.5)
    at = draw.bar(at + draw.between(-0.5, 0.5), at - 0.5)
    at = draw.bar(at, at - 1.0)
    draw.bar(at, first - draw.between(-0.5, 0.9))


def kicks(draw: Sketch, price: float) -> None:
    draw.bar(price, price - 3.0)
    at = price + draw.between(-0.1, 0.6)
    draw.bar(at, at + draw.between(1.0, 4.0))


def sinks(draw: Sketch, price: float) -> None:
    draw.bar(price, price - 2.0, 0.1, draw.between(1.5, 4.0))
    at = price - 2.5 + draw.between(-0.3, 0.3)
    draw.bar(price - draw.between(0.0, 1.9), at, 0.1, draw.between(0.3, 1.0))
    draw.bar(
        at + 0.3, at + 0.3 - draw.between(0.1, 0.5), draw.between(0.0, 0.2), draw.between(0.0, 0.2)
    )


def turns(draw: Sketch, price: float) -> None:
    draw.bar(price, price - 2.0)
    draw.bar(price - 0.5, price - 2.7)
    at = draw.bar(price - 1.2, price - 3.5)
    if draw.between(0.0, 1.0) < 0.5:
        at = draw.bar(at + 0.5, at - 0.5, draw.between(0.2, 2.0))
        draw.bar(at + draw.between(0.1, 2.0), price - 0.5)
    else:
        at = draw.bar(at - 0.7, at - 0.7 + draw.between(-0.05, 0.05))
        draw.bar(at + draw.between(0.1, 0.6), at + 4.0)


def mirrored(row: tuple[float, ...], level: float) -> tuple[float, ...]:
    start, high, low, end = (2.0 * level - price for price in row)
    return start, low, high, end


def planted(seed: int, step: float | None = None, n: int = 1_500) -> Bars:
    """Quiet bars between beginnings of rare patterns, half of them upside down."""
    draw, price = Sketch(seed), 100.0
    for k in range(n):
        price = draw.quiet(price if 60.0 < price < 140.0 else 100.0)
        first = len(draw.rows)
        (rests, swallows, breaks_away, kicks, sinks, turns)[k % 6](draw, price)
        if draw.between(0.0, 1.0) < 0.5:
            draw.rows[first:] = [mirrored(row, price) for row in draw.rows[first:]]
        price = draw.rows[-1][3]
    columns = np.array(draw.rows).T
    return hourly(*(columns if step is None else np.round(columns / step) * step))


MADE: dict[str, Callable[[], Bars]] = {
    **{f"walk by {step}": partial(noise, 1, step) for step in (None, 0.01, 0.5)},
    **{f"dice of {sides}": partial(dice, sides, sides) for sides in (3, 6, 11)},
    **{f"planted {seed}": partial(planted, seed) for seed in range(3)},
    **{f"planted by {step}": partial(planted, 9, step) for step in (0.1, 0.05)},
    "flat": lambda: hourly(*[np.full(500, 0.1 + 0.2)] * 4),
}


@cache
def market(series: str) -> Bars:
    return MADE[series]()


def talibs(bars: Bars) -> Floats:
    """Return what TA-Lib's 61 functions yield, `float64[n, 61]`."""
    values = np.empty((len(bars), len(CANDLES)))
    for j, (name, pattern) in enumerate(CANDLES.items()):
        found = getattr(talib, pattern.talib)(bars.open, bars.high, bars.low, bars.close)
        values[:, j] = found
        values[: candle(name).warmup, j] = np.nan
    return values


def differing(seen: Floats, expected: Floats) -> dict[str, int]:
    same = (seen == expected) | (np.isnan(seen) & np.isnan(expected))
    return {n: int(bad) for n, bad in zip(CANDLES, (~same).sum(axis=0), strict=True) if bad}


def test_they_are_all_of_talibs() -> None:
    theirs = {name for name in talib.get_functions() if name.startswith("CDL")}
    assert {pattern.talib for pattern in CANDLES.values()} == theirs
    assert {n: candle(n).warmup for n in CANDLES} == {
        n: ta(pattern.talib).warmup for n, pattern in CANDLES.items()
    }


@pytest.mark.parametrize("file", FILES)
def test_every_bar_of_a_real_market_is_talibs(file: str, shared: Path) -> None:
    bars = from_file(shared / "data" / f"{file}.parquet")
    assert differing(PROGRAM.matrix(bars), talibs(bars)) == {}


@pytest.mark.parametrize("series", MADE)
def test_every_bar_of_a_made_market_is_talibs(series: str) -> None:
    assert differing(PROGRAM.matrix(market(series)), talibs(market(series))) == {}


def test_every_pattern_occurs_in_the_made_markets_with_the_sign_that_it_promises() -> None:
    found = np.vstack([PROGRAM.matrix(bars) for bars in map(market, MADE)])
    ups, downs = (found > 0.0).sum(axis=0), (found < 0.0).sum(axis=0)
    for j, (name, pattern) in enumerate(CANDLES.items()):
        assert ups[j] + downs[j] >= 10, name
        assert pattern.direction != "up" or not downs[j], name
        assert pattern.direction != "down" or not ups[j], name
        assert pattern.direction != "either" or (ups[j] and downs[j]), name


@pytest.mark.parametrize("chunk", [1, 3, 50, 261])
def test_streams_and_chunks_give_the_batch_result(chunk: int) -> None:
    bars = market("planted by 0.1").rows(0, 1_200)
    stream = PROGRAM.stream()
    parts = [stream.advance(bars.rows(k, k + chunk)) for k in range(0, len(bars), chunk)]
    assert differing(np.vstack(parts), PROGRAM.matrix(bars)) == {}
    rows = PROGRAM.stream()
    assert differing(np.array([rows.push_row(bar).copy() for bar in bars]), np.vstack(parts)) == {}


def test_unknown_prices_are_skipped_as_ta_skips_them() -> None:
    bars, rng = market("dice of 6").rows(0, 4_000), np.random.default_rng(1)
    prices = {name: bars.column(name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[rng.random(len(bars)) < 0.02] = np.nan
    extra = {f"my_{name}": values for name, values in prices.items()}
    holed = Bars("H", HOUR, bars.open_time, *(bars.column(n) for n in prices), bars.volume, extra)
    read = [column(name) for name in extra]
    ours = compile({name: candle(name, *read) for name in CANDLES}).matrix(holed)
    theirs = compile({n: ta(pattern.talib, *read) for n, pattern in CANDLES.items()})
    assert differing(ours, theirs.matrix(holed)) == {}


def test_a_pattern_knows_its_length() -> None:
    lengths = {name: CANDLES[name].bars for name in ("doji", "piercing", "hikkake", "mathold")}
    assert lengths == {"doji": 1, "piercing": 2, "hikkake": 3, "mathold": 5}
    assert CANDLES["3blackcrows"].bars == 4


def test_a_wrong_call_says_what_is_allowed() -> None:
    assert candle("CDLDoji") is candle("doji")
    with pytest.raises(UsageError) as caught:
        candle("dojo")
    assert "doji" in (caught.value.allowed or [])
    with pytest.raises(UsageError, match="2 prices"):
        candle("doji", 1.0, 2.0)


def test_the_strengths_are_sums_of_talibs_patterns() -> None:
    bars = market("planted by 0.1")
    values, seen = talibs(bars)[14:] / 100.0, compile(candles()).batch(bars)
    ways = np.array([pattern.direction != "none" for pattern in CANDLES.values()])
    rises, falls = np.maximum(values[:, ways], 0.0), np.maximum(-values[:, ways], 0.0)
    np.testing.assert_allclose(seen["bullish"][14:], rises.sum(axis=1), 1e-12)
    np.testing.assert_allclose(seen["bearish"][14:], falls.sum(axis=1), 1e-12)
    np.testing.assert_allclose(seen["indecision"][14:], np.abs(values[:, ~ways]).sum(axis=1), 1e-12)
    lengths = seen["one"] + seen["two"] + seen["more"]
    np.testing.assert_allclose(lengths, seen["bullish"] - seen["bearish"], atol=1e-12)


@pytest.mark.parametrize("least", [1, 2, 3, 5])
def test_an_age_counts_the_bars_since_a_pattern_that_is_long_enough(least: int) -> None:
    bars = market("planted by 0.1")
    long = [p.direction != "none" and p.bars >= least for p in CANDLES.values()]
    rises = np.nan_to_num(talibs(bars)[:, long]).max(axis=1) > 0.0
    age = compile(candles(least)).batch(bars)["since_bullish"]
    events = np.flatnonzero(rises)
    at = np.searchsorted(events, np.arange(len(bars)), side="right") - 1
    expected = np.where(at < 0, np.nan, np.minimum(np.arange(len(bars)) - events[at], 200.0))
    known = ~np.isnan(age)
    np.testing.assert_array_equal(age[known], expected[known])
    assert known[events[events >= 14][0] :].all()
    with pytest.raises(UsageError):
        candles(6)
