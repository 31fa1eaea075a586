"""Every member's out-of-fold forecasts, row beside row with what came true and when."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times
from folkmoot.core.hashing import content_hash


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """n rows and m members; NaN where a member has no forecast, which is everywhere before block 0.

    `p_up[n, m]`, `quantiles[n, m, 7]` of the log return; `y[n]` the label and `label_known_at[n]`;
    `known_at[n]` the decision instant; `block[n]` from 0 to 5, -1 before; `cards` of the artefacts,
    block by block; `dropped` columns that were unknown in the whole of a training span;
    `artefacts[(block, member)]` keys in the store.
    """

    members: tuple[str, ...]
    p_up: Floats
    quantiles: Floats
    y: Floats
    label_known_at: Times
    known_at: Times
    block: npt.NDArray[np.int8]
    cards: list[dict[str, Any]]
    dropped: list[str]
    tasks_run: int
    tasks_cached: int
    artefacts: dict[tuple[int, str], str]

    def __len__(self) -> int:
        return len(self.y)

    def hash(self) -> str:
        """Return the SHA-256 of the forecasts and labels, not of how they came about."""
        arrays = (self.p_up, self.quantiles, self.y, self.label_known_at, self.known_at, self.block)
        return content_hash(list(self.members), *arrays)
