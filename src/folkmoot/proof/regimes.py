"""How the consensus did in each state of the market, and whether it meant what it said there."""

from typing import Any

import numpy as np

from folkmoot.causal import compile
from folkmoot.core.bars import Bars
from folkmoot.indicators.regime import REGIMES, regime
from folkmoot.proof.scored import CONSENSUS, Scored
from folkmoot.proof.statistics import hits, share_interval

UNKNOWN = "unknown"
"""The name of the rows on which no state was known yet."""


def by_regime(bars: Bars, found: Scored) -> list[dict[str, Any]]:
    """Return one row per state in which anything was scored, unknown last.

    A scored row has the state known at the close on which it was decided. `accuracy` and its
    interval are of the consensus; `said` is its mean probability of a rise and `rose` the share
    that did, with its interval: one bucket of calibration a state. Both intervals allow for labels
    that overlap.
    """
    if not len(found):
        return []
    codes = compile({"state": regime()}).batch(bars)["state"][found.rows]
    p, rows = found.p[CONSENSUS], []
    for code, name in [*enumerate(REGIMES), (np.nan, UNKNOWN)]:
        inside = np.isnan(codes) if name == UNKNOWN else codes == code
        if n := int(np.count_nonzero(inside)):
            right, rises = hits(p[inside], found.up[inside]), found.up[inside]
            row = {
                "regime": name,
                "n": n,
                "accuracy": float(right.mean()),
                "accuracy_interval": list(share_interval(right, found.horizon)),
                "said": float(p[inside].mean()),
                "rose": float(rises.mean()),
                "rose_interval": list(share_interval(rises, found.horizon)),
            }
            rows.append(row)
    return rows
