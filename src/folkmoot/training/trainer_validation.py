"""What a network's held-out test part says of it, with the baselines on the same rows.

1. The first half of the test rows fits a line from the network's logit to what came true.
2. The second half, purged, judges the network through that line. Baselines are fitted on the rows
   before the test part, a fair coin is one of them; the network has earned a horizon if its log
   loss is below that of each, one-sided at 5 %.
3. Labels overlap within a horizon, so every test and interval is Student's over the means of
   blocks that are four horizons long or more.
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
EARNED = 0.05
"""The one-sided p at which skill beyond every baseline counts as earned."""

COIN = "coin"
"""The baseline that says one half of every row."""

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
            found[str(horizon)] = {"n": 0, "earned": False, "why": "too few rows to calibrate on"}
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
    """Return one horizon's figures beside the baselines', on rows that all of them answer.

    `gain` is the log loss saved against the `reference` that is hardest to beat, `p` its chance.
    """
    rows = _moved(y[:, k]) & np.isfinite(said.p_up[:, k])
    for baseline in shown.values():
        rows &= np.isfinite(baseline.p_up[:, k])
    if rows.sum() < FEWEST:
        return {"n": int(rows.sum()), "earned": False, "why": "too few rows to judge on"}
    truth, raw = y[rows, k], said.p_up[rows, k]
    up, p = truth > 0.0, through(line, raw)
    theirs = {name: f.p_up[rows, k] for name, f in shown.items()}
    gains = {
        name: log_losses(other, up) - log_losses(p, up)
        for name, other in {**theirs, COIN: np.full(len(up), 0.5)}.items()
    }
    chances = {name: chance_of_no_gain(gain, horizon) for name, gain in gains.items()}
    hardest = max(chances, key=lambda name: (chances[name], -float(gains[name].mean())))
    return {
        "n": int(rows.sum()),
        "earned": chances[hardest] <= EARNED,
        "reference": hardest,
        "p": chances[hardest],
        "gain": interval(gains[hardest], horizon),
        "uncalibrated_log_loss": float(log_losses(raw, up).mean()),
        **figures(p, truth, said.quantiles[rows, k], horizon),
        "baselines": {
            name: figures(theirs[name], truth, f.quantiles[rows, k], horizon)
            for name, f in shown.items()
        },
    }


def figures(p: Floats, truth: Floats, quantiles: Floats, horizon: int) -> dict[str, Any]:
    """Return a forecaster's scores on log returns that are not zero, each mean an `interval`.

    `log_loss` in nats; `pinball_bp` over the seven levels in basis points; `coverage_90` the share
    of returns inside the outer quantiles.
    """
    up, levels = truth > 0.0, np.array(LEVELS)
    error = truth[:, None] - quantiles
    pinball = 1e4 * np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)
    inside = (truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1])
    return {
        "log_loss": interval(log_losses(p, up), horizon),
        "brier": interval((p - up) ** 2, horizon),
        "accuracy": interval(0.5 + 0.5 * np.sign(p - 0.5) * np.sign(truth), horizon),
        "pinball_bp": interval(pinball, horizon),
        "coverage_90": float(inside.mean()),
    }


def interval(x: Floats, horizon: int) -> list[float | None]:
    """Return [mean, low, high] of the 95 % interval; no bounds of fewer than 8 blocks."""
    from scipy.special import stdtrit

    means = block_means(x, horizon)
    if len(means) < FEWEST_BLOCKS:
        return [float(x.mean()), None, None]
    half = float(stdtrit(len(means) - 1, 0.975) * means.std(ddof=1)) / math.sqrt(len(means))
    return [float(x.mean()), float(x.mean()) - half, float(x.mean()) + half]


def block_means(x: Floats, horizon: int) -> Floats:
    """Return the means of at most 50 blocks in a row, each of four horizons or more."""
    least = 1 if horizon == 1 else HORIZONS_A_BLOCK * horizon
    length = max(least, -(-len(x) // MOST_BLOCKS))
    blocks = len(x) // length
    means: Floats = x[: blocks * length].reshape(blocks, length).mean(axis=1)
    return means


def chance_of_no_gain(gains: Floats, horizon: int) -> float:
    """Return the one-sided p of a mean gain above zero; 1 where there are fewer than 8 blocks."""
    from scipy.special import stdtr

    means = block_means(gains, horizon)
    if len(means) < FEWEST_BLOCKS or not means.std() > 0.0:
        return 1.0
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    return float(stdtr(len(means) - 1, -float(means.mean()) / error))


def log_losses(p: Floats, up: Rows) -> Floats:
    """Return each row's log loss in nats."""
    bounded = np.clip(p, CLIP, 1.0 - CLIP)
    return -np.where(up, np.log(bounded), np.log1p(-bounded))
