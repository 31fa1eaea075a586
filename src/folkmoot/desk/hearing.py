"""What a desk hears about one bar, and from whom."""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple, Protocol

import numpy as np

from folkmoot.committee.minutes import Hearing as Said
from folkmoot.core.bars import Bar, Floats
from folkmoot.core.decision import Evidence
from folkmoot.core.forecast import Belief
from folkmoot.core.mint import mint

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
    row = Rows(
        [known_at],
        [said.status],
        [said.p_up],
        [tuple(rounded(np.asarray(said.quantiles)).tolist())],
        [said.confidence],
        [said.interval],
        [said.n_evidence],
        [said.life],
        [[p] for p in said.calibrated],
        [[weight] for weight in said.weights],
        [[tuple(levels)] for levels in own],
    )
    return spoken(symbol, horizon, names, row)[0]


def rounded(quantiles: Floats) -> Floats:
    """Return log returns to nine decimals, a hundred-thousandth of a basis point.

    That is what the desk acts on and what it journals, at half the length of the full digits.
    """
    return np.round(quantiles, 9)


class Rows(NamedTuple):
    """Rows of the committee's minutes as Python values, a list a column.

    Of the members in turn `calibrated[m][n]`, `weights[m][n]` and their own quantiles `own[m][n]`.
    """

    known_at: Sequence[int]
    status: Sequence[str]
    p_up: Sequence[float]
    quantiles: Sequence[tuple[float, ...]]
    confidence: Sequence[float]
    interval: Sequence[tuple[float, float]]
    n_evidence: Sequence[int]
    life: Sequence[float]
    calibrated: Sequence[Sequence[float]]
    weights: Sequence[Sequence[float]]
    own: Sequence[Sequence[tuple[float, ...]]]


def spoken(symbol: str, horizon: int, names: Sequence[str], rows: Rows) -> list[Hearing]:
    """Return the hearing of each row: live and replay both end here.

    A member's own life is not estimated and stays at one bar.
    """
    about = (repeat(symbol), rows.known_at, repeat(horizon))
    members = [
        map(_belief, repeat(name), *about, p, own, repeat(1.0), weight, repeat(()), repeat(""))
        for name, p, own, weight in zip(names, rows.calibrated, rows.own, rows.weights, strict=True)
    ]
    beliefs = zip(*members, strict=True) if members else repeat(())
    nothing = (repeat(0.0), repeat(()), repeat(""))
    consensus = map(
        _belief, repeat(COMMITTEE), *about, rows.p_up, rows.quantiles, rows.life, *nothing
    )
    reasons = [REASONS[status] for status in rows.status]
    numbers = (rows.confidence, rows.interval, rows.n_evidence)
    each = zip(rows.status, consensus, beliefs, *numbers, repeat(()), reasons, strict=False)
    return list(map(Hearing._make, each))
