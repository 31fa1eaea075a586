"""Ballots of made-up members whose skill is known."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times

HOUR = 3_600_000
NEVER = np.iinfo(np.int64).max
REFERENCES = ("base_rate", "persistence", "ar1")
Z = np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])


@dataclass(frozen=True)
class Ballots:
    """The fields of `folkmoot.training.Ballots` that the committee reads."""

    members: tuple[str, ...]
    p_up: Floats
    quantiles: Floats
    y: Floats
    label_known_at: Times
    known_at: Times
    block: npt.NDArray[np.int8]

    def until(self, n: int) -> "Ballots":
        """The first n rows; a label not known by then is not in them."""
        now = self.known_at[n - 1]
        later = self.label_known_at[:n] > now
        return replace(
            self,
            p_up=self.p_up[:n],
            quantiles=self.quantiles[:n],
            y=np.where(later, np.nan, self.y[:n]),
            label_known_at=np.where(later, NEVER, self.label_known_at[:n]),
            known_at=self.known_at[:n],
            block=self.block[:n],
        )


def ballots(
    n: int = 12_000,
    *,
    edge: float = 0.55,
    horizon: int = 1,
    seed: int = 3,
    others: int = 1,
    life: float = 0.01,
    squeeze: float = 1.0,
) -> Ballots:
    """Make references, a member `wise` that knows a slow sign with P = `edge`, and `noise0`...

    `squeeze` multiplies the wise member's logit: 1 is calibrated, more is overconfident.
    """
    rng = np.random.default_rng(seed)
    sign = np.where(np.cumsum(rng.random(n) < life) % 2 == 0, 1.0, -1.0)
    up = rng.random(n) < np.where(sign > 0, edge, 1.0 - edge)
    size = np.abs(rng.standard_t(5, n)) * 0.005
    y = np.where(up, size, -size)
    y[rng.random(n) < 0.002] = 0.0
    wise = sign * np.log(edge / (1.0 - edge)) * squeeze + 0.02 * rng.standard_normal(n)
    columns = {
        "base_rate": np.repeat(rng.normal(0.0, 0.01, n // 500 + 1), 500)[:n],
        "persistence": 0.02 * np.sign(rng.standard_normal(n)),
        "ar1": 0.02 * rng.standard_normal(n),
        "wise": wise,
        **{f"noise{i}": 0.1 * rng.standard_normal(n) for i in range(others)},
    }
    members = tuple(columns)
    p_up = 1.0 / (1.0 + np.exp(-np.stack(list(columns.values()), axis=1)))
    quantiles = np.repeat((0.0065 * Z)[None, None], n, axis=0).repeat(len(members), axis=1)
    quantiles = quantiles * (1.0 + 0.1 * np.arange(len(members)))[None, :, None]
    length = n // 10
    block = np.minimum(np.maximum((np.arange(n) // length) - 4, -1), 5).astype(np.int8)
    p_up[block < 0], quantiles[block < 0] = np.nan, np.nan
    known_at = 1_600_000_000_000 + HOUR * np.arange(1, n + 1, dtype=np.int64)
    label_known_at = known_at + HOUR * (1 + horizon)
    gap = rng.random(n) < 0.001
    y[gap], label_known_at[gap] = np.nan, NEVER
    return Ballots(members, p_up, quantiles, y, label_known_at, known_at, block)
