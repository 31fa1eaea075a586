"""One structured question to any OpenAI-compatible server, answered within a total deadline.

1. The address is checked, resolved and pinned (`addresses`); redirects are not followed and
   proxies of the environment are not used.
2. Dialects are tried in turn: json_schema, json_object with a schema, a plain instruction. What
   worked first is remembered.
3. 429, 502, 503, 504 and broken connections are tried again, Retry-After honoured, as long as
   the deadline allows; so is 500 once there is no simpler dialect left.
4. The body is cut at 1 MB, read strictly (`opinion`), and one repair is asked for.
5. After five failures in a row the server is left alone for half a minute.
"""

import asyncio
import json
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from folkmoot.agents.addresses import endpoint, resolve
from folkmoot.agents.breaker import Breaker
from folkmoot.agents.opinion import SCHEMA, Malformed, Opinion, content, opinion
from folkmoot.agents.wording import plain
from folkmoot.core.clock import Clock, SystemClock
from folkmoot.core.errors import SourceError, Unreachable, UsageError

Message = dict[str, str]

LONGEST_BODY = 1_000_000
ATTEMPTS = 3
_BUSY = frozenset({429, 502, 503, 504})
_NOT_UNDERSTOOD = frozenset({400, 415, 422, 500, 501})
_REPAIR = (
    "That answer was refused: {fault}. Answer again with one JSON object that follows the schema, "
    "and nothing else."
)
_INSTRUCTION = "Answer with one JSON object that follows this JSON schema, and nothing else: "

_DIALECTS: tuple[dict[str, Any], ...] = (
    {
        "type": "json_schema",
        "json_schema": {"name": "opinion", "strict": True, "schema": SCHEMA},
    },
    {"type": "json_object", "schema": SCHEMA},
    {},
)


class _Busy(Unreachable):
    """Worth another try, after `delay` seconds if the server said so."""

    delay: float | None = None


class _Refused(Unreachable):
    """The server did not understand this dialect."""


