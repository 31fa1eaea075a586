"""The REST service over an oracle: five questions, every answer declared.

Bodies are read as JSON whatever their content type says; numbers that are unknown leave as null.
"""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

import orjson
import structlog
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, SecretStr, ValidationError
from starlette.exceptions import HTTPException

from folkmoot.app.gate import Gate
from folkmoot.app.members import MemberStatus
from folkmoot.app.oracle import Oracle
from folkmoot.app.page import page
from folkmoot.app.schemas import (
    BatchAnswer,
    BatchRequest,
    ErrorAnswer,
    Health,
    MemberList,
    MemberState,
    Prediction,
    SingleRequest,
    UntrainedAnswer,
)
from folkmoot.core.errors import (
    AmbiguousSymbol,
    FolkmootError,
    UnknownSymbol,
    Untrained,
    UsageError,
)

AT_ONCE = 2

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

ModelPath = Annotated[str, Path(examples=["ensemble"])]


class UnknownModel(UsageError):
    """No member has that name; `allowed` lists them."""


class BadBody(UsageError):
    """The body is not what the route takes."""


_STATUS: tuple[tuple[type[FolkmootError], int], ...] = (
    (UnknownModel, 404),
    (UnknownSymbol, 404),
    (AmbiguousSymbol, 422),
    (Untrained, 409),
    (UsageError, 422),
    (FolkmootError, 503),
)
_SAID = {
    401: "no or another secret",
    403: "another host",
    404: "no such model, market or timeframe",
    405: "another method",
    408: "the body took too long",
    409: "the model is untrained",
    413: "the body is over 1 MB",
    422: "the body is not what is taken, or the symbol is ambiguous",
    503: "the data or the machine failed",
}


def create(oracle: Oracle, secret: SecretStr | None = None) -> FastAPI:
    """Build the service; with `secret`, every path but `/health` asks for it."""
    service = FastAPI(
        title="Folkmoot",
        version=version("folkmoot"),
        description="Predictions of proven members, and of none other.",
        docs_url=None,
        redoc_url=None,
    )
    service.add_middleware(Gate, secret=secret)
    service.add_exception_handler(FolkmootError, _failed)
    service.add_exception_handler(HTTPException, _no_route)
    _add_reading(service, oracle)
    _add_predicting(service, oracle)
    return service


def _add_reading(service: FastAPI, oracle: Oracle) -> None:
    @service.get("/health", response_model=Health, responses=_errors(503))
    async def health() -> Response:
        """Say that the service answers, and for which markets."""
        found = await _called(oracle.members)
        trained = {member.id for member in found if member.status == "trained"}
        return _json(
            {
                "status": "ok",
                "version": version("folkmoot"),
                "markets": await _called(oracle.markets),
                "members": len({member.id for member in found}),
                "trained": len(trained),
            }
        )

    @service.get("/models/list", response_model=MemberList, responses=_errors(503))
    async def models() -> Response:
        """List every member with its parameters and status, once per market."""
        found = await _called(oracle.members)
        return _json({"models": [member.as_dict() for member in found]})

    @service.get(
        "/models/{id}/status",
        response_model=MemberState,
        responses=_errors(404, 422, 503),
    )
    async def status(id: ModelPath) -> Response:
        """Say whether a member is trained, where, and how it did there."""
        found = _named(await _called(oracle.members), id)
        trained = any(member.status == "trained" for member in found)
        state = "trained" if trained else "untrained"
        markets = [member.as_dict() for member in found]
        return _json({"id": id, "status": state, "markets": markets})

    @service.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(service.openapi()))


def _add_predicting(service: FastAPI, oracle: Oracle) -> None:
    asker = _Asker(oracle)

    @service.post(
        "/predict/single",
        response_model=Prediction,
        responses=_errors(404, 409, 422, 503),
        openapi_extra=_takes(SingleRequest),
    )
    async def single(request: Request) -> Response:
        """Predict the next bars of one market with one model."""
        asked = await _read(request, SingleRequest)
        await asker.check(asked.model)
        return _json(await asker.ask(asked.symbol, asked.timeframe, asked.model))

    @service.post(
        "/predict/batch",
        response_model=BatchAnswer,
        responses=_errors(404, 422, 503),
        openapi_extra=_takes(BatchRequest),
    )
    async def batch(request: Request) -> Response:
        """Predict several markets with one model; the error of one stands in its place."""
        asked = await _read(request, BatchRequest)
        await asker.check(asked.model)
        unique = list(dict.fromkeys(asked.symbols))
        items = await asyncio.gather(
            *(asker.item(symbol, asked.timeframe, asked.model) for symbol in unique)
        )
        answers = dict(zip(unique, items, strict=True))
        return _json({"predictions": [answers[symbol] for symbol in asked.symbols]})


class _Asker:
    """Puts questions to the oracle in threads, a bounded number of predictions at once."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._room = asyncio.Semaphore(AT_ONCE)

    async def check(self, model: str) -> None:
        """Raise `UnknownModel` for a name that is none."""
        _named(await _called(self._oracle.members), model)

    async def ask(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        """Return one prediction for the market that `symbol` names."""
        from folkmoot.market import resolve

        market = resolve(symbol, await _called(self._oracle.markets))
        async with self._room:
            return await asyncio.to_thread(self._oracle.predict, market, timeframe, model)

    async def item(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        """Return one prediction, or its error in the same place."""
        try:
            found = await self.ask(symbol, timeframe, model)
        except FolkmootError as error:
            return {"symbol": symbol, "prediction": None, "error": error.as_dict()}
        return {"symbol": symbol, "prediction": found, "error": None}


async def _called(question: Callable[[], T]) -> T:
    return await asyncio.to_thread(question)


async def _read(request: Request, model: type[M]) -> M:
    """Read the body as JSON, strictly: no NaN, no infinity, no name that is not taken."""
    try:
        value = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadBody(f"not JSON: {error}", where="body", allowed="a JSON object") from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        fields = list(model.model_fields)
        raise BadBody(fault["msg"], where=place, allowed=fields) from None


def _named(found: list[MemberStatus], name: str) -> list[MemberStatus]:
    of_name = [member for member in found if member.id == name]
    if not of_name:
        known = list(dict.fromkeys(member.id for member in found))
        raise UnknownModel(f"no model is called {name[:64]!r}", where="model", allowed=known)
    return of_name


def _json(value: Any, status: int = 200) -> Response:
    # orjson writes NaN and infinities as null.
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, FolkmootError):
        raise error
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    if status == 503:
        structlog.get_logger("folkmoot.service").warning("failed", **error.as_dict())
    facts: dict[str, Any] = {"error": error.as_dict()}
    return _json(facts | {"status": "untrained"} if status == 409 else facts, status)


async def _no_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    facts = {"type": "HttpError", "message": error.detail, "where": request.url.path}
    answer = _json({"error": facts | {"allowed": None}}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Declare these, and what gate and router may answer before any route."""
    forms = {409: UntrainedAnswer}
    return {
        code: {"model": forms.get(code, ErrorAnswer), "description": _SAID[code]}
        for code in sorted({401, 403, 405, 408, 413, *codes})
    }


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    form = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": form}}
