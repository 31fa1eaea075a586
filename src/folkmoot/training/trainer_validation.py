"""What a network's held-out test part says of it, with the baselines on the same rows.

1. The first half of the test rows fits a line from the network's logit to what came true.
2. The second half, purged, judges the network through that line. Baselines are fitted on the rows
   before the test part; the network has earned a horizon if its log loss is below that of the best
   of them, one-sided at 5 %, by a t test over the means of blocks longer than four horizons.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS, Forecast
from folkmoot.models import LogisticRegression
from folkmoot.training.data_module import FEWEST, Span, WalkForwardDataModule

CLIP = 1e-4
SIGNIFICANT = 0.05
HORIZONS_A_BLOCK = 4
MOST_BLOCKS = 50
FEWEST_BLOCKS = 8

Line = tuple[float, float]
Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judgement:
    """JSON values: the card's `validation` and `calibration`."""

    validation: dict[str, Any]
    calibration: dict[str, list[float]]


def through(line: Line, p_up: Floats) -> Floats:
    """Return P(up) mapped by a line (slope, level) of its logit, within 1e-4 of 0 and 1.

    >>> through((1.0, 0.0), np.array([0.25]))
    array([0.25])
    """
    p = np.clip(p_up, CLIP, 1.0 - CLIP)
    mapped = 1.0 / (1.0 + np.exp(-(line[0] * np.log(p / (1.0 - p)) + line[1])))
    return np.clip(mapped, CLIP, 1.0 - CLIP)


def fit_line(p_up: Floats, up: Floats) -> Line | None:
    """Return the line that calibrates P(up) `[rows]` to `up` of 1 or 0; None for too few rows.

    The slope is penalised, so that few rows say little, and is never below zero: a forecast that
    was wrong is distrusted, not turned around.
    """
    if min(up.sum(), len(up) - up.sum()) < 1 or len(up) < FEWEST:
        return None
    p = np.clip(p_up, CLIP, 1.0 - CLIP)
    fitted = LogisticRegression(C=1.0).fit(np.log(p / (1.0 - p))[:, None], up)
    slope = float(fitted.coef_[0])
    if slope > 0.0:
        return slope, fitted.intercept_
    rate = float(np.mean(up))
    return 0.0, math.log(rate / (1.0 - rate))


def judge(member: Any, module: WalkForwardDataModule) -> Judgement:
    """Return how a fitted member did on the test part.

    `passed` means that every horizon had 30 rows or more on each side of the halves, all of them
    answered; whether it `earned` anything there stands beside it.
    """
    halves = _halves(module.tested_on)
    asked = [(member.predict(module.x(half)), module.labels_known_in(half)) for half in halves]
    shown = references(module, halves[1])
    found: dict[str, Any] = {}
    calibration: dict[str, list[float]] = {}
    for k, horizon in enumerate(module.horizons):
        (before, y_before), (after, y_after) = asked
        line = fit_line(*_answered(before, y_before, k))
        if line is None:
            found[str(horizon)] = {"earned": False, "why": "too few rows to calibrate on"}
            continue
        calibration[str(horizon)] = [*line]
        found[str(horizon)] = _compare(after, y_after, k, line, shown, horizon)
    short = [h for h, row in found.items() if "log_loss" not in row]
    why = f"too few test rows with a known label at horizons {', '.join(short)}" if short else ""
    span = [halves[0].start, halves[1].start, halves[1].stop]
    return Judgement(
        {"passed": not short, "why": why, "rows": span, "horizons": found}, calibration
    )


def references(module: WalkForwardDataModule, asked: Span) -> dict[str, Forecast]:
    """Return the forecasts of `models.REFERENCES`, fitted on the rows before the test part."""
    span, found = module.learnt_from, {}
    y = module.labels_known_in(span)
    for name in models.REFERENCES:
        model = models.build(name, horizons=module.horizons)
        model.fit(module.x(span, model.lookback), y, np.ones(len(span)))
        found[name] = model.predict(module.x(asked, model.lookback))
    return found


