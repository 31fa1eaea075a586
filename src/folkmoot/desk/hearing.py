"""What a desk hears about one bar, and from whom."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from folkmoot.committee.minutes import Hearing as Said
from folkmoot.core.bars import Bar, Floats
from folkmoot.core.decision import Evidence
from folkmoot.core.forecast import Belief
from folkmoot.execution.mint import mint

COMMITTEE = "committee"
REASONS = {
    "ok": "",
    "warming": "too few forecasts have matured to calibrate on",
    "no_earned_weight": "no member has beaten the baselines out of sample",
    "unknown_features": "a feature that every member needs is unknown",
    "stale": "the members are older than one block without a refit",
}
_belief = mint(Belief)


class Hearing(NamedTuple):
    """All that was said about one bar.

    `status` is `ok` or why nobody may act; `confidence` is the calibrated probability that the
    side of `consensus` is right, NaN while unknown, with its 80 % `interval` and `n_evidence`, the
    matured outcomes behind it.
    """

    status: str
    consensus: Belief
    beliefs: tuple[Belief, ...]
    confidence: float
    interval: tuple[float, float]
    n_evidence: int
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""


class Voice(Protocol):
    """Whoever the desk listens to. Asked twice about a bar, it answers the same."""

    def hear(self, bar: Bar) -> Hearing:
        """Say what is believed at the close of `bar`."""


def compose(
    said: Said,
    symbol: str,
    known_at: int,
    horizon: int,
    names: Sequence[str],
    quantiles: Sequence[Sequence[float]] | Floats,
) -> Hearing:
    """Return the hearing of one row of the committee's minutes.

    `names[m]` and `quantiles[m, 7]`, each member's own quantiles of the log return, stand in the
    order of `said.calibrated`.
    """
    own = rounded(np.asarray(quantiles, dtype=np.float64)).tolist()
    return spoken(
        symbol,
        known_at,
        horizon,
        names,
        [tuple(levels) for levels in own],
        said.status,
        said.p_up,
        tuple(rounded(np.asarray(said.quantiles)).tolist()),
        said.confidence,
        said.interval,
        said.n_evidence,
        said.life,
        said.calibrated,
        said.weights,
    )


def rounded(quantiles: Floats) -> Floats:
    """Return log returns to nine decimals, a hundred-thousandth of a basis point.

    That is what the desk acts on and what it journals, at half the length of the full digits.
    """
    return np.round(quantiles, 9)


def spoken(
    symbol: str,
    known_at: int,
    horizon: int,
    names: Sequence[str],
    own: Sequence[tuple[float, ...]],
    status: str,
    p_up: float,
    quantiles: tuple[float, ...],
    confidence: float,
    interval: tuple[float, float],
    n_evidence: int,
    life: float,
    calibrated: Sequence[float],
    weights: Sequence[float],
) -> Hearing:
    """Return the hearing of loose values: live and replay both end here.

    A member's own life is not estimated and stays at one bar.
    """
    consensus = _belief(COMMITTEE, symbol, known_at, horizon, p_up, quantiles, life, 0.0, (), "")
    beliefs = [
        _belief(name, symbol, known_at, horizon, p, levels, 1.0, weight, (), "")
        for name, p, levels, weight in zip(names, calibrated, own, weights, strict=True)
    ]
    reason = REASONS[status]
    return Hearing(status, consensus, tuple(beliefs), confidence, interval, n_evidence, (), reason)
