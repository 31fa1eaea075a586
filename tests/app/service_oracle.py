"""An oracle of known answers, and a really started server over it."""

import asyncio
import contextlib
import json
import math
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import uvicorn
from pydantic import SecretStr

from folkmoot.app.members import MemberStatus
from folkmoot.app.service import create
from folkmoot.app.serving import address, listen
from folkmoot.core.errors import DataError, UnknownSymbol, Untrained

MARKETS = ["BTC/USDT", "ETH/USDT", "ETH/BTC", "SOL/EUR", "SOL/GBP", "DOT/USDT"]
TRAINED = {"ensemble", "logistic"}


class KnownOracle:
    """Answers like a study would, NaN among the numbers included."""

    def members(self) -> list[MemberStatus]:
        return [
            MemberStatus(
                name,
                "committee" if name == "ensemble" else "model",
                {"horizons": [1], "odd": math.nan},
                "trained" if name in TRAINED else "untrained",
                market,
                "1h",
            )
            for market in MARKETS
            for name in ("logistic", "lightgbm", "ensemble")
        ]

    def markets(self) -> list[str]:
        return MARKETS

    def predict(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        if timeframe not in (None, "1h"):
            raise UnknownSymbol(f"{symbol} is not served in {timeframe}", allowed=["1h"])
        if model not in TRAINED:
            raise Untrained(f"{model} is untrained for {symbol}", where=model)
        if symbol == "DOT/USDT":
            raise DataError("the file has gone", where=symbol)
        return {
            "signal": "HOLD",
            "confidence": math.nan,
            "reason": "no member has earned a weight",
            "interval": [math.nan, math.inf],
            "n_evidence": 0,
            "status": "no_earned_weight",
            "symbol": symbol,
            "timeframe": "1h",
            "model": model,
            "horizon": 1,
            "known_at": 1_700_000_000_000,
            "p_up": math.nan,
            "quantiles": [-0.01, math.nan],
            "weight": 0.0,
            "verdict": "NO EDGE",
            "verdict_reason": "no_skill",
            "caveats": ["NO EDGE: no_skill: nothing was found"],
        }


@contextlib.contextmanager
def started(secret: str = "") -> Iterator[str]:
    """Start the service on a free port of loopback and give its address."""
    listening = listen("127.0.0.1", 0, SecretStr(secret))
    app = create(KnownOracle(), SecretStr(secret) if secret else None)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
    )
    thread.start()
    try:
        yield address(listening)
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def ask(
    url: str, body: Any = None, raw: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, Any]:
    """Return the status and the JSON of one request."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, headers=named, method=method)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback
            return answer.status, _strict(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _strict(error.read())


def _strict(body: bytes) -> Any:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} left the service")

    return json.loads(body, parse_constant=refuse)
