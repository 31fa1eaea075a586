"""The ledger of what was tried outside of studies: one file a configuration on a data lineage.

`Studies.trials` counts these rows with the members and desks of studies: whoever proves what a
search has chosen is judged against all that the search has tried (rule K3).
"""

import os
from pathlib import Path
from typing import Any

from folkmoot.core.hashing import canonical_json, content_hash


class Ledger:
    """The folder of tried configurations under a data root."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "trials"

    def count(self, lineage: str) -> int:
        """Return how many distinct configurations were tried on that data lineage."""
        return sum(1 for _ in (self.folder / lineage).glob("*.json"))

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
