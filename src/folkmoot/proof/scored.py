"""The rows that count, and how every forecaster did on them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.committee import STATUSES, Minutes
from folkmoot.core.bars import Bars, Floats
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.proof.statistics import (
    brier,
    gross_bp,
    hits,
    log_loss,
    log_losses,
    mean_interval,
    share_interval,
    weighted_accuracy,
)
from folkmoot.training import Ballots

CONSENSUS = "consensus"
COMMITTEE = "committee"
BURN_IN = 0


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The rows S of a study: blocks after the burn-in, label matured and not zero, all heard.

    `rows[k]` row numbers; `returns[k]` log returns of the label; `up[k]` 1.0 or 0.0;
    `p[name][k]` calibrated probabilities, the consensus among them; `raw[name][k]` as said.
    `voice` is whose probabilities stand in the consensus' place: the committee's, or a strategy's.
    """

    rows: npt.NDArray[np.int64]
    returns: Floats
    up: Floats
    p: Mapping[str, Floats]
    raw: Mapping[str, Floats]
    horizon: int
    voice: str = COMMITTEE

    def __len__(self) -> int:
        return len(self.rows)

    def losses(self, name: str) -> Floats:
        """Return `[k]` log losses in nats."""
        return log_losses(self.p[name], self.up)


def scored(
    ballots: Ballots,
    minutes: Minutes,
    members: Sequence[str],
    horizon: int,
    *,
    since: int | None = None,
    until: int | None = None,
) -> Scored:
    """Return the rows that count, decided in [since, until), epoch ms."""
    judged = [minutes.names.index(name) for name in (*members, *REFERENCES)]
    known = np.isfinite(minutes.calibrated[:, judged]).all(axis=1) & np.isfinite(minutes.p_up)
    rows = (ballots.block > BURN_IN) & np.isfinite(ballots.y) & (ballots.y != 0.0) & known
    if since is not None:
        rows &= ballots.known_at >= since
    if until is not None:
        rows &= ballots.known_at < until
    index = np.flatnonzero(rows)
    p = {name: minutes.calibrated[index, k] for k, name in enumerate(minutes.names)}
    raw = {name: ballots.p_up[index, k] for k, name in enumerate(ballots.members)}
    returns = ballots.y[index]
    up = (returns > 0.0).astype(np.float64)
    return Scored(index, returns, up, {**p, CONSENSUS: minutes.p_up[index]}, raw, horizon)


def member_row(found: Scored, minutes: Minutes, name: str) -> dict[str, Any]:
    """Return a member's line of the leaderboard; `weight` is its mean over the scored rows."""
    column = minutes.names.index(name)
    weight = float(minutes.weights[found.rows, column].mean()) if len(found) else 0.0
    status = "earned" if weight > 0.0 else "no_earned_weight"
    return {"name": name, "status": status, "weight": weight, **_scores(found, name, found.p[name])}


def consensus_row(found: Scored, minutes: Minutes) -> dict[str, Any]:
    """Return the consensus' line of the leaderboard, with how often it could speak."""
    spoke = minutes.status[found.rows] == STATUSES.index("ok")
    share = float(spoke.mean()) if len(found) else 0.0
    if found.voice != COMMITTEE:
        share = 1.0
    row = {
        "name": CONSENSUS,
        "voice": found.voice,
        "status": "ok" if share > 0.0 else "no_earned_weight",
        "weight": 1.0,
        "spoke": share,
    }
    return row | _scores(found, CONSENSUS, found.p[CONSENSUS])


def baseline_row(found: Scored, name: str, bars: Bars) -> dict[str, Any]:
    """Return a baseline's line; those without a meaningful probability have only directions."""
    if name in REFERENCES:
        return {"name": name, "status": "reference", "weight": 0.0} | _scores(
            found, name, found.p[name]
        )
    row = {"name": name, "status": "direction_only", "weight": 0.0}
    row |= _directions(found, found.raw[name])
    if name == "opposite_sign":
        row["close_to_close"] = opposite_of_last_bar(bars, found)
    return row | {"log_loss": None, "brier": None, "gain": None, "gain_interval": None}


def baseline_rows(found: Scored, bars: Bars) -> list[dict[str, Any]]:
    """Return the lines of all baselines."""
    return [baseline_row(found, name, bars) for name in BASELINES]


def opposite_of_last_bar(bars: Bars, found: Scored) -> dict[str, Any]:
    """Return how often the next close fell on the other side of a close than the one before.

    Over all bars from the first to the last scored one, moves of zero left out.
    """
    if not len(found):
        return {"accuracy": None, "n": 0}
    first, last = int(found.rows[0]), int(found.rows[-1])
    move = np.sign(np.diff(bars.close[first - 1 : last + 2]))
    turned = move[1:] * move[:-1]
    n = int(np.count_nonzero(turned))
    return {"accuracy": float(np.sum(turned < 0.0) / n) if n else None, "n": n}


def _scores(found: Scored, name: str, p: Floats) -> dict[str, Any]:
    reference = best_reference(found)
    gain = found.losses(reference) - found.losses(name) if len(found) else np.zeros(0)
    mean, low, high = mean_interval(gain, found.horizon)
    return {
        **_directions(found, p),
        "log_loss": log_loss(p, found.up),
        "brier": brier(p, found.up),
        "gain": mean,
        "gain_interval": [low, high],
    }


def _directions(found: Scored, p: Floats) -> dict[str, Any]:
    heard = np.isfinite(p)
    n = int(heard.sum())
    right = hits(p[heard], found.up[heard])
    known = np.where(heard, p, 0.5)
    return {
        "n": n,
        "accuracy": float(right.mean()) if n else math.nan,
        "accuracy_interval": list(share_interval(right, found.horizon)) if n else None,
        "weighted_accuracy": weighted_accuracy(known, found.returns) if n else None,
        "gross_bp": gross_bp(known, found.returns),
    }


def best_reference(found: Scored) -> str:
    """Return the reference with the lowest log loss."""
    losses = {name: log_loss(found.p[name], found.up) for name in REFERENCES}
    return min(REFERENCES, key=losses.__getitem__)
