"""Bars of recorded messages hold what had been received by their close, and nothing guessed."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import COLUMNS as OHLCV
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, SourceError
from folkmoot.features import feature_set
from folkmoot.market import aggregate, check, history, open_source, reading
from folkmoot.market.book import Book
from folkmoot.market.microstructure import COLUMNS, LEVELS, microstructure_bars, order_flow
from folkmoot.market.recordings import (
    Diff,
    Message,
    Quote,
    Recording,
    Snapshot,
    Trade,
    read_recording,
    trades_of,
)

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "microstructure"
MINUTE = 60_000
SECOND = 10**9
START = 1_723_161_300_000
"""2024-08-08 23:55 UTC, where the first whole minute of the recordings begins."""
SYMBOLS = ("btcusdt", "ethusdt")


def path_of(symbol: str) -> Path:
    path = FOLDER / f"binance_spot_{symbol}_20240808.ws.gz"
    if not path.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    return path


@cache
def recorded(symbol: str) -> Recording:
    return read_recording(path_of(symbol))


@pytest.fixture(params=SYMBOLS)
def recording(request: pytest.FixtureRequest) -> Recording:
    return recorded(request.param)


def until(recording: Recording, stop: int) -> Recording:
    return replace(recording, messages=recording.messages[:stop])


def lines_of(symbol: str) -> list[bytes]:
    return gzip.decompress(path_of(symbol).read_bytes()).splitlines(keepends=True)


def test_the_book_has_the_best_quotes_that_the_venue_sent(recording: Recording) -> None:
    quotes = {m.update: m for m in recording.messages if isinstance(m, Quote)}
    updates = np.array(sorted(quotes))
    book, compared = Book(), 0
    for message in recording.messages:
        if isinstance(message, Snapshot):
            book.snapshot(message)
        elif isinstance(message, Diff):
            book.diff(message)
            place = int(np.searchsorted(updates, book.update, "right"))
            # Until the snapshot comes there is no book, and before the first quote no quote.
            if book.known and place:
                quote = quotes[int(updates[place - 1])]
                assert book.bids.top(1) == [(quote.bid, quote.bid_size)]
                assert book.asks.top(1) == [(quote.ask, quote.ask_size)]
                compared += 1
    diffs = sum(isinstance(m, Diff) for m in recording.messages)
    assert book.breaks == 0
    assert 0 <= diffs - compared <= 3


def test_every_trade_of_a_bar_is_in_its_volume_exactly(recording: Recording) -> None:
    bars = microstructure_bars(recording).bars
    assert bars.open_time.tolist() == [START + MINUTE * k for k in range(4)]
    for bar in bars:
        span = range(bar.open_time * 10**6, bar.close_time * 10**6)
        trades = [t for t in trades_of(recording) if t.received in span]
        assert bar.volume == float(sum(Decimal(repr(t.size)) for t in trades))
        signed = sum(Decimal(repr(t.size)) * int(t.sign) for t in trades)
        assert bar.extra["signed_volume"] == float(signed)
        assert bar.extra["trades"] == len(trades)
        prices = [t.price for t in trades]
        assert (bar.open, bar.close) == (prices[0], prices[-1])
        assert (bar.high, bar.low) == (max(prices), min(prices))


def test_by_a_right_clock_the_bar_is_the_one_that_the_venue_published(shared: Path) -> None:
    recording = recorded("btcusdt")
    # The recorder's clock was late: the venue's stamps lie in its future.
    assert recording.clock_error == pytest.approx(1_271, abs=1)
    [bar] = microstructure_bars(recording, "5m", shift_ms=recording.clock_error).bars
    told = history(str(shared / "data" / "ohlcv" / "BTC-USDT_5m.parquet")).between(START, START + 1)
    assert [getattr(bar, n) for n in OHLCV] == [float(getattr(told, n)[0]) for n in OHLCV]


def test_no_later_message_changes_a_bar_that_has_closed(recording: Recording) -> None:
    whole = microstructure_bars(recording).bars
    times = np.array([m.received for m in recording.messages])
    for stop in (1, 3_000, 9_000, 14_000, 22_000, 30_000, len(times)):
        bars = microstructure_bars(until(recording, stop)).bars
        closed = whole.close_time[whole.close_time * 10**6 <= times[stop - 1]]
        np.testing.assert_array_equal(bars.close_time, closed)
        assert bars.hash() == whole.until(len(bars)).hash()


def test_messages_after_a_close_may_say_anything(recording: Recording) -> None:
    whole = microstructure_bars(recording).bars
    end = int(whole.close_time[1]) * 10**6
    lies = [
        m._replace(price=1e6, size=1e6, sign=1.0) if isinstance(m, Trade) and m.received >= end
        else m._replace(bid=1.0, ask=9e5) if isinstance(m, Quote) and m.received >= end
        else m
        for m in recording.messages
    ]  # fmt: skip
    bars = microstructure_bars(replace(recording, messages=lies)).bars
    assert bars.until(2).hash() == whole.until(2).hash()
    assert bars.hash() != whole.hash()


def test_extra_columns_are_what_their_definitions_say(recording: Recording) -> None:
    bars = microstructure_bars(recording).bars
    assert tuple(bars.extra) == COLUMNS
    start, end = (int(t[1]) * 10**6 for t in (bars.open_time, bars.close_time))
    before = [m for m in recording.messages if m.received < end]
    quotes = [m for m in before if isinstance(m, Quote)]
    inside = [q for q in quotes if q.received >= start]
    earlier = quotes[: len(quotes) - len(inside)]
    edges = np.array([start, *(q.received for q in inside), end])
    stood = [earlier[-1], *inside]
    relative = np.array([2.0 * (q.ask - q.bid) / (q.ask + q.bid) for q in stood])
    spread = float((relative * np.diff(edges)).sum() / (end - start))
    flow = sum(order_flow(a, b) for a, b in zip(stood, inside, strict=False))
    assert bars.extra["spread"][1] == pytest.approx(spread, rel=1e-12)
    assert bars.extra["order_flow"][1] == pytest.approx(flow, rel=1e-9)
    trades = [m for m in before if isinstance(m, Trade) and m.received >= start]
    vwap = sum(t.price * t.size for t in trades) / sum(t.size for t in trades)
    assert bars.extra["vwap_distance"][1] == pytest.approx(np.log(bars.close[1] / vwap), abs=1e-13)
    assert np.abs(bars.extra["depth_imbalance"]).max() < 1.0


@pytest.mark.parametrize(
    ("after", "flow"),
    [
        ((99.0, 6.0, 101.0, 7.0), 1.0), ((99.0, 5.0, 101.0, 6.0), 1.0),
        ((99.5, 2.0, 101.0, 7.0), 2.0), ((98.0, 9.0, 101.0, 7.0), -5.0),
        ((99.0, 5.0, 100.5, 3.0), -3.0), ((99.0, 5.0, 102.0, 3.0), 7.0),
    ],
)  # fmt: skip
def test_order_flow_counts_what_came_to_the_best_quotes_and_what_left(
    after: tuple, flow: float
) -> None:
    assert order_flow(Quote(0, 1, 99.0, 5.0, 101.0, 7.0), Quote(1, 2, *after)) == flow


def second(message: Message) -> int:
    """Return the seconds since `START` at which a message was received."""
    return message.received // SECOND - START // 1_000


def made(
    change: Callable[[int, Message], Message | None] = lambda at, m: m, seconds: int = 185
) -> Recording:
    """Make a recording of a diff, a quote and a trade a second from five seconds before `START`.

    `change` sees each message with its second.
    """
    received = (START - 5_000) * 10**6
    messages: list[Message] = [Snapshot(received, 0, ((99.0, 5.0),), ((101.0, 5.0),))]
    for k in range(seconds + 5):
        at, size = received + k * SECOND, 1.0 + k % 3
        messages += [
            Diff(at, at // 10**6, k + 1, k + 1, ((99.0, size),), ()),
            Quote(at, k + 1, 99.0, size, 101.0, 5.0),
            Trade(at, at // 10**6, k, 100.0 + k % 2, 0.1, 1.0),
        ]
    kept = [new for m in messages if (new := change(second(m), m)) is not None]
    return Recording("MADE", kept, [], False)


def unknown(bars: Bars, name: str) -> list[bool]:
    return np.isnan(bars.column(name)).tolist()


def test_a_whole_recording_has_no_unknown_value() -> None:
    bars = microstructure_bars(made()).bars
    assert len(bars) == 3
    assert not any(np.isnan(bars.column(name)).any() for name in (*OHLCV, *COLUMNS))
    assert bars.volume.tolist() == [6.0] * 3
    assert bars.extra["depth_imbalance"][0] == pytest.approx((-4 / 6 - 3 / 7 - 2 / 8) / 3)


def test_a_broken_chain_of_depth_leaves_the_book_unknown_until_a_snapshot() -> None:
    lost = made(lambda at, m: None if isinstance(m, Diff) and at == 70 else m)
    built = microstructure_bars(lost)
    assert built.breaks == 1
    assert unknown(built.bars, "depth_imbalance") == [False, True, True]
    assert unknown(built.bars, "volume") == [False] * 3
    again = Snapshot((START + 80_000) * 10**6, 84, ((99.0, 4.0),), ((101.0, 5.0),))
    place = next(k for k, m in enumerate(lost.messages) if m.received >= again.received)
    healed = [*lost.messages[:place], again, *lost.messages[place:]]
    bars = microstructure_bars(replace(lost, messages=healed)).bars
    assert unknown(bars, "depth_imbalance") == [False, True, False]


def test_missing_trades_make_sums_unknown_and_prices_not() -> None:
    lost = made(lambda at, m: None if isinstance(m, Trade) and at == 75 else m)
    bars = microstructure_bars(lost).bars
    for name in ("volume", "signed_volume", "trades", "vwap_distance"):
        assert unknown(bars, name) == [False, True, False], name
    assert unknown(bars, "spread") == unknown(bars, "close") == [False] * 3


def test_silence_is_not_filled_with_what_was_known_before_it() -> None:
    bars = microstructure_bars(made(lambda at, m: None if 70 <= at < 100 else m)).bars
    for name in ("spread", "depth_imbalance", "order_flow", "volume", "trades"):
        assert unknown(bars, name) == [False, True, bool(name == "depth_imbalance")], name


def test_without_quotes_or_depth_their_columns_are_unknown() -> None:
    bars = microstructure_bars(made(lambda at, m: m if isinstance(m, Trade) else None)).bars
    for name in ("spread", "depth_imbalance", "microprice", "order_flow"):
        assert unknown(bars, name) == [True] * 3
    assert bars.extra["trades"].tolist() == [60.0] * 3


def test_a_minute_without_a_trade_is_no_bar() -> None:
    built = microstructure_bars(
        made(lambda at, m: None if isinstance(m, Trade) and 60 <= at < 120 else m)
    )
    assert (len(built.bars), built.quiet) == (2, 1)


def test_amounts_of_coarser_bars_are_sums_of_finer_ones() -> None:
    recording = made(seconds=905)
    fine, coarse = (microstructure_bars(recording, step).bars for step in ("1m", "5m"))
    summed = aggregate(fine, "5m").bars
    for name in (*OHLCV, "signed_volume", "trades", "order_flow"):
        np.testing.assert_allclose(summed.column(name), coarse.column(name), rtol=1e-12)
    np.testing.assert_array_equal(summed.volume, coarse.volume)


def test_the_book_keeps_its_best_levels_in_order() -> None:
    book = Book()
    book.snapshot(Snapshot(0, 10, ((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0), (103.0, 2.0))))
    book.diff(Diff(1, 0, 9, 10, ((50.0, 1.0),), ()))
    book.diff(Diff(1, 0, 11, 12, ((99.0, 0.0), (98.5, 4.0)), ((102.0, 3.0), (7.0, 0.0))))
    assert book.bids.top(2) == [(98.5, 4.0), (98.0, 2.0)]
    assert book.asks.top(5) == [(101.0, 1.0), (102.0, 3.0), (103.0, 2.0)]
    assert book.imbalance(LEVELS) == pytest.approx((6.0 - 6.0) / 12.0)
    book.diff(Diff(2, 0, 14, 14, (), ()))
    assert (book.known, book.breaks, book.imbalance(1)) == (False, 1, None)


def test_a_snapshot_catches_up_with_the_changes_received_before_it() -> None:
    book = Book()
    for update in range(1, 6):
        book.diff(Diff(0, 0, update, update, ((90.0 + update, 1.0),), ()))
    book.snapshot(Snapshot(0, 3, ((80.0, 1.0),), ((101.0, 1.0),)))
    assert (book.known, book.update) == (True, 5)
    assert book.bids.top(9) == [(95.0, 1.0), (94.0, 1.0), (80.0, 1.0)]


def write(path: Path, lines: list[bytes]) -> str:
    path.write_bytes(gzip.compress(b"".join(lines)))
    return str(path)


def spoilt() -> list[bytes]:
    trade = json.loads(next(x for x in lines_of("btcusdt") if b"@trade" in x).split(b" ", 1)[1])
    trade["data"]["p"] = "-1"
    return [
        b"\n", b"x {}\n", b"1723161254087896568\n", b"1723161254087896568 [1]\n",
        b"1723161254087896568 {\n", b"12 " + json.dumps(trade).encode() + b"\n",
        b"1723161254087896568 " + json.dumps(trade).encode() + b"\n",
        b'1723161254087896568 {"stream":"btcusdt@trade","data":{}}\n',
        b'1723161254087896568 {"stream":7,"data":{"u":1e999}}\n', b"\xff\xfe 1\n",
        b'1723161254087896568 {"stream":"btcusdt@kline_1m","data":{}}\n',
    ]  # fmt: skip


def test_unreadable_lines_are_counted_named_and_refused_past_a_share(tmp_path: Path) -> None:
    lines = lines_of("btcusdt")[:20_000]
    few = write(tmp_path / "few.gz", [*lines[:9_000], *spoilt(), *lines[9_000:]])
    found = read_recording(few)
    assert [number for number, _ in found.refused] == list(range(9_000, 9_011))
    plain = read_recording(write(tmp_path / "plain.gz", lines))
    assert found.messages == plain.messages
    many = write(tmp_path / "many.gz", [*lines[:9_000], *2 * spoilt(), *lines[9_000:]])
    with pytest.raises(DataError, match="22 of 20022 lines cannot be read: line 9001: ValueError"):
        read_recording(many)
    report = check(reading(f"recording:{many}", lenient=True))
    assert (len(report.refused), report.passed) == (22, False)
    assert any(line.startswith("refused row 9000 (line 9001)") for line in report.lines())


def test_a_stream_of_futures_follows_the_update_that_it_names(tmp_path: Path) -> None:
    line = b'1723161254087896568 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate",'
    line += b'"E":1723161254000,"U":20,"u":30,"pu":11,"b":[],"a":[["3.5","1"]]}}\n'
    path = tmp_path / "x"
    path.write_bytes(line)
    assert read_recording(path).messages == [
        Diff(1723161254087896568, 1723161254000, 12, 30, (), ((3.5, 1.0),))
    ]


def test_a_line_that_goes_back_in_time_is_refused(tmp_path: Path) -> None:
    lines = lines_of("ethusdt")[:3_000]
    lines[2_000], lines[100] = lines[100], lines[2_000]
    found = read_recording(write(tmp_path / "x.gz", lines), lenient=True)
    assert len(found.refused) == 1_900
    assert all("received before" in reason for _, reason in found.refused)


@pytest.mark.parametrize("share", [0.3, 0.8, 0.999])
def test_a_recording_that_is_cut_off_is_read_as_far_as_it_goes(
    tmp_path: Path, share: float
) -> None:
    data = path_of("btcusdt").read_bytes()
    path = tmp_path / "cut.gz"
    path.write_bytes(data[: int(share * len(data))])
    found = read_recording(path)
    assert found.cut_off
    assert len(found.refused) <= 1
    assert found.messages == recorded("btcusdt").messages[: len(found.messages)]
    assert len(found.messages) > (share - 0.15) * len(recorded("btcusdt").messages)
    assert (
        "the file's compression is cut off; what comes before is used"
        in reading(f"recording:{path}").notes
    )


def test_files_that_are_no_recording_of_one_symbol_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content, said in (
        (b"\x1f\x8bnonsense", "not a gzip file"),
        (b"", "no trades, quotes or depth"),
        (b"timestamp,open\n", "no trades, quotes or depth"),
        (lines_of("btcusdt")[2] + lines_of("ethusdt")[3], "several symbols"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            read_recording(path)
    with pytest.raises(SourceError, match="there is no file"):
        open_source(f"recording:{tmp_path / 'none.gz'}")


def test_a_recording_is_a_source(tmp_path: Path) -> None:
    spec = f"recording:{path_of('btcusdt')}"
    bars = history(spec)
    assert (bars.symbol, str(bars.timeframe), len(bars)) == ("BTCUSDT", "1m", 4)
    assert history(spec, "BTC/USDT", "1m", START + MINUTE).symbol == "BTC/USDT"
    assert len(history(spec, timeframe="5m")) == 0
    notes = reading(spec).notes
    assert "the recorder's clock is at least 1271 ms behind the venue's" in notes
    assert check(reading(spec)).passed
    assert open_source(spec).markets() == ["BTCUSDT"]


def busy(at: int, message: Message) -> Message:
    """Vary what `made` repeats."""
    rng = np.random.default_rng(at + 5)
    move, size, side = rng.integers(-9, 10), rng.integers(1, 50) / 10, rng.random()
    if isinstance(message, Trade):
        return message._replace(price=100.0 + move, size=size, sign=1.0 if side < 0.5 else -1.0)
    if isinstance(message, Quote):
        return message._replace(bid=90.0 + move, bid_size=size)
    return message


def test_the_feature_set_reads_recorded_bars_alike_in_batch_and_stream() -> None:
    bars = microstructure_bars(made(busy, seconds=62 * 60 + 1)).bars
    columns = feature_set("microstructure", "1m")
    whole = columns.matrix(bars).values
    stream = columns.program().stream()
    seen = np.array([stream.push_row(bar).copy() for bar in bars])
    np.testing.assert_array_equal(seen, whole)
    assert len(bars) == 62
    assert not np.isnan(whole[columns.warmup :]).any()
    for stop in (1, 30, 61):
        np.testing.assert_array_equal(columns.matrix(bars.until(stop)).values, whole[:stop])
