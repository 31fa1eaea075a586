"""What every request passes before the service sees it: host, secret, size, time; then the log.

A plain ASGI layer, so that it also stands before routes that do not exist.
"""

import asyncio
import hmac
import time
from typing import Any

import orjson
import structlog
from pydantic import SecretStr
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000
BODY_SECONDS = 10.0
OPEN_PATHS = frozenset({"/health"})
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"cache-control", b"no-store"),
]


class Gate:
    """Refuse what may not enter and log every answer.

    With a secret, every path but `/health` needs it as a bearer token; without one, only requests
    that name this machine as their host are served, so that no web page can borrow the address.
    """

    def __init__(self, app: ASGIApp, secret: SecretStr | None = None) -> None:
        self._app = app
        self._secret = secret.get_secret_value().encode() if secret else b""
        self._log = structlog.get_logger("folkmoot.service")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        try:
            await self._admit(scope, receive, counted)
        finally:
            self._log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round(1000.0 * (time.perf_counter() - began), 3),
                agent=_header(scope, b"user-agent").decode("latin-1"),
            )

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(send, *refusal)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(scope, receive)
        except ClientDisconnect:
            return
        except TimeoutError:
            await _refuse(send, 408, "RequestTimeout", "the body took too long", None)
            return
        if body is None:
            limit = f"at most {LARGEST_BODY} bytes"
            await _refuse(send, 413, "BodyTooLarge", "the body is too large", limit)
            return
        await self._app(scope, _replay(body, receive), send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str, str | None] | None:
        if not self._secret:
            host = _header(scope, b"host").decode("latin-1")
            if _name(host) in LOCAL_HOSTS:
                return None
            return 403, "Forbidden", "this address is served to this machine only", "localhost"
        if scope["path"] in OPEN_PATHS:
            return None
        kind, _, token = _header(scope, b"authorization").partition(b" ")
        if kind.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._secret):
            return None
        return 401, "Unauthorized", "a secret is needed", "Authorization: Bearer SECRET"


def _name(host: str) -> str:
    """Return the host of a Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, or None once it is known to be too large; what is announced is not read."""
    announced = _header(scope, b"content-length")
    if announced.isdigit() and int(announced[:20]) > LARGEST_BODY:
        return None
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, status: int, kind: str, message: str, allowed: Any) -> None:
    facts = {"type": kind, "message": message, "where": "request", "allowed": allowed}
    body = orjson.dumps({"error": facts})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
