"""What a model sees, what it answers, and the belief that the committee trades in."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times

LEVELS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Rows as a model sees them.

    `values[rows, lookback, features]` float64, a strided view whose last step is the decision bar;
    `names` of the features; `known_at[rows]` int64 epoch ms, the decision instant of each row;
    `others`: how many of the first rows are other markets', which teach and are never asked about.
    """

    values: Floats
    names: tuple[str, ...]
    known_at: Times
    others: int = 0

    def __len__(self) -> int:
        return len(self.known_at)

    def rows(self, index: slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Features":
        """Return the rows that `index` selects; a slice copies nothing."""
        return Features(self.values[index], self.names, self.known_at[index])

    def last(self) -> Floats:
        """Return `[rows, features]`: the decision bar's own values."""
        return self.values[:, -1, :]

    def of(self, *names: str) -> Floats:
        """Return `[rows, len(names)]`: the decision bar's values of the named columns."""
        return self.values[:, -1, [self.names.index(name) for name in names]]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """A model's raw answer for n rows; unknown is NaN.

    `p_up[n, horizons]` probability that the log return is positive;
    `quantiles[n, horizons, levels]` of that log return, monotone in the level.
    """

    p_up: Floats
    quantiles: Floats
    horizons: tuple[int, ...]
    levels: tuple[float, ...] = LEVELS

    def __len__(self) -> int:
        return len(self.p_up)


@dataclass(frozen=True, slots=True)
class Belief:
    """One opinion about one market: the currency of models, agents and the committee.

    `known_at` epoch ms; `horizon` in bars; `p_up` in [0, 1] or NaN for an abstention;
    `quantiles` of the log return at the seven `LEVELS`; `life` is the number of bars that the
    opinion is expected to keep its sign; `evidence` holds the ids it rests on.
    """

    source: str
    symbol: str
    known_at: int
    horizon: int
    p_up: float
    quantiles: tuple[float, ...] = ()
    life: float = 1.0
    weight: float = 0.0
    evidence: tuple[str, ...] = ()
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether this is an opinion rather than an abstention."""
        return not math.isnan(self.p_up)
