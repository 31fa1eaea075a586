"""Metadata services are never called, however the address is written."""

import socket
from typing import Any

import pytest

from folkmoot.agents.addresses import endpoint, resolve
from folkmoot.core.errors import Unreachable, UsageError

REFUSED = [
    "http://169.254.169.254/latest",
    "http://2852039166/v1",
    "http://0xA9FEA9FE/v1",
    "http://0251.0376.0251.0376/v1",
    "http://169.254.43518/v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::169.254.169.254]/v1",
    "http://[64:ff9b::a9fe:a9fe]/v1",
    "http://[2002:a9fe:a9fe::1]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://[fe80::1]/v1",
    "http://100.100.100.200/v1",
    "http://168.63.129.16/v1",
    "http://metadata.google.internal/v1",
    "http://METADATA.google.internal./v1",
    "http://instance-data/v1",
    "http://0.0.0.0:8080/v1",
    "http://224.0.0.1/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/x",
    "ftp://127.0.0.1/x",
    "127.0.0.1:1234",
    "",
    "http://",
    "http://:80/v1",
    "http://[::1/v1",
    "http://127.0.0.1:99999/v1",
    "http://user@127.0.0.1/v1",
    "http://user:canary@127.0.0.1/v1",
    "http://127.0.0.1/v1?key=canary",
    "http://127.0.0.1/v1#x",
    "http://exa\u043cple.com/v1",
    "http://a b/v1",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_may_not_be_called_is_wrong_use(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint(url)
    assert caught.value.where == "llm url"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1234/v1",
        "http://localhost:11434/v1",
        "http://[::1]:8080",
        "http://192.168.1.20:1234/v1",
        "https://api.example.com/v1/",
    ],
)
def test_an_address_the_user_wrote_may_be_called(url: str) -> None:
    assert endpoint(url).port


def test_the_host_header_keeps_what_was_written() -> None:
    assert endpoint("http://[::1]:8080/v1").authority == "[::1]:8080"
    assert endpoint("https://api.example.com/v1").authority == "api.example.com"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("rebind.example", ["169.254.169.254"]),
        ("both.example", ["93.184.216.34", "169.254.169.254"]),
        ("inner.example", ["127.0.0.1"]),
        ("mapped.example", ["::ffff:127.0.0.1"]),
    ],
)
async def test_a_name_that_leads_to_a_forbidden_place_is_refused(
    host: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(name: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(Unreachable, match="refused"):
        await resolve(endpoint(f"http://{host}/v1"))


async def test_localhost_is_this_machine() -> None:
    assert await resolve(endpoint("http://localhost:1/v1")) in ("127.0.0.1", "::1")
