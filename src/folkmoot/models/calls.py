"""Baselines that only call a direction: their probability says which, and barely how surely.

Such a rule stands in the table for its accuracy. Its P(up) lies on the called side of one half by
the training hit rate less one half, by a thousandth at least so that the call stays visible.
"""

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.models import rows, spread

LEAST = 1e-3


def fit_calls(
    member: rows.Member, x: Features, call: Floats, y: Floats, weights: Floats
) -> dict[str, Floats]:
    """Return `edge[horizons]` of `call[rows]` (1.0 up, -1.0 down, 0.0 none) and the shape."""
    rows.check_shapes(member, x, y, weights)
    known = rows.known(rows.take(x, member.needs)) & np.isfinite(call)
    edges = [_edge(s) for s in rows.samples(member, call[:, None], y, weights, known)]
    shape = spread.fit_shape(x, y, weights, member.horizons)
    return {"edge": np.array(edges), "shape": shape}


def probability(call: Floats, edge: Floats) -> Floats:
    """Return P(up) `[rows, horizons]`: one half where nothing is called, NaN where unknown."""
    return 0.5 + call[:, None] * edge[None, :]


def _edge(sample: rows.Sample) -> float:
    called = sample.values[:, 0] != 0.0
    hits = (sample.values[:, 0] > 0.0) == (sample.up > 0.0)
    weights = sample.weights * called
    rate = ((hits * weights).sum() + 0.5) / (weights.sum() + 1.0)
    return max(float(rate) - 0.5, LEAST)
