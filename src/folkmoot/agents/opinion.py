"""The one answer an agent may give, and the strict reading of what a server sent for it."""

import json
import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

TEMPLATE = "opinion-1"

Text = Annotated[str, Field(max_length=2_000)]
Identifier = Annotated[str, Field(max_length=64)]


class Malformed(ValueError):
    """The server answered, but not with an opinion; the message says what was wrong."""


class Opinion(BaseModel):
    """What a language model may say about one market."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    stance: Annotated[int, Field(ge=-1, le=1)]
    horizon_bars: Annotated[int, Field(ge=1, le=10_000)]
    p_up: Annotated[float, Field(ge=0.0, le=1.0)]
    reasons: Annotated[list[Text], Field(min_length=1, max_length=3)]
    invalidation: Text
    evidence_ids: Annotated[list[Identifier], Field(max_length=25)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stance * (self.p_up - 0.5) < 0.0:
            raise ValueError(f"stance {self.stance} contradicts p_up {self.p_up}")
        return self

    def citing(self, known: frozenset[str]) -> Self:
        """Return self, or raise `Malformed` where it cites what the case does not hold."""
        foreign = [name for name in self.evidence_ids if name not in known]
        if foreign:
            raise Malformed(f"{len(foreign)} of {len(self.evidence_ids)} evidence_ids do not exist")
        if self.stance and not self.evidence_ids:
            raise Malformed("a stance without evidence_ids")
        return self


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "stance": {"type": "integer", "enum": [-1, 0, 1]},
        "horizon_bars": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "p_up": {"type": "number", "minimum": 0, "maximum": 1},
        "reasons": {
            "type": "array",
            "items": {"type": "string", "maxLength": 240},
            "minItems": 1,
            "maxItems": 3,
        },
        "invalidation": {"type": "string", "maxLength": 240},
        "evidence_ids": {"type": "array", "items": {"type": "string"}, "maxItems": 25},
    },
    "required": ["stance", "horizon_bars", "p_up", "reasons", "invalidation", "evidence_ids"],
    "additionalProperties": False,
}

_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n?```\Z", re.DOTALL | re.IGNORECASE)
_THINK = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)


def content(body: bytes) -> str:
    """Return the answer's text out of a chat completion, thoughts removed.

    `reasoning_content` is never read: a chain of thought is not a decision.
    """
    reply = _parsed(_decoded(body))
    if not isinstance(reply, dict):
        raise Malformed(f"the body is {_kind(reply)}, not a chat completion")
    if reply.get("error"):
        raise Malformed("the body reports an error")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Malformed("the body holds no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise Malformed("the choice holds no message")
    text = without_thoughts(_joined(message.get("content"))).strip()
    if not text:
        raise Malformed("the message holds no content besides thoughts")
    return text


def opinion(text: str) -> Opinion:
    """Return the opinion in `text`: one JSON object, alone or in one code fence."""
    fence = _FENCE.match(text.strip())
    found = _parsed(fence.group(1) if fence else text)
    try:
        return Opinion.model_validate(found)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "answer"
        raise Malformed(f"{place}: {fault['msg']}") from None


def without_thoughts(text: str) -> str:
    """Return what stands outside think tags: nested, left open, or closed without an opening.

    >>> without_thoughts("a<think>b<think>c</think>d</think>e")
    'ae'
    >>> without_thoughts("thinking aloud</think>{}")
    '{}'
    """
    kept, depth, end = "", 0, 0
    for tag in _THINK.finditer(text):
        if depth == 0:
            kept += text[end : tag.start()]
        if tag.group().startswith("</"):
            kept = kept if depth else ""
            depth = max(depth - 1, 0)
        else:
            depth += 1
        end = tag.end()
    return kept + ("" if depth else text[end:])


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 at byte {error.start}") from None


def _parsed(text: str) -> Any:
    """Read one JSON document without NaN, infinities or a name given twice."""
    try:
        # Small models put raw line ends into strings; the wording is cleaned later anyway.
        return json.loads(
            text.strip().removeprefix("\ufeff"),
            strict=False,
            object_pairs_hook=_unique,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"not one JSON document: {type(error).__name__}") from None
    except RecursionError:
        raise Malformed("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name stands twice in one object")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise Malformed(f"the number {text[:20]} is not finite")
    return value


def _joined(value: Any) -> str:
    """Read content as a string, or as the text parts of a list (thinking parts are not text)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part for part in value if isinstance(part, dict) and part.get("type") == "text"]
        texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
        return "\n".join(texts)
    raise Malformed(f"the content is {_kind(value)}, not text")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
