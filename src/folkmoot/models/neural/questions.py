"""What the questions of `features.image_labels` are taught of rows, and held to on others."""

from dataclasses import dataclass

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.features.image_labels import (
    FEWEST,
    Classes,
    Thresholds,
    fit_thresholds,
    image_classes,
    outlook_of,
)
from folkmoot.models import rows

PRICES = ("log_open", "log_high", "log_low", "log_close")
PENALTY = 1e-3
"""Inverse strength of the L2 penalty on the slopes of standardised features."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Classes `[rows, 3]`, -1 where a row has none: those `taught`, and those `held_out`.

    `cuts` are None where too few rows know what came next: then nobody is taught anything.
    """

    taught: Classes
    held_out: Classes
    cuts: Thresholds | None


def lessons(x: Features, usable: rows.Rows, held_out: rows.Index, horizon: int) -> Lessons:
    """Return the classes of the usable rows, known from the bars that the usable rows end on.

    What no usable row has seen is not looked at, a row that looks into the held-out ones is not
    taught, and thresholds come from the rows before those.
    """
    none = np.full((len(x), 3), -1, dtype=np.int8)
    if not usable.any():
        return Lessons(none, none, None)
    last = int(np.flatnonzero(usable)[-1]) + 1
    known_at = x.known_at[:last]
    prices = np.exp(x.of(*PRICES)[:last]).T
    whole = np.isfinite(prices).all(axis=0)
    found = outlook_of(tuple(prices), _holes(known_at) | ~whole, known_at, horizon)
    first = int(held_out[0]) if len(held_out) else last
    before = np.arange(last) + 1 + horizon < first
    asked = usable[:last] & found.known & whole
    if (asked & before).sum() < FEWEST:
        return Lessons(none, none, None)
    cuts = fit_thresholds(found, asked & before)
    classes = image_classes(found, cuts)
    taught, kept = none.copy(), none.copy()
    taught[:last][asked & before] = classes[asked & before]
    later = np.zeros(last, dtype=np.bool_)
    later[held_out] = True
    kept[:last][asked & later] = classes[asked & later]
    return Lessons(taught, kept, cuts)


def softmax_line(seen: Floats, truth: rows.Index, classes: int) -> tuple[Floats, Floats] | None:
    """Return (`weights[classes, width]`, `bias[classes]`) of a penalised multinomial regression.

    The forecast alone decides which epoch's network is kept; from what that one sees, this is the
    answer that the taught rows support. None where a class is missing among them.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(truth)) < classes:
        return None
    wide = seen.astype(np.float64)
    centre, spread = wide.mean(axis=0), wide.std(axis=0)
    gain = np.where(spread > 0.0, 1.0 / np.where(spread > 0.0, spread, 1.0), 0.0)
    line = LogisticRegression(C=PENALTY, max_iter=2_000).fit((wide - centre) * gain, truth)
    weights: Floats = line.coef_ * gain
    return weights, line.intercept_ - weights @ centre


def _holes(known_at: rows.Index) -> rows.Rows:
    """Return whether more than one bar is missing before each row, or another table begins."""
    steps = np.diff(known_at)
    usual = steps[steps > 0].min() if (steps > 0).any() else 1
    return np.concatenate(([False], (steps > 2 * usual) | (steps <= 0)))
