"""What a desk hears about one bar, and from whom."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from folkmoot.committee.minutes import Hearing as Words
from folkmoot.core.bars import Bar
from folkmoot.core.decision import Evidence
from folkmoot.core.forecast import Belief
from folkmoot.desk.mint import mint

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


class Said(NamedTuple):
    """The committee's words on one row: the fields of `folkmoot.committee.Hearing`."""

    status: str
    p_up: float
    quantiles: tuple[float, ...]
    confidence: float
    interval: tuple[float, float]
    n_evidence: int
    life: float
    calibrated: tuple[float, ...]
    weights: tuple[float, ...]


def compose(
    said: Said | Words,
    symbol: str,
    known_at: int,
    horizon: int,
    names: Sequence[str],
    quantiles: Sequence[tuple[float, ...]],
) -> Hearing:
    """Return the hearing of one row: live and replay speak through this one function.

    `names[m]` and `quantiles[m]`, each member's own quantiles of the log return, stand in the
    order of `said.calibrated`. A member's life is not estimated and stays at one bar.
    """
    consensus = _belief(
        COMMITTEE, symbol, known_at, horizon, said.p_up, said.quantiles, said.life, 0.0, (), ""
    )
    beliefs = tuple(
        [
            _belief(name, symbol, known_at, horizon, p_up, own, 1.0, weight, (), "")
            for name, p_up, own, weight in zip(
                names, said.calibrated, quantiles, said.weights, strict=True
            )
        ]
    )
    return Hearing(
        said.status,
        consensus,
        beliefs,
        said.confidence,
        said.interval,
        said.n_evidence,
        (),
        REASONS[said.status],
    )
