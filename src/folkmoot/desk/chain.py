"""The hash chain: each record's hash covers the one before it."""

import hashlib
from typing import Any

import orjson

from folkmoot.core.hashing import canonical_json


def genesis(study: str, origin: str) -> bytes:
    """Return what the first record's hash follows."""
    return hashlib.sha256(canonical_json({"origin": origin, "study": study})).digest()


def link(before: bytes, desk: bytes, facts: tuple[Any, ...], payload: bytes) -> bytes:
    """Return the hash of a record.

    `desk` is the canonical JSON of (strategy, symbol, timeframe, provenance); `facts` are the
    bar's open time, prices, volume and extra columns, its fills and its orders; `payload` is the
    decision. Each part is one JSON document, so that their joint can be read in one way only.
    """
    return hashlib.sha256(before + desk + orjson.dumps(facts) + payload).digest()
