"""The service answers what it knows, refuses the rest by name, and never breaks."""

import http.client
import itertools
import json
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.service_oracle import ask, started

SECRET = "x" * 32
PREDICT = "/predict/single"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    with started(SECRET) as found:
        yield found


def test_health_says_what_is_served(url: str) -> None:
    status, facts = ask(f"{url}/health")
    assert (status, facts["status"], facts["trained"]) == (200, "ok", 2)
    assert "BTC/USDT" in facts["markets"]


def test_the_list_holds_every_member_with_parameters_and_null_for_nan(url: str) -> None:
    status, facts = ask(f"{url}/models/list")
    assert status == 200
    assert {model["id"] for model in facts["models"]} == {"logistic", "lightgbm", "ensemble"}
    assert facts["models"][0]["parameters"] == {"horizons": [1], "odd": None}


def test_a_model_says_whether_it_is_trained(url: str) -> None:
    assert ask(f"{url}/models/ensemble/status")[1]["status"] == "trained"
    assert ask(f"{url}/models/lightgbm/status")[1]["status"] == "untrained"
    status, facts = ask(f"{url}/models/lstm_standard/status")
    assert status == 404
    assert facts["error"]["allowed"] == ["logistic", "lightgbm", "ensemble"]


def test_a_bare_symbol_resolves_and_unknown_numbers_are_null(url: str) -> None:
    status, facts = ask(f"{url}{PREDICT}", {"symbol": "btc"})
    assert (status, facts["symbol"], facts["model"]) == (200, "BTC/USDT", "ensemble")
    assert (facts["confidence"], facts["interval"], facts["p_up"]) == (None, [None, None], None)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"symbol": "BTC", "model": "lightgbm"}, 409, "untrained"),
        ({"symbol": "BTC", "model": "lstm_standard"}, 404, "ensemble"),
        ({"symbol": "XYZ"}, 404, "XYZ"),
        ({"symbol": "SOL"}, 422, "SOL/GBP"),
        ({"symbol": "BTC", "timeframe": "4h"}, 404, "1h"),
        ({"symbol": "BTC", "timeframe": "7h"}, 422, "timeframe"),
        ({"symbol": "DOT"}, 503, "gone"),
        ({"symbol": ""}, 422, "symbol"),
        ({"symbol": "x" * 65}, 422, "symbol"),
        ({"symbol": 5}, 422, "symbol"),
        ({"symbol": None}, 422, "symbol"),
        ({"symbol": "BTC", "horizon": 3}, 422, "horizon"),
        ({}, 422, "symbol"),
        ([], 422, "body"),
        ("BTC", 422, "body"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    url: str, body: Any, status: int, told: str
) -> None:
    code, facts = ask(f"{url}{PREDICT}", body)
    assert (code, told in json.dumps(facts)) == (status, True)
    assert set(facts["error"]) == {"type", "message", "where", "allowed"}


def test_an_untrained_model_says_so_in_its_status(url: str) -> None:
    assert (
        ask(f"{url}{PREDICT}", {"symbol": "BTC", "model": "lightgbm"})[1]["status"] == "untrained"
    )


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b'{"symbol": NaN}', b'{"symbol": Infinity}', b"[" * 5_000, b"1" * 5_000],
)
def test_a_body_that_is_not_json_is_refused(url: str, raw: bytes) -> None:
    assert ask(f"{url}{PREDICT}", raw=raw, method="POST")[0] == 422


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", "x", ""]
)
def test_a_body_is_json_whatever_its_content_type(url: str, kind: str) -> None:
    assert ask(f"{url}{PREDICT}", {"symbol": "BTC"}, Content_Type=kind)[0] == 200


def test_a_batch_keeps_its_order_and_each_error_its_place(url: str) -> None:
    status, facts = ask(f"{url}/predict/batch", {"symbols": ["SOL", "BTC", "XYZ", "BTC"]})
    items = facts["predictions"]
    assert status == 200
    assert [item["symbol"] for item in items] == ["SOL", "BTC", "XYZ", "BTC"]
    assert [item["error"] and item["error"]["type"] for item in items] == [
        "AmbiguousSymbol",
        None,
        "UnknownSymbol",
        None,
    ]
    assert items[1]["prediction"] == items[3]["prediction"]


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1, 200), (100, 200), (101, 422)])
def test_a_batch_holds_one_to_a_hundred(url: str, count: int, status: int) -> None:
    assert ask(f"{url}/predict/batch", {"symbols": ["BTC"] * count})[0] == status


def test_ten_thousand_items_are_refused(url: str) -> None:
    assert ask(f"{url}/predict/batch", {"symbols": ["B"] * 10_000})[0] == 422