class LlmClient:
    """A client of one model on one server; use it in `async with`, from one event loop.

    `deadline` seconds bound everything that one opinion needs: resolving, retries and repair
    included. The key is sent only to the checked address and is never part of a message.

    Raises `UsageError` for an address that may not be called.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: SecretStr | None = None,
        deadline: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self.model = model
        self.name = f"llm:{plain(model, 80)}"
        self._place = endpoint(url)
        self._key = _checked(key)
        self.deadline = deadline
        self._clock = clock or SystemClock()
        self._breaker = Breaker()
        self._dialect = 0
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(
            timeout=self.deadline, follow_redirects=False, trust_env=False
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def opinion(self, messages: list[Message], known: frozenset[str]) -> Opinion:
        """Return the server's opinion, which cites only `known` evidence ids.

        Raises `Unreachable` where no answer came within the deadline, `SourceError` where what
        came was no opinion.
        """
        if not self._breaker.admit():
            raise Unreachable("left alone after five failures in a row", where=self.name)
        try:
            async with asyncio.timeout(self.deadline) as limit:
                found = await self._asked(messages, known, limit.when() or 0.0)
        except TimeoutError:
            self._breaker.fail()
            raise Unreachable(f"no answer within {self.deadline:g} s", where=self.name) from None
        except Unreachable:
            self._breaker.fail()
            raise
        except Malformed as fault:
            self._breaker.succeed()
            raise SourceError(f"answered, but not usably: {fault}", where=self.name) from None
        self._breaker.succeed()
        return found

    async def _asked(self, messages: list[Message], known: frozenset[str], end: float) -> Opinion:
        text = ""
        try:
            text = content(await self._complete(messages, end))
            return opinion(text).citing(known)
        except Malformed as fault:
            shown = [{"role": "assistant", "content": text[:2_000]}] if text else []
            repair = {"role": "user", "content": _REPAIR.format(fault=fault)}
            body = await self._complete([*messages, *shown, repair], end)
        return opinion(content(body)).citing(known)

    async def _complete(self, messages: list[Message], end: float) -> bytes:
        last = len(_DIALECTS) - 1
        for dialect in range(self._dialect, last):
            try:
                body = await self._tried(messages, dialect, end)
            except _Refused:
                continue
            self._dialect = dialect
            return body
        body = await self._tried(messages, last, end)
        self._dialect = last
        return body

    async def _tried(self, messages: list[Message], dialect: int, end: float) -> bytes:
        loop = asyncio.get_running_loop()

        def enough(state: RetryCallState) -> bool:
            return state.attempt_number >= ATTEMPTS or loop.time() + state.upcoming_sleep >= end

        retrying = AsyncRetrying(
            stop=enough, wait=_pause, retry=retry_if_exception_type(_Busy), reraise=True
        )
        return await retrying(self._post, messages, dialect)

    async def _post(self, messages: list[Message], dialect: int) -> bytes:
        if self._http is None:
            raise UsageError("not entered", where=self.name, allowed="async with LlmClient(...)")
        place = self._place
        address = await resolve(place)
        host = f"[{address}]" if ":" in address else address
        path = place.path.removesuffix("/chat/completions") or "/v1"
        try:
            async with self._http.stream(
                "POST",
                f"{place.scheme}://{host}:{place.port}{path}/chat/completions",
                content=self._payload(messages, dialect),
                headers=self._headers(),
                extensions={"sni_hostname": place.host},
            ) as response:
                self._judge(response, dialect)
                return await _read(response)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
            raise _Busy(f"connection broke: {type(error).__name__}", where=self.name) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"no answer: {type(error).__name__}", where=self.name) from None

    def _payload(self, messages: list[Message], dialect: int) -> bytes:
        form = _DIALECTS[dialect]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages if form else _instructed(messages),
            "temperature": 0.0,
            "seed": 0,
            "max_tokens": 2_048,
            "stream": False,
        }
        if form:
            body["response_format"] = form
        return json.dumps(body, allow_nan=False).encode()

    def _headers(self) -> dict[str, str]:
        headers = {
            "Host": self._place.authority,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return headers

    def _judge(self, response: httpx.Response, dialect: int) -> None:
        """Raise what this status means; return for a 2xx."""
        status = response.status_code
        last = dialect + 1 == len(_DIALECTS)
        if status in _NOT_UNDERSTOOD and not last:
            raise _Refused(f"status {status}", where=self.name)
        if status in _BUSY or (status == 500 and last):
            busy = _Busy(f"status {status}", where=self.name)
            busy.delay = self._retry_after(response.headers.get("retry-after", ""))
            raise busy
        if response.is_redirect:
            raise Unreachable(f"status {status}: redirects are not followed", where=self.name)
        if not response.is_success:
            raise Unreachable(f"status {status}", where=self.name)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Malformed("a compressed body, which was not asked for")

    def _retry_after(self, header: str) -> float | None:
        if header.isascii() and header.isdigit():
            return min(float(header[:10]), 1e9)
        try:
            instant = parsedate_to_datetime(header).timestamp()
        except (ValueError, OverflowError):
            return None
        return max(0.0, instant - self._clock.now() / 1000.0)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Malformed(f"the body goes on beyond {LONGEST_BODY} bytes")
    return bytes(body)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.delay if isinstance(error, _Busy) else None
    return 0.1 * 3.0 ** (state.attempt_number - 1) if asked is None else asked


def _instructed(messages: list[Message]) -> list[Message]:
    rule = {"role": "system", "content": _INSTRUCTION + json.dumps(SCHEMA)}
    return [rule, *messages]


def _checked(key: SecretStr | None) -> SecretStr | None:
    if key is None or not key.get_secret_value():
        return None
    text = key.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise UsageError("the key has characters no header can carry", where="llm key")
    return key
