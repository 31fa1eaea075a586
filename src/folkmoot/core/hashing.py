"""Canonical JSON and content hashes: equal content has equal bytes on every run."""

import hashlib
from typing import Any

import numpy as np
import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def canonical_json(value: Any) -> bytes:
    """Return sorted-key JSON with floats in their shortest form and NaN as null.

    >>> canonical_json({"b": 1.0, "a": float("nan")})
    b'{"a":null,"b":1.0}'
    """
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def content_hash(*parts: Any) -> str:
    """Return the SHA-256 of the parts; arrays count by dtype, shape and bytes.

    >>> content_hash("a", 1) == content_hash("a", 1)
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            head = f"{part.dtype.str}{part.shape}".encode()
            body = np.ascontiguousarray(part).tobytes()
        elif isinstance(part, bytes):
            head, body = b"bytes", part
        else:
            head, body = b"json", canonical_json(part)
        digest.update(len(head).to_bytes(8, "little") + head)
        digest.update(len(body).to_bytes(8, "little") + body)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()
    return str(value)
