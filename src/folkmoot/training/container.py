"""One file for a fitted model: safetensors whose every byte is covered by a seal.

The layout is safetensors' own: 8 bytes of header length, a JSON header, raw arrays. The header's
metadata says `format` and `seal`, a SHA-256 over the whole file with the seal itself read as zeros;
the array `facts` holds JSON. Nothing in it is ever executed, whatever the file is called.
"""

import hashlib
import math
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from safetensors.numpy import save

from folkmoot.core.errors import DataError
from folkmoot.core.hashing import canonical_json

Arrays = dict[str, npt.NDArray[Any]]

FORMAT = "folkmoot model 1"
FACTS = "facts"
LARGEST_HEADER = 4_000_000
LARGEST_FILE = 2_000_000_000
MOST_AXES = 8
SEAL = re.compile(rb'"seal":"([0-9a-f]{64})"')
UNSEALED = b"0" * 64
KINDS = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
STRANGERS = {
    b"\x80": "a pickle",
    b"PK": "a zip archive, as torch.save and numpy.savez write (a pickle inside)",
    b"\x93NUMPY": "a numpy file",
    b"CBM1": "a CatBoost model",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
}
WANTED = "a file that folkmoot wrote: folkmoot models export"


def pack(arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]) -> bytes:
    """Return the bytes of a sealed file; `facts` are JSON values."""
    body = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    body[FACTS] = np.frombuffer(canonical_json(dict(facts)), dtype=np.uint8)
    whole = bytes(save(body, {"format": FORMAT, "seal": UNSEALED.decode()}))
    return whole.replace(UNSEALED, hashlib.sha256(whole).hexdigest().encode(), 1)


def write(path: Path, body: bytes) -> None:
    """Put `body` at `path` as a whole or not at all."""
    with _draft(path, body) as draft:
        draft.replace(path)


def create(path: Path, body: bytes) -> bool:
    """Put `body` at `path` as `write` does, unless there is a file; return whether it was put.

    Of several processes at once one puts its own. Where the disk knows no hard links the caller's
    lock has to see to that.
    """
    with _draft(path, body) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError:
            if path.exists():
                return False
            draft.replace(path)
    return True


@contextmanager
def _draft(path: Path, body: bytes) -> Iterator[Path]:
    """Write `body` whole beside `path`, under a name that no other thread writes to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Return (arrays, facts) of the file at `path`, whatever its name ends in.

    Raises `DataError` for anything but a file of ours that is as it was written: a pickle, an
    archive, a header that lies, arrays that overlap, one changed byte, another version.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(16)
            _check_start(path, start, size)
            length = int.from_bytes(start[:8], "little")
            file.seek(8)
            header = file.read(length)
            places = _check_header(path, header, size - 8 - length)
            file.seek(0)
            whole = file.read()
    except OSError as problem:
        raise DataError(
            f"it cannot be read: {problem.strerror}", where=str(path), allowed=WANTED
        ) from problem
    except ValueError as problem:
        raise DataError(f"it is no path: {problem}", where=repr(path), allowed=WANTED) from problem
    _check_seal(path, whole, header)
    arrays = {name: _array(whole, 8 + length, *place) for name, place in places.items()}
    try:
        facts = orjson.loads(arrays.pop(FACTS).tobytes())
    except (KeyError, orjson.JSONDecodeError) as problem:
        raise _refused(path, "it holds no facts") from problem
    if not isinstance(facts, dict):
        raise _refused(path, "its facts have no names")
    return arrays, facts


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the file at `path`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_start(path: Path, start: bytes, size: int) -> None:
    length = int.from_bytes(start[:8], "little")
    plausible = 2 <= length <= min(size - 8, LARGEST_HEADER)
    # A header's length may begin with the byte that a pickle begins with: one in 32 does.
    if not plausible or start[8:9] != b"{":
        _check_stranger(path, start)
    if size < 8:
        raise _refused(path, f"it holds {size} bytes")
    if size > LARGEST_FILE:
        raise _refused(path, f"it holds {size:,} bytes, more than {LARGEST_FILE:,}")
    if not plausible:
        raise _refused(path, f"its header claims {length:,} bytes")


def _check_stranger(path: Path, start: bytes) -> None:
    for magic, what in STRANGERS.items():
        if start.startswith(magic):
            raise _refused(path, f"it is {what}, which could run code or is no model of ours")


def _check_header(path: Path, header: bytes, room: int) -> dict[str, tuple[str, list[int], int]]:
    """Return `{name: (kind, shape, offset)}`, or raise where the header lies about `room` bytes."""
    try:
        told = orjson.loads(header)
        meta = told.pop("__metadata__")
        version = meta["format"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as problem:
        raise _refused(path, "its header is not one of ours") from problem
    if version != FORMAT:
        raise _refused(path, f"its format is {str(version)[:40]!r}, not {FORMAT!r}")
    spans = sorted((_span(path, name, entry) for name, entry in told.items()), key=lambda s: s[:2])
    end = 0
    for first, last, name, *_ in spans:
        if first != end:
            raise _refused(path, f"array {name[:40]!r} overlaps another or leaves a hole")
        end = last
    if end != room:
        raise _refused(path, f"its arrays take {end:,} bytes and it holds {room:,}")
    return {name: (kind, shape, first) for first, _, name, kind, shape in spans}


def _span(path: Path, name: str, entry: Any) -> tuple[int, int, str, str, list[int]]:
    try:
        kind, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
        each = np.dtype(KINDS[kind]).itemsize
    except (KeyError, TypeError, ValueError) as problem:
        raise _refused(path, f"array {name[:40]!r} is not described as arrays are") from problem
    if not _is_shape(shape) or not _is_count(first) or not _is_count(last):
        raise _refused(path, f"array {name[:40]!r} has a shape that no array has")
    if first > last or last - first != math.prod(shape) * each:
        raise _refused(path, f"array {name[:40]!r} has not the size it claims")
    return first, last, name, kind, shape


def _is_shape(shape: Any) -> bool:
    """Return whether numpy can make such an array; one without a number may still be too large."""
    if not isinstance(shape, list) or len(shape) > MOST_AXES:
        return False
    return all(map(_is_count, shape)) and math.prod(max(1, part) for part in shape) < LARGEST_FILE


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number < LARGEST_FILE


def _check_seal(path: Path, whole: bytes, header: bytes) -> None:
    found = list(SEAL.finditer(header))
    if len(found) != 1:
        raise _refused(path, "it has no seal")
    place, view = 8 + found[0].start(1), memoryview(whole)
    digest = hashlib.sha256(view[:place])
    digest.update(UNSEALED)
    digest.update(view[place + len(UNSEALED) :])
    if digest.hexdigest().encode() != found[0][1]:
        raise _refused(path, "it is not as it was written: the seal does not match")


def _array(whole: bytes, start: int, kind: str, shape: list[int], first: int) -> Any:
    count = math.prod(shape)
    flat: npt.NDArray[Any] = np.frombuffer(
        whole, dtype=KINDS[kind], count=count, offset=start + first
    )
    return flat.reshape(shape)


def _refused(path: Path, why: str) -> DataError:
    return DataError(f"this is no model file: {why}", where=str(path), allowed=WANTED)
