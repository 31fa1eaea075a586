"""What the committee said: of one row, and of all rows."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times

STATUSES = ("ok", "warming", "no_earned_weight", "unknown_features", "stale")


@dataclass(frozen=True, slots=True)
class Row:
    """One bar's forecasts, and the labels that have become known with it.

    `p_up[m]` and `quantiles[m, 7]` in the order of the members, NaN where unknown; `labels` holds
    (row number, log return, known_at), oldest first.
    """

    known_at: int
    block: int
    p_up: Floats
    quantiles: Floats
    labels: tuple[tuple[int, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the committee says at one bar; unknown is NaN.

    `p_up` is the consensus' probability of a rise; `confidence` that its side is right, with the
    80 % `interval` and the number of matured outcomes behind it; `life` in bars; `calibrated`,
    `weights` and, for the quantiles, `quantile_weights` in the order of the members.

    Of the members that have a weight: `agreement`, the share of it on the consensus' side;
    `effective`, how many uncorrelated models they are worth; the `aleatoric` and `epistemic` part
    of their uncertainty, each in [0, 1] bits.
    """

    status: str
    p_up: float
    quantiles: tuple[float, ...]
    confidence: float
    interval: tuple[float, float]
    n_evidence: int
    life: float
    calibrated: tuple[float, ...]
    weights: tuple[float, ...]
    quantile_weights: tuple[float, ...]
    agreement: float
    effective: float
    aleatoric: float
    epistemic: float


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """What the committee said at every row; the fields are `Hearing`'s, one row a bar.

    `names[m]`, `calibrated[n, m]`, `weights[n, m]`, `quantile_weights[n, m]`, `p_up[n]`,
    `quantiles[n, 7]` with the outer two adapted by conformal inference, `confidence[n]`,
    `interval[n, 2]`, `n_evidence[n]`, `life[n]`, `agreement[n]`, `effective[n]`, `aleatoric[n]`,
    `epistemic[n]`, `status[n]` as an index into `STATUSES`.
    """

    names: tuple[str, ...]
    calibrated: Floats
    weights: Floats
    quantile_weights: Floats
    p_up: Floats
    quantiles: Floats
    confidence: Floats
    interval: Floats
    n_evidence: Times
    life: Floats
    agreement: Floats
    effective: Floats
    aleatoric: Floats
    epistemic: Floats
    status: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.p_up)

    def at(self, t: int) -> Hearing:
        """Return what was said at row `t`."""
        return Hearing(
            status=STATUSES[self.status[t]],
            p_up=float(self.p_up[t]),
            quantiles=tuple(self.quantiles[t].tolist()),
            confidence=float(self.confidence[t]),
            interval=(float(self.interval[t, 0]), float(self.interval[t, 1])),
            n_evidence=int(self.n_evidence[t]),
            life=float(self.life[t]),
            calibrated=tuple(self.calibrated[t].tolist()),
            weights=tuple(self.weights[t].tolist()),
            quantile_weights=tuple(self.quantile_weights[t].tolist()),
            agreement=float(self.agreement[t]),
            effective=float(self.effective[t]),
            aleatoric=float(self.aleatoric[t]),
            epistemic=float(self.epistemic[t]),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands: matured calibrated rows, mean gain over the best reference, weight.

    `gain` in nats a bar with its Newey-West `z`, NaN before 500 rows; `calibrator` is `none`,
    `platt` or `isotonic`. The same of its quantiles against the climatology's: `quantile_gain` in
    pinball loss as a share of the climatology's spread q95 - q05.
    """

    n: int
    gain: float
    z: float
    weight: float
    calibrator: str
    quantile_n: int = 0
    quantile_gain: float = math.nan
    quantile_z: float = math.nan
    quantile_weight: float = 0.0
