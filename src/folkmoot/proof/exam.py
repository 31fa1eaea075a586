"""A member's out-of-fold rows at every horizon: scores beside the references', and a calibration.

A row counts as in `proof.scored`: after the first block, its label known and not zero, forecast by
the member and by every reference. Probabilities are scored as the committee would have calibrated
them at the row, with nothing but labels known by then.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from folkmoot.committee import calibration
from folkmoot.committee.prequential import deliberate
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS
from folkmoot.models import REFERENCES
from folkmoot.proof import statistics
from folkmoot.proof.scored import Scored, scored
from folkmoot.training import Ballots

FEWEST = 100
"""Rows below which a validation says nothing and is not passed."""

EARNED = 0.05
"""The one-sided p at which skill beyond every reference counts as earned."""

COIN = "coin"
"""The reference that says one half of every row."""

Figures = dict[str, Any]


def examined(name: str, each: Mapping[int, Ballots]) -> tuple[Figures, dict[str, list[float]]]:
    """Return (validation, calibration) of a member from its ballots `each` horizon.

    The validation is `passed` where it could be made: enough rows at every horizon and every figure
    finite. Whether skill was `earned` is said of each horizon and decides nothing else.
    """
    horizons: dict[str, Figures] = {}
    lines: dict[str, list[float]] = {}
    for horizon, ballots in each.items():
        minutes = deliberate(ballots, references=REFERENCES, members=[name], horizon=horizon)
        found = scored(ballots, minutes, [name], horizon)
        horizons[str(horizon)] = exam(found, name, ballots)
        lines[str(horizon)] = list(line(found.raw[name], found.up))
    sane = all(row["n"] >= FEWEST and _finite(row) for row in horizons.values())
    blocks = sorted(set(int(b) for b in next(iter(each.values())).block if b > 0))
    facts = {"passed": sane, "fewest": FEWEST, "blocks": blocks, "horizons": horizons}
    return facts, lines


def exam(found: Scored, name: str, ballots: Ballots) -> Figures:
    """Return one horizon's figures of a member and, on the same rows, of the references.

    `gain` is the log loss saved against the `reference` that is hardest to beat, whose one-sided
    Diebold-Mariano `p` decides what is `earned`. A fair coin is one of them: where few rows were
    there to learn a base rate from, beating that alone is no skill.
    """
    if len(found) < FEWEST:
        return {"n": len(found), "earned": False}
    spans = {one: ballots.quantiles[found.rows, k] for k, one in enumerate(ballots.members)}
    horizon, own = found.horizon, found.losses(name)
    against = {one: found.losses(one) for one in REFERENCES}
    against[COIN] = np.full(len(own), math.log(2.0))
    tests = {
        one: statistics.diebold_mariano(own, losses, horizon) for one, losses in against.items()
    }
    best = max(tests, key=lambda one: tests[one].p)
    truth = found.returns
    wide = {one: pinball(truth, spans[one]) for one in (name, *REFERENCES)}
    spread = statistics.diebold_mariano(wide[name], wide["base_rate"], horizon)
    return {
        "n": len(found),
        "earned": bool(tests[best].p <= EARNED),
        "reference": best,
        "p": tests[best].p,
        "gain": _interval(against[best] - own, horizon),
        "pinball_p": spread.p,
        "uncalibrated_log_loss": statistics.log_loss(found.raw[name], found.up),
        **figures(found, name, spans[name]),
        "baselines": {one: figures(found, one, spans[one]) for one in REFERENCES},
    }


def figures(found: Scored, name: str, quantiles: Floats) -> Figures:
    """Return a forecaster's scores, each mean as [mean, low, high] of its 95 % interval.

    `log_loss` in nats; `pinball_bp` over the seven levels and `gross_bp` in basis points;
    `coverage_90` the share of returns inside the outer quantiles.
    """
    p, up, truth, horizon = found.p[name], found.up, found.returns, found.horizon
    right = statistics.hits(p, up)
    inside = (truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1])
    return {
        "log_loss": _interval(found.losses(name), horizon),
        "brier": _interval((p - up) ** 2, horizon),
        "accuracy": [float(right.mean()), *statistics.share_interval(right, horizon)],
        "weighted_accuracy": statistics.weighted_accuracy(p, truth),
        "gross_bp": _interval(1e4 * statistics.sides(p) * truth, horizon),
        "pinball_bp": _interval(pinball(truth, quantiles), horizon),
        "coverage_90": float(inside.mean()),
    }


def pinball(truth: Floats, quantiles: Floats) -> Floats:
    """Return `[rows]`: the pinball loss, mean over the seven levels, in basis points."""
    error = truth[:, None] - quantiles
    levels = np.array(LEVELS)
    loss: Floats = 1e4 * np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)
    return loss


def line(p: Floats, up: Floats) -> tuple[float, float]:
    """Return (slope, level) of Platt's line on the logit of `p`, fitted as the committee does.

    Only the level is fitted where the logit hardly moves; of no rows, (1, 0).
    """
    if not len(p):
        return 1.0, 0.0
    bounded = np.clip(p, statistics.CLIP, 1.0 - statistics.CLIP)
    x = np.ascontiguousarray(np.log(bounded / (1.0 - bounded)))
    moves = int(np.count_nonzero(np.diff(x)))
    sloped = moves >= calibration.MIN_MOVES and len(x) * x.var() >= calibration.MIN_SPREAD
    sums = np.array([x.sum(), (x * x).sum(), (x * up).sum(), up.sum()])
    slope, level = calibration.platt_line(x, len(x), sums, bool(sloped), 1.0, 0.0)
    return float(slope), float(level)


def _interval(x: Floats, horizon: int) -> list[float]:
    return [float(part) for part in statistics.mean_interval(x, horizon)]


def _finite(value: Any) -> bool:
    """Return whether every number in a nested value is finite."""
    if isinstance(value, Mapping):
        return all(_finite(part) for part in value.values())
    if isinstance(value, list):
        return all(_finite(part) for part in value)
    return not isinstance(value, float) or math.isfinite(value)
