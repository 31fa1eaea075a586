"""A scripted OpenAI-compatible server on a real socket."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD: dict[str, Any] = {
    "stance": 1,
    "horizon_bars": 1,
    "p_up": 0.6,
    "reasons": ["rsi is low", "trend_gap points up"],
    "invalidation": "macd_cross down",
    "evidence_ids": ["rsi", "trend_gap"],
}


def completion(content: Any, **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice]}).encode()


def answer(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


@dataclass
class Script:
    """What the server does, and what it saw."""

    respond: Callable[["Handler", dict[str, Any]], None]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    script: Script

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(size))
        self.script.requests.append(asked)
        self.script.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.script.respond(self, asked)

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class Queueing(ThreadingHTTPServer):
    """A server that does not turn away callers who come at once."""

    request_queue_size = 64


@contextmanager
def serving(respond: Callable[[Handler, dict[str, Any]], None]) -> Iterator[Script]:
    """Serve on a free port of loopback until the block ends."""
    script = Script(respond)
    bound = type("Bound", (Handler,), {"script": script})
    server = Queueing(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    server.block_on_close = False
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def says(body: bytes, status: int = 200, **headers: str) -> Callable[[Handler, Any], None]:
    """Answer every request with this."""
    return lambda handler, asked: handler.send(body, status, **headers)


def silent(handler: Handler, asked: Any) -> None:
    """Send headers, then nothing."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    time.sleep(20)


def dripping(handler: Handler, asked: Any) -> None:
    """Send one byte every tenth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        return


def endless(handler: Handler, asked: Any) -> None:
    """Send a gigabyte, as far as the other side takes it."""
    handler.send_response(200)
    handler.end_headers()
    block = b" " * 65_536
    try:
        for _ in range(16_384):
            handler.wfile.write(block)
    except OSError:
        return


def resetting(handler: Handler, asked: Any) -> None:
    """Close with a reset in the middle of the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    handler.close_connection = True
    handler.wfile = open("/dev/null", "wb")  # noqa: SIM115, PTH123  closed by the handler


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
