"""The compiled loops of the angular fields: one pass over a window, one write of every pixel."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.bars import Floats

Images = npt.NDArray[np.float32]

compiled = njit(error_model="numpy", nogil=True, cache=True)


@compiled
def scale_windows(windows: Floats, bounds: npt.NDArray[np.int64], z: Images, s: Images) -> Any:
    """Write the pieces' means of every window scaled to -1 .. 1, and the root of 1 - z^2.

    Return the state of every window: 0 as it should be, 1 flat (z and s are 0), 2 with an unknown
    value (z and s are NaN).
    """
    m, size = z.shape
    states = np.zeros(m, dtype=np.uint8)
    means = np.empty(size)
    for k in range(m):
        low, high, total = np.inf, -np.inf, 0.0
        for i in range(size):
            mean = 0.0
            for t in range(bounds[i], bounds[i + 1]):
                mean += windows[k, t]
            mean /= bounds[i + 1] - bounds[i]
            means[i] = mean
            total += mean
            low, high = min(low, mean), max(high, mean)
        if not np.isfinite(total):
            states[k] = 2
            z[k], s[k] = np.nan, np.nan
        elif not high > low:
            states[k] = 1
            z[k], s[k] = 0.0, 0.0
        else:
            for i in range(size):
                x = min(1.0, max(-1.0, (2.0 * means[i] - high - low) / (high - low)))
                z[k, i] = x
                s[k, i] = np.sqrt(1.0 - x * x)
    return states


@compiled
def write_sum(z: Images, s: Images, out: Images) -> None:
    """Write cos(phi_i + phi_j) = z_i z_j - s_i s_j into every image of `out`, `[m, n, n]`."""
    m, n = z.shape
    for k in range(m):
        for i in range(n):
            a, b = z[k, i], s[k, i]
            row = out[k, i]
            for j in range(n):
                row[j] = a * z[k, j] - b * s[k, j]


@compiled
def write_difference(z: Images, s: Images, out: Images) -> None:
    """Write sin(phi_i - phi_j) = s_i z_j - z_i s_j into every image of `out`, `[m, n, n]`."""
    m, n = z.shape
    for k in range(m):
        for i in range(n):
            a, b = z[k, i], s[k, i]
            row = out[k, i]
            for j in range(n):
                row[j] = b * z[k, j] - a * s[k, j]
