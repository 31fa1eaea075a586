"""What every task of one walk reads: the table, the labels, and when each became known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import orjson

from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.features import FeatureSet, Table, labels


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A table with labels for several horizons.

    `table` holds the columns of the feature set and then those of the set `bars`;
    `y[n, horizons]` log returns and `label_known_at[n, horizons]`; rows before `start` still feel
    where the history starts and teach nobody; `others`: further markets that members learn from.
    """

    table: Table
    y: Floats
    label_known_at: Times
    horizons: tuple[int, ...]
    start: int
    others: "tuple[Material, ...]" = ()

    @classmethod
    def of(cls, bars: Bars, columns: FeatureSet, horizons: tuple[int, ...], start: int) -> Self:
        """Compute the features and labels of `bars`."""
        found = [labels(bars, horizon) for horizon in horizons]
        y = np.column_stack([label.y for label in found])
        known_at = np.column_stack([label.known_at for label in found])
        return cls(columns.matrix(bars), y, known_at, horizons, start)

    def park(self, folder: Path) -> None:
        """Write everything to `folder`, to be mapped by other processes."""
        np.save(folder / "values.npy", self.table.values)
        np.save(folder / "known_at.npy", self.table.known_at)
        np.save(folder / "y.npy", self.y)
        np.save(folder / "label_known_at.npy", self.label_known_at)
        facts = {"names": self.table.names, "horizons": self.horizons, "start": self.start}
        facts["others"] = len(self.others)
        (folder / "facts.json").write_bytes(orjson.dumps(facts))
        for place, other in enumerate(self.others):
            (folder / f"other{place}").mkdir()
            other.park(folder / f"other{place}")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `park` wrote; nothing is copied."""
        facts = orjson.loads((folder / "facts.json").read_bytes())
        values, known_at, y, label_known_at = (
            np.load(folder / f"{name}.npy", mmap_mode="r")
            for name in ("values", "known_at", "y", "label_known_at")
        )
        table = Table(values, tuple(facts["names"]), known_at)
        others = tuple(cls.open(folder / f"other{place}") for place in range(facts["others"]))
        return cls(table, y, label_known_at, tuple(facts["horizons"]), facts["start"], others)
