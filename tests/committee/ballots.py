"""Ballots of made-up members whose skill is known."""

from dataclasses import replace

import numpy as np

from folkmoot.training.ballots import Ballots

HOUR = 3_600_000
NEVER = np.iinfo(np.int64).max
REFERENCES = ("base_rate", "persistence", "ar1")
Z = np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])


def until(b: Ballots, n: int) -> Ballots:
    """The first n rows; a label not known by then is not in them."""
    later = b.label_known_at[:n] > b.known_at[n - 1]
    return replace(
        b,
        p_up=b.p_up[:n],
        quantiles=b.quantiles[:n],
        y=np.where(later, np.nan, b.y[:n]),
        label_known_at=np.where(later, NEVER, b.label_known_at[:n]),
        known_at=b.known_at[:n],
        block=b.block[:n],
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
    return Ballots(members, p_up, quantiles, y, label_known_at, known_at, block, [], [], 0, 0, {})
