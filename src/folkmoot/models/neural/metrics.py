"""What an epoch's validation rows say in a trader's words: hit rate, rank, and a bare strategy."""

import math

import numpy as np

from folkmoot.core.bars import Floats


def epoch_metrics(p_up: Floats, z: Floats) -> dict[str, float]:
    """Return figures of one horizon: `p_up[rows]` against `z[rows]`, standardised returns.

    `accuracy` of the called side; `ic`: Spearman's rank correlation; of holding the called side for
    a row each: `win_rate`, `sharpe` a row, and `drawdown` in standard deviations. NaN where a
    figure has no meaning. They are looked at, never gated on: costs and overlap are not in them.
    """
    rows = np.isfinite(p_up) & np.isfinite(z)
    p, truth = p_up[rows], z[rows]
    called = np.sign(p - 0.5)
    moved = (truth != 0.0) & (called != 0.0)
    gains = called * truth
    curve = np.concatenate(([0.0], np.cumsum(gains)))
    deviation = float(gains.std()) if len(gains) else 0.0
    return {
        "accuracy": _share(gains[moved] > 0.0),
        "ic": _rank_correlation(p, truth),
        "win_rate": _share(gains[called != 0.0] > 0.0),
        "sharpe": float(gains.mean()) / deviation if deviation > 0.0 else math.nan,
        "drawdown": float((np.maximum.accumulate(curve) - curve).max()),
    }


def _share(hits: Floats) -> float:
    return float(hits.mean()) if len(hits) else math.nan


def _rank_correlation(a: Floats, b: Floats) -> float:
    if len(a) < 2:
        return math.nan
    ranks = [_ranks(side) for side in (a, b)]
    if min(float(side.std()) for side in ranks) == 0.0:
        return math.nan
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return ranks, ties averaged."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2.0)[place]
    return ranks
