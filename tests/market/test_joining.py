"""Another market beside ours: what is joined, what is unknown, live as in history."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot import join
from folkmoot.causal import at, close, compile, ema, gap, lag, log, of, ta, true_range, volume
from folkmoot.core.bars import Bar, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.market import history, open_source
from folkmoot.market.joining import join_live
from folkmoot.market.tables import replay

CHANGE = log(close / lag(close))
CROSS = {
    "lead": of("ETH", CHANGE) - CHANGE,
    "theirs": of("ETH", ema(close, 5)),
    "range": of("ETH", true_range()),
    "strength": of("ETH", ta("RSI", close, timeperiod=5)),
    "share": of("ETH", volume) / volume,
}


def two(n: int = 400) -> tuple[Bars, Bars]:
    ours, theirs = random_walk(n), random_walk(n, seed=8)
    keep = np.ones(n, dtype=bool)
    keep[[50, 51, 200]] = False
    columns = (theirs.column(name)[keep] for name in ("open", "high", "low", "close", "volume"))
    return ours, Bars("ETH", ours.timeframe, theirs.open_time[keep], *columns)


def test_rows_meet_where_bars_close_together() -> None:
    ours, theirs = two()
    joined = join(ours, theirs)
    found = joined.column("ETH.close")
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), [50, 51, 200])
    np.testing.assert_array_equal(found[~np.isnan(found)], theirs.close)
    np.testing.assert_array_equal(joined.close, ours.close)


def test_an_expression_of_another_market_is_that_of_its_bars() -> None:
    ours, theirs = random_walk(300), replace(random_walk(300, seed=8), symbol="ETH")
    seen = compile(CROSS).batch(join(ours, theirs))
    alone = compile({"theirs": ema(close, 5), "range": true_range(), "own": CHANGE}).batch(theirs)
    own = compile({"own": CHANGE}).batch(ours)["own"]
    np.testing.assert_array_equal(seen["theirs"], alone["theirs"])
    np.testing.assert_array_equal(seen["range"], alone["range"])
    np.testing.assert_array_equal(seen["lead"], alone["own"] - own)


def test_streaming_and_any_future_leave_the_bits_alone() -> None:
    joined = join(*two())
    program = compile(CROSS)
    whole = program.matrix(joined)
    stream = program.stream()
    np.testing.assert_array_equal([stream.push_row(bar).copy() for bar in joined], whole)
    for cut in (51, 199, 201, 333):
        np.testing.assert_array_equal(program.matrix(joined.until(cut)), whole[:cut])


def test_what_counts_our_own_bars_is_refused_on_another_market() -> None:
    for inner in (gap, at("4h", close)):
        with pytest.raises(UsageError, match="inside of"):
            of("ETH", inner)
    with pytest.raises(UsageError, match="inside at"):
        at("4h", of("ETH", close))
    with pytest.raises(UsageError, match="symbol is"):
        of("", close)


def test_a_second_series_of_one_name_or_another_timeframe_is_refused() -> None:
    ours, theirs = two()
    for other in (ours, replace(random_walk(50, timeframe="4h"), symbol="ETH")):
        with pytest.raises(UsageError):
            join(ours, other)
    with pytest.raises(UsageError, match="twice"):
        join(ours, theirs, theirs)


async def slowly(bars: Bars, late: int) -> AsyncIterator[Bar]:
    for row, bar in enumerate(bars):
        if row == late:
            await asyncio.sleep(0.6)
        yield bar


async def collected(bars: AsyncIterator[Bar]) -> list[Bar]:
    return [bar async for bar in bars]


def test_live_bars_are_joined_as_history_is() -> None:
    ours, theirs = two(240)
    names = {"ETH": ("open", "high", "low", "close", "volume")}
    live = join_live(replay(ours), {"ETH": replay(theirs)}, names)
    for seen, wanted in zip(asyncio.run(collected(live)), join(ours, theirs), strict=True):
        assert seen.open_time == wanted.open_time
        np.testing.assert_array_equal([*seen.extra.values()], [*wanted.extra.values()])


def test_a_market_that_is_late_is_unknown_for_that_bar_alone() -> None:
    ours, theirs = random_walk(20), replace(random_walk(20, seed=8), symbol="ETH")
    live = join_live(replay(ours), {"ETH": slowly(theirs, 10)}, {"ETH": ("close",)}, patience=0.2)
    seen = [bar.extra["ETH.close"] for bar in asyncio.run(collected(live))]
    assert np.isnan(seen[10])
    assert np.isnan(seen).sum() <= 3
    np.testing.assert_array_equal(seen[:10], theirs.close[:10])


def test_a_market_that_fails_says_so() -> None:
    async def broken() -> AsyncIterator[Bar]:
        raise ConnectionError("gone")
        yield random_walk(1).bar(0)

    live = join_live(replay(random_walk(5)), {"ETH": broken()}, {"ETH": ("close",)})
    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(collected(live))


def test_a_source_joins_files(shared: Path) -> None:
    folder = shared / "data" / "ohlcv"
    spec = f"joined:{folder / 'BTC-USDT_1h.parquet'}|{folder / 'ETH-USDT_1h.parquet'}"
    bars = history(spec, end="2018-02-01")
    assert bars.symbol == "BTC-USDT_1h"
    assert np.isfinite(bars.column("ETH-USDT_1h.close")).all()
    live = open_source(spec).live(bars.symbol, bars.timeframe)
    first = asyncio.run(anext(live))  # type: ignore[arg-type]  # a generator is a coroutine's like
    assert first.extra["ETH-USDT_1h.close"] == bars.bar(0).extra["ETH-USDT_1h.close"]


def recorded(folder: Path, *names: str) -> list[Path]:
    """Write walks with a column of their own; they begin an hour after one another."""
    paths = [folder / f"{name}_1h.parquet" for name in names]
    for seed, path in enumerate(paths):
        bars = random_walk(60, seed=seed).rows(seed, 60)
        replace(bars, extra={"spread": 0.01 * bars.close}).to_frame().to_parquet(path)
    return paths


def test_a_source_joins_the_same_columns_live_as_in_history(tmp_path: Path) -> None:
    ours, theirs = recorded(tmp_path, "A", "B")
    source = open_source(f"joined:{ours}|{theirs}")
    bars = history(f"joined:{ours}|{theirs}")
    live = asyncio.run(collected(source.live(bars.symbol, bars.timeframe)))
    assert "B_1h.spread" in bars.extra
    for row, bar in enumerate(live):
        assert list(bar.extra) == list(bars.extra)
        np.testing.assert_array_equal([*bar.extra.values()], [*bars.bar(row).extra.values()])


def test_a_column_that_comes_late_is_joined_from_then_on() -> None:
    ours, theirs = random_walk(4), random_walk(4, seed=8)
    later = replace(theirs.rows(2, 4), extra={"spread": np.array([1.0, 2.0])})
    live = join_live(replay(ours), {"ETH": replay(later)}, {"ETH": ("close",)})
    seen = [bar.extra for bar in asyncio.run(collected(live))]
    assert [one.get("ETH.spread") for one in seen] == [None, None, 1.0, 2.0]


def test_two_markets_of_one_name_are_refused_live_as_in_history(tmp_path: Path) -> None:
    ours, theirs = recorded(tmp_path, "A", "B")
    (tmp_path / "deep").mkdir()
    other = recorded(tmp_path / "deep", "B")[0]
    for parts in (f"{ours}|{theirs}|{other}", f"{ours}|{ours}"):
        source = open_source(f"joined:{parts}")
        with pytest.raises(UsageError, match="twice"):
            history(f"joined:{parts}")
        with pytest.raises(UsageError, match="twice"):
            source.live("A_1h", Timeframe.of("1h"))


@pytest.mark.parametrize("parts", ["", "a.csv", "a.csv|", "|"])
def test_a_source_that_joins_nothing_is_refused(parts: str) -> None:
    with pytest.raises(UsageError):
        open_source(f"joined:{parts}")
