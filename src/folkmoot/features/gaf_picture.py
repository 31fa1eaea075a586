"""Document 002's picture read back: the closes that `generate_gaf_3channel` drew, but their range.

Blue is z_i z_j, stretched over all 256 values since z reaches -1 and 1; resizing keeps it a product
of two equal vectors, so its leading eigenvector, which power iteration finds, is z but for the
sign. Green tells that: GADF turns over with the market. How far apart highest and lowest close
were, no plane says.
"""

from typing import Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.features.gaf_image import PIXELS, TYPICAL_RANGE

FAITHFUL = 0.05
"""The mean difference, of a plane from -1 to 1, up to which a picture is taken for one."""


def is_picture(given: Any) -> bool:
    """Whether this is bytes shaped `[pixels, pixels, 3]`, or a batch of such."""
    shape = np.shape(given)[-1:] if np.ndim(given) in (3, 4) else ()
    return getattr(given, "dtype", None) == np.uint8 and shape == (3,)


def closes_in(pictures: Any, steps: int, log_range: float = TYPICAL_RANGE) -> Floats:
    """Return `[pictures, steps]`: the closes, around 1, of `uint8[..., pixels, pixels, 3]`.

    `log_range`: the logarithm of highest over lowest, which a picture has lost. A flat picture is a
    market that stood still.

    Raises `UsageError` for another shape or a range not above 0, `DataError` for a picture of
    something else.
    """
    given = np.asarray(pictures)
    if not is_picture(given) or given.shape[-2] != given.shape[-3] or given.shape[-2] < 2:
        raise UsageError(
            f"pictures {given.dtype}{list(given.shape)}",
            where="gaf picture",
            allowed="uint8[pixels, pixels, 3] of `generate_gaf_3channel`, or a batch of them",
        )
    if not 0.0 < log_range < 10.0:
        raise UsageError(f"log_range is {log_range}", where="gaf picture", allowed="above 0, to 10")
    batch = given.reshape(-1, *given.shape[-3:])
    z: Floats = np.array([_resampled(_angles(picture), steps) for picture in batch])
    return 1.0 + z * float(np.tanh(0.5 * log_range))


def _angles(picture: Any) -> Floats:
    """Return z of each pixel, within -1 .. 1."""
    if (picture == picture[0, 0]).all():
        return np.zeros(len(picture))
    red, green, blue = np.moveaxis(picture.astype(np.float64) * (2.0 / PIXELS) - 1.0, -1, 0)
    z = np.clip(_leading(0.5 * (blue + blue.T)), -1.0, 1.0)
    s = np.sqrt(1.0 - z * z)
    if (green * (np.outer(s, z) - np.outer(z, s))).sum() < 0.0:
        z = -z
    drawn = np.outer(z, z)
    apart = np.abs(blue - drawn).mean(), np.abs(red - (drawn - np.outer(s, s))).mean()
    if apart[0] > FAITHFUL or apart[1] > 3.0 * FAITHFUL:
        raise DataError(
            "the picture is no Gramian angular field of one series",
            where="gaf picture",
            allowed="what `generate_gaf_3channel` draws",
        )
    return z


def _leading(square: Floats) -> Floats:
    """Return v whose product v v' is nearest to a square of rank one and its noise."""
    v: Floats = square[np.argmax(np.abs(np.diag(square)))]
    for _ in range(10):
        v = square @ (v / max(float(np.linalg.norm(v)), 1e-12))
    v /= max(float(np.linalg.norm(v)), 1e-12) ** 0.5
    return v


def _resampled(z: Floats, steps: int) -> Floats:
    """Return `steps` values at the centres of equal parts, which is where pieces were drawn."""
    n = len(z)
    centres = (np.arange(steps) + 0.5) * n / steps - 0.5
    made: Floats = np.interp(centres, np.arange(n), z)
    return made
