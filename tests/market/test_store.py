"""The bar store loses, doubles and damages nothing."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.errors import BadBars, DataError, UnknownSymbol, UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.market import BarStore, history, open_source, world

BARS = world("random_walk", 1000).bars


def renamed(symbol: str, bars: Bars = BARS) -> Bars:
    return Bars(symbol, bars.timeframe, bars.open_time, *(bars.column(n) for n in COLUMNS))


def test_what_was_appended_is_read_whole_and_in_spans(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    assert store.append(BARS.rows(500, 1000)).new == 500
    assert store.append(BARS.rows(0, 500)).new == 500
    assert store.read(BARS.symbol, "1h").hash() == BARS.hash()
    part = store.read(BARS.symbol, "1h", int(BARS.open_time[490]), int(BARS.open_time[510]))
    assert part.hash() == BARS.rows(490, 510).hash()
    [series] = store.series()
    assert (series.symbol, series.timeframe.label, series.rows) == (BARS.symbol, "1h", 1000)
    assert (series.first, series.last) == (BARS.open_time[0], BARS.open_time[-1])


def test_bars_that_are_there_already_are_counted_and_change_nothing(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.append(BARS.until(600))
    appended = store.append(BARS.rows(400, 700))
    assert (appended.new, appended.duplicates) == (100, 200)
    assert store.read(BARS.symbol, "1h").hash() == BARS.until(700).hash()


def test_a_bar_that_contradicts_the_store_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.append(BARS.until(600))
    volume = BARS.volume.copy()
    volume[450] += 1.0
    prices = (BARS.open, BARS.high, BARS.low, BARS.close)
    changed = Bars(BARS.symbol, BARS.timeframe, BARS.open_time, *prices, volume)
    with pytest.raises(BadBars, match="row 450: 2020-01-19T18:00:00Z: volume is") as refused:
        store.append(changed)
    assert [row for row, _ in refused.value.rows] == [450]
    assert len(store.read(BARS.symbol, "1h")) == 600


def test_many_small_appends_are_joined(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    for row in range(150):
        store.append(BARS.rows(row, row + 1))
    assert store.read(BARS.symbol, "1h").hash() == BARS.until(150).hash()
    assert len(list(tmp_path.rglob("*.parquet"))) < 70


def test_extra_columns_are_kept_and_unknown_where_they_were_not(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    late = BARS.rows(2, 4)
    prices = (late.column(name) for name in COLUMNS)
    columns = (late.symbol, late.timeframe, late.open_time, *prices)
    store.append(BARS.until(2))
    store.append(Bars(*columns, {"trades": np.array([7.0, 8.0])}))
    trades = store.read(BARS.symbol, "1h").extra["trades"]
    np.testing.assert_array_equal(trades, [np.nan, np.nan, 7.0, 8.0])


@pytest.mark.parametrize(
    "symbol", ["../../etc", "..", ".", "a/b:c", "BTC/USDT:USDT", "Ümläut %2F", "~"]
)
def test_no_symbol_escapes_the_root_and_each_comes_back(tmp_path: Path, symbol: str) -> None:
    root = tmp_path / "store"
    store = BarStore(root)
    store.append(renamed(symbol, BARS.until(3)))
    assert [one.symbol for one in store.series()] == [symbol]
    assert store.read(symbol, "1h").hash() == renamed(symbol, BARS.until(3)).hash()
    files = [path.resolve() for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(root) for path in files)


def test_a_symbol_without_a_name_or_too_long_is_refused(tmp_path: Path) -> None:
    for symbol in ("", "x" * 300):
        with pytest.raises(UsageError, match="cannot be stored"):
            BarStore(tmp_path).append(renamed(symbol, BARS.until(1)))


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.append(BARS.until(10))
    [segment] = tmp_path.rglob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-20])
    with pytest.raises(DataError, match="a segment is damaged"):
        store.read(BARS.symbol, "1h")


def test_what_is_not_stored_is_empty_in_the_store_and_unknown_to_the_source(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    assert len(store.read("A/B", "1h")) == 0
    assert store.series() == []
    store.append(BARS)
    spec = f"store:{tmp_path}"
    assert history(spec).hash() == BARS.hash()
    with pytest.raises(UnknownSymbol):
        history(spec, "NONE/SUCH")
    with pytest.raises(UsageError, match="is not stored as 5m"):
        history(spec, timeframe="5m")
    assert (
        open_source(spec).history(BARS.symbol, Timeframe.of("1h"), None, None).hash() == BARS.hash()
    )


def test_two_writers_at_once_leave_every_bar_once(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    pieces = [BARS.rows(start, start + 40) for start in range(0, 961, 20)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(store.append, pieces))
    assert sum(one.new for one in done) == 1000
    assert store.read(BARS.symbol, "1h").hash() == BARS.hash()


WRITER = """
import sys
from folkmoot.market import BarStore, world
bars = world("random_walk", 1000).bars
store = BarStore(sys.argv[1])
done = len(store.read(bars.symbol, "1h"))
print("ready", flush=True)
for row in range(done, 1000, 5):
    store.append(bars.rows(row, min(row + 5, 1000)))
    print(min(row + 5, 1000), flush=True)
"""


def test_killing_the_writer_at_any_moment_loses_no_bar_that_it_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    for _ in range(10):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(float(rng.uniform(0.0, 0.15)))
        writer.kill()
        reported = [json.loads(line) for line in writer.stdout if line.endswith("\n")]
        writer.stdout.close()
        writer.wait()
        kept = BarStore(tmp_path).read(BARS.symbol, "1h")
        assert len(kept) >= max(reported, default=0)
        assert kept.hash() == BARS.until(len(kept)).hash()
    BarStore(tmp_path).append(BARS)
    assert BarStore(tmp_path).read(BARS.symbol, "1h").hash() == BARS.hash()
    assert not list(tmp_path.rglob("*.partial"))
