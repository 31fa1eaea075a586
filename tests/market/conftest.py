"""A small exchange on this machine that speaks the few Binance endpoints that bars need."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from folkmoot.core.bars import Bars
from folkmoot.market import world

START = 1_577_836_800_000
HOUR = 3_600_000


@dataclass
class Exchange:
    """What the server answers; `fault` may replace an answer by (status, body)."""

    bars: Bars = field(default_factory=lambda: world("random_walk", 3000).bars)
    now: int = START + 3000 * HOUR
    fault: Callable[[str], tuple[int, bytes] | None] = lambda path: None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def now_in_ms(self) -> int:
        return self.now

    def klines(self, query: dict[str, str]) -> list[list[Any]]:
        """Answer with bars from `startTime` on; the one still open at `now` is among them."""
        start, limit = int(query.get("startTime", 0)), int(query.get("limit", 500))
        end = int(query.get("endTime", self.now))
        rows = []
        for row in range(len(self.bars)):
            opened = int(self.bars.open_time[row])
            if start <= opened <= min(end, self.now) and len(rows) < limit:
                rows.append(self.kline(row, opened))
        return rows

    def kline(self, row: int, opened: int) -> list[Any]:
        numbers = [
            getattr(self.bars, name)[row] for name in ("open", "high", "low", "close", "volume")
        ]
        return [
            opened,
            *(repr(float(x)) for x in numbers),
            opened + HOUR - 1,
            "1",
            2,
            "1",
            "1",
            "0",
        ]


def listing(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "orderTypes": ["LIMIT"],
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [],
    }


def answer(exchange: Exchange, path: str) -> tuple[int, bytes]:
    parts = urlparse(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    exchange.asked.append(parts.path)
    broken = exchange.fault(parts.path)
    if broken is not None:
        return broken
    if parts.path.endswith("/exchangeInfo"):
        pairs = [("BTC", "USDT"), ("ETH", "USDT"), ("ETH", "USD"), ("SOL", "USDT")]
        body: Any = {"timezone": "UTC", "symbols": [listing(*pair) for pair in pairs]}
    elif parts.path.endswith("/time"):
        body = {"serverTime": exchange.now}
    elif parts.path.endswith("/klines"):
        body = exchange.klines(query)
    else:
        return 404, b"{}"
    return 200, json.dumps(body).encode()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """A running exchange with 3,000 closed hours of BTC/USDT."""
    state = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(state, self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
