"""Temperature scaling (Guo et al., 2017): one number makes a softmax as sure as it is right."""

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats

COLDEST, HOTTEST = 0.05, 50.0


def softmax(raw: Floats) -> Floats:
    """Return `[rows, classes]` that sum to 1."""
    power = np.exp(raw - raw.max(axis=1, keepdims=True))
    made: Floats = power / power.sum(axis=1, keepdims=True)
    return made


def log_loss(raw: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Return the mean of -log p of what came true, `truth[rows]` the place of a class."""
    p = softmax(raw)[np.arange(len(raw)), truth]
    return float(-np.log(np.maximum(p, 1e-300)).mean())


def fit_temperature(raw: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Return the T in 0.05 .. 50 for which softmax(raw / T) has the least log loss.

    >>> raw = np.log([[0.9, 0.1]] * 10)
    >>> round(fit_temperature(3.0 * raw, np.array([0] * 9 + [1])), 3)
    3.0
    """
    from scipy.optimize import minimize_scalar

    wide = raw.astype(np.float64)
    found = minimize_scalar(
        lambda cold: log_loss(wide * np.exp(cold), truth),
        bounds=(-np.log(HOTTEST), -np.log(COLDEST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(-found.x))
