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
def write_sum(z: Images, s: Images, images: Images, place: int) -> None:
    """Write cos(phi_i + phi_j) = z_i z_j - s_i s_j into one channel of `[m, channels, n, n]`."""
    m, n = z.shape
    for k in range(m):
        zk, sk = z[k], s[k]
        for i in range(n):
            a, b, row = zk[i], sk[i], images[k, place, i]
            for j in range(n):
                row[j] = a * zk[j] - b * sk[j]


@compiled
def write_difference(z: Images, s: Images, images: Images, place: int) -> None:
    """Write sin(phi_i - phi_j) = s_i z_j - z_i s_j into one channel of `[m, channels, n, n]`."""
    m, n = z.shape
    for k in range(m):
        zk, sk = z[k], s[k]
        for i in range(n):
            a, b, row = zk[i], sk[i], images[k, place, i]
            for j in range(n):
                row[j] = b * zk[j] - a * sk[j]


@compiled
def write_plane(values: Floats, images: Images, place: int) -> None:
    """Write one number into every pixel of one channel of each of `[m, channels, n, n]`."""
    for k in range(len(values)):
        images[k, place] = values[k]
