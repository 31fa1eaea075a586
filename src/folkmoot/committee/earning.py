"""What a matured row earns its voters, in direction and in quantiles.

A gain in quantiles is the difference in pinball loss, averaged over the levels, over the spread
q95 - q05 of the climatology at that row: calm rows count like wild ones. No row counts for more
than one such spread, so that a market which stood still does not decide by its jumps.
"""

import math

from numba import njit

from folkmoot.committee.scale import loss
from folkmoot.committee.state import Errors, Merits, Rows
from folkmoot.committee.weights import add_gain
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS

MOST = 1.0


@njit(cache=True)
def earn_direction(rows: Rows, merits: Merits, row: int, up: float) -> None:
    """Count each voter's gain over each reference, where all of them spoke calibrated."""
    references, voters, earnings = merits.references, merits.voters, merits.direction
    for r in range(len(references)):
        if not rows.fitted[row, references[r]]:
            return
    now = merits.errors.now
    for v in range(len(voters)):
        spoke = rows.fitted[row, voters[v]]
        now[v] = loss(rows.calibrated[row, voters[v]], up) if spoke else math.nan
    for r in range(len(references)):
        rival = loss(rows.calibrated[row, references[r]], up)
        for v in range(len(voters)):
            if not math.isnan(now[v]):
                add_gain(earnings, v, r, rival - now[v])
    usual = loss(rows.calibrated[row, references[0]], up)
    for v in range(len(voters)):
        earnings.n[v] += 0 if math.isnan(now[v]) else 1
        now[v] -= usual
    _pair(merits.errors)


@njit(cache=True)
def _pair(errors: Errors) -> None:
    now = errors.now
    for v in range(len(now)):
        if math.isnan(now[v]):
            continue
        for u in range(len(now)):
            if not math.isnan(now[u]):
                errors.n[v, u] += 1
                errors.sums[v, u] += now[v]
                errors.squares[v, u] += now[v] * now[v]
                errors.products[v, u] += now[v] * now[u]


@njit(cache=True)
def keep_quantiles(merits: Merits, row: int, quantiles: Floats) -> None:
    """Remember what all columns said of `row`, in the place of the oldest such."""
    slot = row % len(merits.ring_row)
    merits.ring_row[slot] = row
    merits.ring[slot] = quantiles


@njit(cache=True)
def earn_quantiles(merits: Merits, row: int, y: float) -> None:
    """Count each voter's gain over the climatology at `row`, whose log return `y` is known now.

    A row that is no longer in the ring is passed over.
    """
    slot = row % len(merits.ring_row)
    if merits.ring_row[slot] != row:
        return
    said, earnings = merits.ring[slot], merits.quantiles
    usual = said[merits.references[0]]
    spread = usual[-1] - usual[0]
    if not (complete(usual) and spread > 0.0):
        return
    rival = pinball(y, usual)
    for v in range(len(merits.voters)):
        own = said[merits.voters[v]]
        if complete(own):
            gain = (rival - pinball(y, own)) / spread
            add_gain(earnings, v, 0, min(max(gain, -MOST), MOST))
            earnings.n[v] += 1


@njit(cache=True)
def complete(quantiles: Floats) -> bool:
    """Whether every level of `quantiles[7]` is a finite number."""
    total = 0.0
    for q in range(len(quantiles)):
        total += quantiles[q]
    return math.isfinite(total)


@njit(cache=True)
def pinball(y: float, quantiles: Floats) -> float:
    """Return the pinball loss of `quantiles[7]` at the outcome `y`, averaged over the levels."""
    total = 0.0
    for q in range(len(quantiles)):
        error = y - quantiles[q]
        total += max(LEVELS[q] * error, (LEVELS[q] - 1.0) * error)
    return total / len(quantiles)
