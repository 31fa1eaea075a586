"""Files and short source texts are read right, or refused with a clear error."""

import asyncio
import gzip
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from folkmoot.core import plugins
from folkmoot.core.errors import BadBars, DataError, SourceError, UsageError
from folkmoot.core.protocols import Source
from folkmoot.core.timeframe import Timeframe
from folkmoot.market import aggregate, history, open_source, reading, world

BARS = world("random_walk", 500).bars
HEADER = "timestamp,open,high,low,close,volume"


def lines(separator: str = ",") -> list[str]:
    columns = (BARS.open_time, BARS.open, BARS.high, BARS.low, BARS.close, BARS.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [separator.join(map(repr, row)) for row in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "btc_1h.csv"


def same(path: Path | str) -> bool:
    return history(str(path), BARS.symbol).hash() == BARS.hash()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_delimiter_gives_the_same_bars(path: Path, separator: str) -> None:
    header = HEADER.replace(",", separator)
    path.write_text("\n".join([header, *lines(separator)]))
    assert same(path)
    assert same(f"csv:{path}")


def test_a_byte_order_mark_blank_lines_and_an_address_above_the_header_are_read(path: Path) -> None:
    path.write_text("\ufeffhttps://vendor.example\n\n" + "\n".join([HEADER, *lines()]))
    assert same(path)


def test_packed_files_are_read(path: Path) -> None:
    text = "\n".join([HEADER, *lines()])
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(text.encode()))
    assert same(packed)
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("any.csv", text)
    assert same(archive)


def test_klines_without_a_header_are_read(path: Path) -> None:
    rows = [f"{line},{i},1.5,7,0.5,0.7,0" for i, line in enumerate(lines())]
    path.write_text("\n".join(rows))
    bars = history(str(path), BARS.symbol)
    np.testing.assert_array_equal(bars.close, BARS.close)
    assert set(bars.extra) == {"quote_volume", "trades", "taker_base_volume", "taker_quote_volume"}
    path.write_text("\n".join(lines()))
    assert same(path)
    path.write_text("\n".join(line + ",1" for line in lines()))
    with pytest.raises(DataError, match="no header and 7 columns"):
        history(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (HEADER, "no rows"),
        ("hello\nworld", "no line has 5 columns; the first is 'hello'"),
        ("a,b,c,d,e\n1,2,3,4,5", "missing column timestamp, open, high, low; the table has a"),
        (HEADER + "\n1577836800000,1,1,1,1,1,9\n", "the table is broken"),
        (HEADER + "\n1577836800000,1,1,1,1,1\n1577840400000,1,1,1,1,1,9\n", "the table is broken"),
        (HEADER + "\n1577836800000,1,2\n", "row 0: high is 1.0|row 0: low is missing"),
    ],
)
def test_what_is_no_table_of_bars_says_why(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        history(str(path), timeframe="1h")


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "zip", "parquet", "feather"])
def test_bytes_of_another_kind_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    for head in (b"\x00\xff\xfe\x01", b"\x1f\x8b\x00\x00", b"PK\x03\x04\x00"):
        path.write_bytes(head * 50)
        with pytest.raises(DataError):
            history(str(path))


def test_a_missing_file_and_an_unknown_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        history(str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="nothing can be read from 'lse:x'"):
        history("lse:x")
    (tmp_path / "x.doc").touch()
    with pytest.raises(SourceError, match="no reader"):
        history(str(tmp_path / "x.doc"))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_binary_tables_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    getattr(BARS.to_frame(), f"to_{kind}")(path)
    assert same(path)
    assert same(f"{kind}:{path}")


def test_a_coarser_timeframe_is_aggregated_and_said_so(path: Path) -> None:
    path.write_text("\n".join([HEADER, *lines()]))
    found = reading(str(path), BARS.symbol, "4h")
    assert found.bars.hash() == aggregate(BARS, "4h").bars.hash()
    assert found.notes[-1] == "aggregated from 1h: 125 bars"
    with pytest.raises(DataError, match="60 minutes apart, not 15m"):
        history(str(path), timeframe="15m")


def test_a_coarse_bar_of_fewer_parts_is_said_to_be_what_days_off_leave(path: Path) -> None:
    rows = lines()
    path.write_text("\n".join([HEADER, *rows[:48], *rows[96:]]))
    said = reading(str(path), BARS.symbol, "1w").notes[-1]
    assert said.startswith("aggregated from 1h: ")
    assert said.endswith(" of fewer parts than round the clock, as days off and gaps leave them")


def test_a_span_is_half_open_and_takes_milliseconds_or_iso_times(path: Path) -> None:
    path.write_text("\n".join([HEADER, *lines()]))
    bars = history(str(path), start="2020-01-02", end=int(BARS.open_time[48]))
    np.testing.assert_array_equal(bars.open_time, BARS.open_time[24:48])
    with pytest.raises(UsageError, match="is no time"):
        history(str(path), start="yesterday")


def test_bad_rows_are_left_out_only_if_asked(path: Path) -> None:
    broken = lines()
    broken[9] = broken[9].replace(broken[9].split(",")[1], "oops")
    path.write_text("\n".join([HEADER, *broken]))
    with pytest.raises(BadBars, match="row 9: open is 'oops'"):
        history(str(path))
    assert len(history(str(path), lenient=True)) == 499


def test_worlds_are_sources() -> None:
    assert history("world:planted:3:100").hash() == world("planted", 100, 3).bars.hash()
    assert history("world:fast", "ME/X", "4h").timeframe.label == "4h"
    for spec, said in {
        "world": "world needs a name",
        "world:nowhere": "no world is called 'nowhere'",
        "world:fast:x": "seed is 'x'",
        "world:fast:1:2:3": "n is '2:3'",
        "yahoo:x": "yahoo takes no 'x'",
        "ccxt": "ccxt needs a exchange",
    }.items():
        with pytest.raises(UsageError, match=said):
            open_source(spec)


def test_live_replays_a_table(path: Path) -> None:
    path.write_text("\n".join([HEADER, *lines()]))

    async def closes(spec: str) -> list[float]:
        source = open_source(spec)
        return [bar.close async for bar in source.live(BARS.symbol, Timeframe.of("1h"))]

    assert asyncio.run(closes(str(path))) == BARS.close.tolist()
    assert asyncio.run(closes("world:random_walk:0:500")) == BARS.close.tolist()


def test_every_source_satisfies_the_protocol() -> None:
    names = plugins.names("folkmoot.market.sources")
    assert {"ccxt", "csv", "feather", "joined", "parquet", "store", "world", "yahoo"} <= set(names)
    for name in names:
        plugin = plugins.load("folkmoot.market.sources", name)
        assert isinstance(plugin, type)
        assert all(hasattr(plugin, method) for method in ("history", "live", "markets"))
    assert isinstance(open_source("world:fast"), Source)


def test_importing_the_package_loads_neither_pandas_nor_an_exchange() -> None:
    heavy = "{'pandas', 'ccxt', 'numba', 'pyarrow'}"
    code = f"import folkmoot.market, sys; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_real_files_survive_the_way_through_text(shared: Path, path: Path) -> None:
    source = shared / "data" / "ohlcv" / "BTC-USDT_1h.parquet"
    frame = pd.read_parquet(source)
    frame.to_csv(path, index=False)
    assert history(str(path), "B").hash() == history(str(source), "B").hash()
