"""The ledger of what was tried outside of studies: one file a configuration on a data lineage.

`Studies.trials` counts these rows with the members and desks of studies: whoever proves what a
search has chosen, or the best of what was trained, is judged against all that was tried (rule K3).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.errors import DataError
from folkmoot.core.hashing import canonical_json, content_hash
from folkmoot.training.keys import OURS, outsider_version


class Ledger:
    """The folder of tried configurations under a data root."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "trials"

    def count(self, lineage: str) -> int:
        """Return how many distinct configurations were tried on that data lineage."""
        return sum(1 for _ in (self.folder / lineage).glob("*.json"))

    def rows(self, lineage: str) -> list[dict[str, Any]]:
        """Return the configurations tried on that data lineage; `DataError` for a damaged row."""
        return [_read(row) for row in sorted((self.folder / lineage).glob("*.json"))]

    def add(self, lineage: str, config: dict[str, Any]) -> None:
        """Count a configuration; one that was counted before is no further row."""
        folder = self.folder / lineage
        row = folder / f"{content_hash(config)}.json"
        if row.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{row.stem}.{os.getpid()}"
        with draft.open("wb") as file:
            file.write(canonical_json(config))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(row)


def trained(
    model: str, given: Mapping[str, Any], horizons: tuple[int, ...], columns: str
) -> dict[str, Any]:
    """Return what makes a trained member another one on the same data: for the ledger.

    Options that say what the member does anyway are left out; `columns` is the hash of the feature
    set. A member that is not folkmoot's own is told from its earlier versions by its source.

    Raises `UsageError` for a member or option that does not exist.
    """
    own, built = models.build(model), models.build(model, **given)
    known = plugins.options(plugins.load(OURS, model)).keys() - {"horizons"}
    said = {option: getattr(built, option) for option in sorted(known)}
    options = {
        k: v for k, v in said.items() if canonical_json(v) != canonical_json(getattr(own, k))
    }
    asked: dict[str, Any] = {"model": model, "horizons": list(horizons), "columns": columns}
    source = outsider_version(OURS, model)
    return {"trained": asked | ({"source": source} if source else {}), "options": options}


def _read(row: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = orjson.loads(row.read_bytes())
    except orjson.JSONDecodeError as problem:
        raise DataError(
            f"a row of the ledger is damaged: {problem}",
            where=str(row),
            allowed="what was written to it, from a copy; without the row luck would look smaller",
        ) from problem
    return config
