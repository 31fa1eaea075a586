"""Bars from an exchange: closed ones only, page by page, and every failure has its name."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bar
from folkmoot.core.clock import BarClock
from folkmoot.core.errors import (
    AmbiguousSymbol,
    SourceError,
    UnknownSymbol,
    Unreachable,
    UsageError,
)
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.market import history, open_source
from folkmoot.market.reach import start_before
from folkmoot.market.sources.ccxt import Ccxt
from folkmoot.proof.keys import lineage

START = 1_577_836_800_000
HOUR = 3_600_000
H1 = Timeframe.of("1h")


def settings(url: str) -> dict[str, Any]:
    return {
        "urls": {"api": {"public": f"{url}/api/v3", "v1": f"{url}/api/v1"}},
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False},
        "enableRateLimit": False,
    }


@pytest.fixture
def binance(exchange: Any) -> Iterator[Ccxt]:
    source = Ccxt("binance", config=settings(exchange.url), clock=BarClock(0))
    yield source
    source.close()


def test_history_is_every_closed_bar_page_after_page(binance: Ccxt, exchange: Any) -> None:
    bars = binance.history("BTC/USDT", H1, START)
    assert bars.symbol == "BTC/USDT"
    np.testing.assert_array_equal(bars.open_time, exchange.bars.open_time)
    np.testing.assert_array_equal(bars.close, exchange.bars.close)
    np.testing.assert_array_equal(bars.volume, exchange.bars.volume)
    assert sum(path.endswith("klines") for path in exchange.asked) >= 3


def test_the_bar_that_is_still_open_is_left_out(binance: Ccxt, exchange: Any) -> None:
    for late, closed in ((-1, 99), (0, 100), (HOUR - 1, 100), (HOUR, 101)):
        exchange.now = START + 100 * HOUR + late
        assert len(binance.history("BTC/USDT", H1, START)) == closed


def test_a_span_is_half_open(binance: Ccxt) -> None:
    bars = binance.history("btc", H1, START + 7 * HOUR, START + 20 * HOUR)
    assert bars.open_time.tolist() == [START + i * HOUR for i in range(7, 20)]
    assert len(binance.history("btc", H1, START + 7 * HOUR, START + 7 * HOUR)) == 0


def test_a_start_before_the_listing_finds_the_first_bar(binance: Ccxt) -> None:
    bars = binance.history("BTC/USDT", H1, START - 5000 * HOUR, START + 5 * HOUR)
    assert len(bars) == 5


def test_an_open_start_reaches_back_as_many_bars_as_it_says(exchange: Any) -> None:
    source = Ccxt("binance", config=settings(exchange.url), bars=250)
    assert 250 <= len(source.history("BTC/USDT", H1)) < 250 + 24
    source.close()


def test_an_open_start_stays_put_while_bars_are_appended(exchange: Any) -> None:
    source = Ccxt("binance", config=settings(exchange.url), bars=1000)
    exchange.now = START + 2500 * HOUR
    before = source.history("BTC/USDT", H1)
    exchange.now += HOUR
    after = source.history("BTC/USDT", H1)
    assert len(after) == len(before) + 1
    assert after.open_time[0] == before.open_time[0]
    assert lineage(after) == lineage(before)
    source.close()


def test_no_start_slides_with_the_bars_nor_reaches_much_further() -> None:
    for label in TIMEFRAMES:
        step = Timeframe.of(label).ms
        span = 36_000 * step
        for ending in range(0, 1000):
            now = START + ending * 977 * HOUR
            first = start_before(now, span)
            assert first == 0 or span <= now - first <= 1.3 * span
        starts = {start_before(START + bar * step, span) for bar in range(36_000 // 10)}
        assert len(starts) <= 3


def test_gaps_of_the_exchange_stay_gaps(binance: Ccxt, exchange: Any) -> None:
    keep = np.delete(np.arange(3000), np.arange(500, 2600))
    made = exchange.bars
    exchange.bars = type(made)(
        made.symbol,
        made.timeframe,
        made.open_time[keep],
        *(made.column(name)[keep] for name in ("open", "high", "low", "close", "volume")),
    )
    assert (
        binance.history("BTC/USDT", H1, START).open_time.tolist() == made.open_time[keep].tolist()
    )


def test_unknown_names_list_the_close_ones(binance: Ccxt) -> None:
    with pytest.raises(UnknownSymbol, match=r"no market is called 'BTC/UDST'.*BTC/USDT"):
        binance.history("BTC/UDST", H1)
    with pytest.raises(AmbiguousSymbol, match="ETH/USD"):
        binance.history("ETH", H1)
    with pytest.raises(UsageError, match=r"ccxt knows no exchange 'binanse'.*binance"):
        history("ccxt:binanse", "BTC/USDT", "1h")
    with pytest.raises(UsageError, match="needs a timeframe"):
        history("ccxt:binance", "BTC/USDT")


def refused(url: str) -> Ccxt:
    return Ccxt("binance", config=settings(url), timeout=1.0, patience=2.0)


def test_a_refused_connection_is_unreachable_within_seconds() -> None:
    source = refused("http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(Unreachable, match="binance did not answer"):
        source.history("BTC/USDT", H1, START)
    assert time.monotonic() - began < 5.0
    source.close()


Fault = Callable[[str], tuple[int, bytes] | None]


def stall(path: str) -> tuple[int, bytes]:
    time.sleep(1.5)
    return 200, b"{}"


FAULTS: dict[str, tuple[Fault, type[SourceError]]] = {
    "stall": (stall, Unreachable),
    "500": (lambda path: (500, b"oops"), Unreachable),
    "503": (lambda path: (503, b"{}"), Unreachable),
    "429": (lambda path: (429, b"{}"), Unreachable),
    "html": (lambda path: (200, b"<html>maintenance</html>"), SourceError),
    "array for object": (lambda path: (200, b"[1, 2]"), SourceError),
    "text": (lambda path: (200, b'"hello"'), SourceError),
    "empty": (lambda path: (200, b""), SourceError),
    "half": (lambda path: (200, b'{"symbols": [{"sym'), SourceError),
    "klines of objects": (
        lambda path: (200, b'[{"a": 1}]') if path.endswith("klines") else None,
        SourceError,
    ),
    "klines of text": (
        lambda path: (200, b'[["x", "y"]]') if path.endswith("klines") else None,
        SourceError,
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_answer_is_a_source_error_and_never_bars(exchange: Any, kind: str) -> None:
    exchange.fault, error = FAULTS[kind]
    source = Ccxt("binance", config=settings(exchange.url), timeout=1.0, patience=0.6)
    began = time.monotonic()
    with pytest.raises(error):
        source.history("BTC/USDT", H1, START, START + 50 * HOUR)
    assert time.monotonic() - began < 5.0
    source.close()


def test_one_failure_among_answers_is_survived(binance: Ccxt, exchange: Any) -> None:
    left = [2]

    def sometimes(path: str) -> tuple[int, bytes] | None:
        left[0] -= 1
        return (502, b"") if left[0] == 0 else None

    exchange.fault = sometimes
    assert len(binance.history("BTC/USDT", H1, START)) == 3000


def test_live_yields_each_bar_once_after_its_close_and_catches_up(exchange: Any) -> None:
    exchange.now = START + 100 * HOUR + 1000
    clock = BarClock(exchange.now)

    async def sleep(seconds: float) -> None:
        clock.set(clock.now() + int(1000 * seconds))
        exchange.now = clock.now()

    def away(path: str) -> tuple[int, bytes] | None:
        hours = (clock.now() - START) / HOUR
        return (500, b"") if 103.0 <= hours < 103.05 else None

    exchange.fault = away
    config = settings(exchange.url)
    source = Ccxt("binance", config=config, patience=0.1, clock=clock, sleep=sleep)

    async def take(n: int) -> list[tuple[Bar, int]]:
        seen = []
        stream = source.live("BTC/USDT", H1)
        async for bar in stream:
            seen.append((bar, clock.now()))
            if len(seen) == n:
                break
        return seen

    seen = asyncio.run(take(6))
    assert [bar.open_time for bar, _ in seen] == [START + i * HOUR for i in range(100, 106)]
    assert all(at >= bar.close_time for bar, at in seen)
    source.close()


def test_live_gives_up_when_the_venue_stays_away(exchange: Any) -> None:
    clock = BarClock(exchange.now)

    async def sleep(seconds: float) -> None:
        clock.set(clock.now() + int(1000 * seconds))

    exchange.fault = lambda path: (500, b"")
    source = Ccxt("binance", config=settings(exchange.url), patience=0.1, clock=clock, sleep=sleep)

    async def first() -> Bar:
        return await anext(source.live("BTC/USDT", H1))

    with pytest.raises(Unreachable):
        asyncio.run(first())
    assert clock.now() - exchange.now < 2 * HOUR
    source.close()


def test_a_source_is_opened_by_name_without_asking_anything() -> None:
    source = open_source("ccxt:binance")
    assert isinstance(source, Ccxt)
    source.close()