def _halves(span: Span) -> tuple[Span, Span]:
    middle = span.start + len(span) // 2
    return Span(span.start, middle), Span(middle, span.stop)


def _moved(y: Floats) -> Rows:
    return np.asarray(np.isfinite(y) & (y != 0.0))


def _answered(forecast: Forecast, y: Floats, k: int) -> tuple[Floats, Floats]:
    """Return (P(up), up) of the rows that were answered and moved."""
    rows = _moved(y[:, k]) & np.isfinite(forecast.p_up[:, k])
    return forecast.p_up[rows, k], (y[rows, k] > 0.0).astype(np.float64)


def _compare(
    said: Forecast, y: Floats, k: int, line: Line, shown: dict[str, Forecast], horizon: int
) -> dict[str, Any]:
    """Return one horizon's figures beside the baselines', on rows that all of them answer."""
    rows = _moved(y[:, k]) & np.isfinite(said.p_up[:, k])
    for reference in shown.values():
        rows &= np.isfinite(reference.p_up[:, k])
    if rows.sum() < FEWEST:
        return {"earned": False, "why": f"{int(rows.sum())} rows to judge on"}
    up = (y[rows, k] > 0.0).astype(np.float64)
    p = through(line, said.p_up[rows, k])
    losses = _log_losses(p, up)
    theirs = {name: _log_losses(f.p_up[rows, k], up) for name, f in shown.items()}
    best = min(theirs, key=lambda name: float(theirs[name].mean()))
    gains = theirs[best] - losses
    chance = chance_of_no_gain(gains, horizon)
    mean = float(gains.mean())
    return {
        "n": int(rows.sum()),
        "log_loss": float(losses.mean()),
        "brier": float(np.mean((p - up) ** 2)),
        "accuracy": _accuracy(p, up),
        "pinball": _pinball(said.quantiles[rows, k], y[rows, k]),
        "baselines": {
            name: {
                "log_loss": float(loss.mean()),
                "accuracy": _accuracy(shown[name].p_up[rows, k], up),
                "pinball": _pinball(shown[name].quantiles[rows, k], y[rows, k]),
            }
            for name, loss in theirs.items()
        },
        "best_baseline": best,
        "gain": mean,
        "chance": chance,
        "earned": mean > 0.0 and chance < SIGNIFICANT,
    }


def chance_of_no_gain(gains: Floats, horizon: int) -> float:
    """Return the one-sided p of a mean gain above zero, from the means of long blocks of rows.

    Labels overlap within a horizon, so blocks are four horizons long or more; fewer than 8 blocks
    show nothing, and the answer is 1.
    """
    from scipy.special import stdtr

    length = max(HORIZONS_A_BLOCK * horizon if horizon > 1 else 1, -(-len(gains) // MOST_BLOCKS))
    blocks = len(gains) // length
    if blocks < FEWEST_BLOCKS:
        return 1.0
    means = gains[: blocks * length].reshape(blocks, length).mean(axis=1)
    spread = float(means.std(ddof=1))
    if spread == 0.0:
        return 1.0
    return float(stdtr(blocks - 1, -float(means.mean()) / (spread / math.sqrt(blocks))))


def _log_losses(p: Floats, up: Floats) -> Floats:
    bounded = np.clip(p, CLIP, 1.0 - CLIP)
    return -np.where(up > 0.5, np.log(bounded), np.log1p(-bounded))


def _accuracy(p: Floats, up: Floats) -> float:
    return float(np.mean(0.5 + 0.5 * np.sign(p - 0.5) * np.where(up > 0.5, 1.0, -1.0)))


def _pinball(quantiles: Floats, y: Floats) -> float | None:
    levels = np.array(LEVELS)
    error = y[:, None] - quantiles
    loss = float(np.mean(np.maximum(levels * error, (levels - 1.0) * error)))
    return loss if math.isfinite(loss) else None
