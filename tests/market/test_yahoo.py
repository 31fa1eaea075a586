"""Bars from Yahoo, answered by a server on this machine: an empty frame is never taken for news."""

import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from folkmoot.core.clock import BarClock
from folkmoot.core.errors import SourceError, UnknownSymbol, Unreachable, UsageError
from folkmoot.core.stamps import instant
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.sources.yahoo import Yahoo

yfinance = pytest.importorskip("yfinance")
# Its own use of pandas is behind the pandas of the constraints.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

DAY = 86_400
# 14:30 UTC, the opening in New York, of the ten weekdays from Monday 2024-01-08.
OPENINGS = [1_704_724_200 + DAY * day for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
NOW = instant("2024-01-19T20:00:00Z") or 0


def chart(openings: list[int]) -> dict[str, Any]:
    """Answer as Yahoo's chart endpoint does."""
    n = len(openings)
    quote = {
        "open": [100.0 + i for i in range(n)],
        "high": [102.0 + i for i in range(n)],
        "low": [99.0 + i for i in range(n)],
        "close": [101.0 + i for i in range(n)],
        "volume": [1000 + i for i in range(n)],
    }
    hours = {"start": OPENINGS[-1], "end": OPENINGS[-1] + 23_400}
    session = {**hours, "timezone": "EST", "gmtoffset": -18000}
    meta = {
        "currency": "USD",
        "symbol": "ACME",
        "exchangeName": "NYQ",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "regularMarketTime": openings[-1] if openings else 0,
        "dataGranularity": "1d",
        "range": "",
        "priceHint": 2,
        "tradingPeriods": [[session]],
        "validRanges": ["1d", "5d", "max"],
        "currentTradingPeriod": {part: session for part in ("pre", "regular", "post")},
    }
    adjusted = [{"adjclose": quote["close"]}]
    indicators = {"quote": [quote], "adjclose": adjusted}
    result = {"meta": meta, "timestamp": openings, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


Answer = Callable[[], tuple[int, bytes]]


@pytest.fixture
def asked() -> list[str]:
    """The paths that the server was asked for."""
    return []


@pytest.fixture
def serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[str]
) -> Iterator[Callable[[Answer], Yahoo]]:
    """A function that makes Yahoo answer as told."""
    told: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = told[-1]()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    redirect(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}", tmp_path)

    def answering(answer: Answer) -> Yahoo:
        told.append(answer)
        return Yahoo(timeout=2.0, clock=BarClock(NOW))

    yield answering
    server.shutdown()
    server.server_close()
    thread.join()


def redirect(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Send yfinance to `url`, without cookies and with an empty cache."""
    from yfinance import base, data
    from yfinance.scrapers import history, quote

    for module in (base, history, quote):
        monkeypatch.setattr(module, "_BASE_URL_", url)
    monkeypatch.setattr(quote, "_QUERY1_URL_", url)
    monkeypatch.setattr(quote, "_QUOTE_SUMMARY_URL_", f"{url}/summary")
    monkeypatch.setattr(
        data.YfData, "_get_cookie_and_crumb", lambda *given, **named: (None, "basic")
    )
    yfinance.set_tz_cache_location(str(cache))


def good(openings: list[int] = OPENINGS) -> Answer:
    return lambda: (200, json.dumps(chart(openings)).encode())


def test_days_are_dates_in_utc_and_the_day_that_is_not_over_is_left_out(serve: Any) -> None:
    bars = serve(good()).history("ACME", Timeframe.of("1d"))
    assert bars.open_time[0] == instant("2024-01-08")
    assert len(bars) == 9
    assert bars.close[-1] == 109.0
    assert not bars.extra


def test_a_span_is_half_open(serve: Any) -> None:
    start, end = instant("2024-01-10"), instant("2024-01-16")
    bars = serve(good()).history("ACME", Timeframe.of("1d"), start, end)
    assert bars.open_time.tolist()[0] == start
    assert len(bars) == 4


@pytest.mark.parametrize(
    ("label", "reach", "first"),
    [("1m", 8, "2024-01-12"), ("30m", 60, "2023-11-27"), ("1h", 730, "2022-04-01")],
)
def test_an_intraday_history_begins_at_a_tick_that_stays(
    serve: Any, asked: list[str], label: str, reach: int, first: str
) -> None:
    source, frame = serve(good()), Timeframe.of(label)
    for now in (NOW, NOW + frame.ms):
        source._clock.set(now)
        source.history("ACME", frame)
    starts = {int(found) for path in asked for found in re.findall(r"period1=(\d+)", path)}
    assert starts == {instant(first) // 1000}
    assert NOW // 1000 - min(starts) <= DAY * reach


def test_an_answer_without_rows_is_an_error_unless_a_span_was_asked_for(serve: Any) -> None:
    source = serve(good([]))
    with pytest.raises((Unreachable, UnknownSymbol, SourceError)):
        source.history("ACME", Timeframe.of("1d"))


def test_an_unknown_ticker_is_an_unknown_symbol(serve: Any) -> None:
    error = {"chart": {"result": None, "error": {"code": "Not Found", "description": "none"}}}
    source = serve(lambda: (404, json.dumps(error).encode()))
    with pytest.raises(UnknownSymbol):
        source.history("NOPE", Timeframe.of("1d"))


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"oops"), (200, b"<html>"), (200, b"[]"), (200, b'{"chart": 1}')]
)
def test_a_broken_answer_is_a_source_error(serve: Any, status: int, body: bytes) -> None:
    with pytest.raises(SourceError):
        serve(lambda: (status, body)).history("BROKEN", Timeframe.of("1d"))


def test_no_network_is_unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    redirect(monkeypatch, "http://127.0.0.1:9", tmp_path)
    with pytest.raises(Unreachable, match="Yahoo did not answer"):
        Yahoo(timeout=2.0, clock=BarClock(NOW)).history("AWAY", Timeframe.of("1d"))


def test_a_timeframe_that_yahoo_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="Yahoo has no 4h bars"):
        Yahoo().history("ACME", Timeframe.of("4h"))
