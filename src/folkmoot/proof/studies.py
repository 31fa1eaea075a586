"""Stored studies: one JSON file each, found by key or by what they were of, counted as trials."""

import contextlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError
from folkmoot.core.hashing import canonical_json
from folkmoot.execution import Costs, Limits
from folkmoot.proof.keys import lineage
from folkmoot.proof.plan import roster
from folkmoot.proof.tried import Ledger


@dataclass(frozen=True, slots=True)
class Subject:
    """What a study was of: equal subjects are the same question, whatever controls were run.

    A data lineage, the columns' hash, the horizon; the costs of one side and of holding; the
    strategy, the scored span (epoch ms, None: unlimited); and as canonical JSON the limits and the
    committee's prior weights, options and fitted horizons. Its members are not part of it.
    """

    lineage: str
    columns: str
    horizon: int
    fee: float
    slippage: float
    funding: float | None
    borrow: float | None
    strategy: str
    since: int | None
    until: int | None
    limits: str
    weights: str
    options: str
    horizons: str

    @classmethod
    def of(
        cls,
        bars: Bars,
        features: str,
        committee: Committee,
        costs: Costs,
        *,
        strategy: str = "half_kelly",
        limits: Limits | None = None,
        span: tuple[int | None, int | None] = (None, None),
    ) -> Self:
        """Return what a study of `bars` would be of."""
        from folkmoot.features import feature_set

        columns, _ = feature_set(features, bars.timeframe).knowable(bars)
        asked = roster(committee)
        return cls(
            lineage(bars), columns.hash(), committee.horizon,
            costs.fee, costs.slippage, costs.funding, costs.borrow, strategy, *span,
            _text(asdict(limits or Limits())), _text(asked["weights"]), _text(asked["options"]),
            _text(asked["horizons"]),
        )  # fmt: skip


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

    def fitting(self, subject: Subject) -> list[dict[str, Any]]:
        """Return the records of studies that were of just this, newest first."""
        wanted = asdict(subject)
        return [record for record in reversed(self.all()) if record.get("subject") == wanted]

    def trials(self, lineage: str) -> int:
        """Return how many forecasters and desks were ever scored on that data lineage.

        Every distinct configuration counts its members and its desk once, however often it ran or
        however many bars were appended since; the baselines count once. What a search has tried
        counts too, and what was trained, unless a study scores just that: the same member with the
        same options, columns and fitted horizons.
        """
        members: dict[str, int] = {}
        baselines, here = 0, set[str]()
        for record in self.all():
            if record["lineage"] == lineage:
                members[record["config_hash"]] = len(record["study"]["members"]) + 1
                baselines = max(baselines, len(record["study"]["baselines"]))
                here |= _scored(record)
        tried = [_text(row) for row in Ledger(self.folder.parent).rows(lineage)]
        return sum(members.values()) + baselines + sum(row not in here for row in tried)


def _scored(record: dict[str, Any]) -> set[str]:
    """Return what a study scored, as `tried.trained` would have written it for the ledger."""
    subject = record.get("subject")
    if subject is None:
        return set()
    options, ahead = orjson.loads(subject["options"]), orjson.loads(subject["horizons"])
    found = set()
    for row in record["study"]["members"]:
        given = {"horizons": ahead or [subject["horizon"]], **options.get(row["name"], {})}
        asked = {"model": row["name"], "columns": subject["columns"]}
        asked["horizons"] = given.pop("horizons")
        found.add(_text({"trained": asked, "options": given}))
    return found


def _text(value: Any) -> str:
    return canonical_json(value).decode()


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
