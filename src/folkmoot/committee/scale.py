"""Probabilities, logits and log loss, one number at a time: one row gives what many do."""

import math

from numba import njit

CLIP = 1e-4


@njit(cache=True)
def logit(p: float) -> float:
    """Return the log odds of `p`, which is first clipped to [1e-4, 1 - 1e-4]."""
    p = min(max(p, CLIP), 1.0 - CLIP)
    return math.log(p / (1.0 - p))


@njit(cache=True)
def sigmoid(x: float) -> float:
    """Return the probability whose log odds are `x`."""
    return 1.0 / (1.0 + math.exp(-x))


@njit(cache=True)
def loss(p: float, up: float) -> float:
    """Return the log loss of `p`, clipped to [1e-4, 1 - 1e-4], where `up` is 1 or 0."""
    p = min(max(p, CLIP), 1.0 - CLIP)
    return -math.log(p) if up > 0.5 else -math.log(1.0 - p)