def test_a_body_over_a_megabyte_is_refused_without_reading_it(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(
            f"POST {PREDICT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000001\r\n\r\n".encode()
        )
        assert wire.recv(4_096).startswith(b"HTTP/1.1 413")


def test_a_chunked_body_is_cut_at_a_megabyte(url: str) -> None:
    wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    chunks = itertools.repeat(b" " * 65_536, 32)
    try:
        wire.request("POST", PREDICT, body=chunks, encode_chunked=True)
        assert wire.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        assert ask(f"{url}/health")[0] == 200
    finally:
        wire.close()


def test_exactly_a_megabyte_is_read(url: str) -> None:
    body = b'{"symbol": "BTC"}'
    assert ask(f"{url}{PREDICT}", raw=body.ljust(1_000_000))[0] == 200


def test_two_hundred_stuck_sockets_do_not_keep_it_from_answering(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    stuck = [socket.create_connection((host, int(port))) for _ in range(200)]
    for wire in stuck:
        wire.sendall(b"POST /predict/single HTTP/1.1\r\nHost: localhost\r\nX: ")
    began = time.perf_counter()
    assert ask(f"{url}/health")[0] == 200
    assert time.perf_counter() - began < 1.0
    for wire in stuck:
        wire.close()


@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "", "localhost.evil.example"])
def test_a_page_elsewhere_cannot_borrow_the_address(url: str, host: str) -> None:
    assert ask(f"{url}{PREDICT}", {"symbol": "BTC"}, Host=host)[0] == 403


def _routes(url: str) -> list[tuple[str, str]]:
    _, document = ask(f"{url}/openapi.json", Authorization=f"Bearer {SECRET}")
    found = [(m.upper(), path) for path, methods in document["paths"].items() for m in methods]
    return [*found, ("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/nowhere")]


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", f"Bearer {'y' * 32}", f"Basic {SECRET}", SECRET]
)
def test_every_route_but_health_needs_the_secret(guarded: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}
    for method, path in _routes(guarded):
        status, _ = ask(guarded + path, method=method, **headers)
        assert status == (200 if path == "/health" else 401), path


def test_the_secret_opens(guarded: str) -> None:
    status, _ = ask(f"{guarded}{PREDICT}", {"symbol": "BTC"}, Authorization=f"Bearer {SECRET}")
    assert status == 200


def test_every_status_that_can_come_is_declared(url: str) -> None:
    _, document = ask(f"{url}/openapi.json")
    declared = {
        path: set(facts["responses"])
        for path, methods in document["paths"].items()
        for facts in methods.values()
    }
    assert {"200", "404", "405", "409", "413", "422", "503"} <= declared[PREDICT]
    assert all("405" in codes for codes in declared.values())
    assert ask(f"{url}{PREDICT}", method="GET")[0] == 405
    assert {"200", "413", "422"} <= declared["/predict/batch"]
    assert {"200", "404"} <= declared["/models/{id}/status"]


def test_the_docs_need_nothing_from_elsewhere(url: str) -> None:
    wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    wire.request("GET", "/docs")
    answer = wire.getresponse()
    text = answer.read().decode()
    policy = answer.headers["content-security-policy"]
    wire.close()
    assert "POST /predict/single" in text
    assert not re.search(r"https?://|<script", text)
    assert "default-src 'none'" in policy


def _curl_lines(shared: Path) -> list[str]:
    text = (shared / "seeds/003_nineteen_models.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("curl ")]


def test_the_curl_lines_of_document_003_run(url: str, shared: Path) -> None:
    lines = _curl_lines(shared)
    assert len(lines) == 9
    statuses = {}
    for line in lines:
        words = shlex.split(line.replace("http://localhost:5003", url))
        done = subprocess.run(
            [*words, "-s", "-w", "\n%{http_code}"], capture_output=True, text=True, check=True
        )
        body, _, code = done.stdout.rpartition("\n")
        statuses[line.split(" -d ")[-1].strip()] = int(code)
        assert isinstance(json.loads(body), dict)
    assert statuses["""'{"symbol": "BTC", "timeframe": "1h", "model": "ensemble"}'"""] == 200
    assert statuses["""'{"symbol": "BTC", "model": "lstm_standard"}'"""] == 404
    assert set(statuses.values()) <= {200, 404, 503}


def test_an_answer_does_not_wait_for_delayed_acknowledgements(url: str) -> None:
    wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    seconds = []
    for _ in range(30):
        began = time.perf_counter()
        wire.request("POST", PREDICT, body=b'{"symbol": "BTC"}')
        assert wire.getresponse().read()
        seconds.append(time.perf_counter() - began)
    wire.close()
    assert sorted(seconds)[len(seconds) // 2] < 0.02
