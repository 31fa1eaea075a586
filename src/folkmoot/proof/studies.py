"""Stored studies: one JSON file each, found again by key, by market, and counted as trials."""

import contextlib
import os
from pathlib import Path
from typing import Any

import orjson

from folkmoot.core.errors import DataError
from folkmoot.core.hashing import canonical_json


class Studies:
    """The folder of studies under a data root."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "studies"

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of that key, or None."""
        path = self.folder / f"{key}.json"
        return _read(path) if path.exists() else None

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Keep a record, as a whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{key}.{os.getpid()}"
        with draft.open("wb") as file:
            file.write(canonical_json(record))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / f"{key}.json")

    def all(self) -> list[dict[str, Any]]:
        """Return every record, oldest first."""
        paths = sorted(self.folder.glob("*.json"), key=lambda path: (_written(path), path.name))
        return [_read(path) for path in paths]

    def of(self, symbol: str, timeframe: str) -> dict[str, Any] | None:
        """Return the latest record of a market, or None."""
        fitting = [
            record
            for record in self.all()
            if (record["study"]["symbol"], record["study"]["timeframe"]) == (symbol, timeframe)
        ]
        return fitting[-1] if fitting else None

    def trials(self, lineage: str) -> int:
        """Return how many forecasters and desks were ever scored on that data lineage.

        Every distinct configuration counts its members and its desk once, however often it ran or
        however many bars were appended since; the baselines count once.
        """
        members: dict[str, int] = {}
        baselines = 0
        for record in self.all():
            if record["lineage"] == lineage:
                members[record["config_hash"]] = len(record["study"]["members"]) + 1
                baselines = max(baselines, len(record["study"]["baselines"]))
        return sum(members.values()) + baselines


def _written(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as problem:
        raise DataError(
            f"the stored study is damaged: {problem}", where=str(path), allowed="delete the file"
        ) from problem
    return record
