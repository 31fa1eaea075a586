"""Gramian angular fields as images (Wang and Oates, 2015): for networks, and as document 002 drew.

A window is averaged into pieces, scaled to z in -1 .. 1, and read as angles phi = arccos z. GASF
is cos(phi_i + phi_j) and GADF sin(phi_i - phi_j). Neither knows how large the window's range was,
which the scale channel says, and GASF does not know up from down: a falling market has the image
of the rising one that mirrors it. Direction is in GADF alone, as a sign.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from folkmoot.causal import Expr, at, close, compile, lag
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    from folkmoot.features.gaf_kernel import Images

CHANNELS = ("gasf", "gadf", "scale")
TYPICAL_RANGE = 0.05
"""The log range of a window whose scale plane is 0."""
PIXELS = 255


def gaf_images(
    windows: Any,
    size: int | None = None,
    out: "Images | None" = None,
    *,
    channels: Sequence[str] = CHANNELS,
    scale: Any = None,
) -> "Images":
    """Return `float32[m, channels, size, size]`, values in -1 .. 1, of windows `[m, n]`.

    Windows are averaged into `size` pieces first (the bounds of pyts' `overlapping=False`); the
    default is n. `scale` is the plane of each window `[m]`, clipped to -1 .. 1; by default
    tanh(log(log(max / min) / 0.05) / 2) of the window, which needs positive prices. A flat window
    is 0 (mid-grey) in every channel, see `flat_windows`; one with an unknown value is NaN. `out`
    is a C-ordered buffer of that shape, which is filled and returned.

    Raises `UsageError` for another shape, size, channel or buffer, `DataError` for prices that
    are not positive where the default scale needs them.
    """
    values = _windows(windows)
    m, n = values.shape
    wide = _size(size, n)
    planes = _chosen(channels)
    images = _buffer(out, (m, len(planes), wide, wide))
    if m:
        _fill(images, values, planes, scale)
    return images


def flat_windows(windows: Any) -> npt.NDArray[np.bool_]:
    """Return which windows of `[m, n]` did not move: their images say nothing."""
    values = _windows(windows)
    flat: npt.NDArray[np.bool_] = values.max(axis=1) == values.min(axis=1)
    return flat


def gaf_fusion(
    bars: Bars,
    timeframes: Sequence[str | Timeframe],
    *,
    rows: Sequence[int] | None = None,
    window: int = 64,
    size: int | None = None,
    channels: Sequence[str] = CHANNELS,
    out: "Images | None" = None,
) -> "Images":
    """Return `float32[m, timeframes * channels, size, size]`: one image a bar, all timeframes deep.

    Each timeframe, that of `bars` or a coarser one, adds the channels of its last `window` closes
    that were closed at the bar. `rows` are the bars to draw, by default the last alone. NaN where
    a timeframe has not had `window` bars yet.

    Raises `UsageError` for a finer timeframe or a row that does not exist.
    """
    chosen = [len(bars) - 1] if rows is None else list(rows)
    if any(not 0 <= row < len(bars) for row in chosen):
        raise UsageError("a row lies outside", where="gaf_fusion", allowed=f"0 .. {len(bars) - 1}")
    if window < 2 or not timeframes:
        raise UsageError("nothing to draw", where="gaf_fusion", allowed="window >= 2, a timeframe")
    planes = len(_chosen(channels))
    wide = _size(size, window)
    images = _buffer(out, (len(chosen), planes * len(timeframes), wide, wide))
    for place, timeframe in enumerate(timeframes):
        closes = _last_closes(bars, Timeframe.of(timeframe), window, chosen)
        part = gaf_images(closes, size, channels=channels)
        images[:, place * planes : (place + 1) * planes] = part
    return images


def generate_gaf_3channel(series: Any, image_size: int = 224) -> npt.NDArray[np.uint8]:
    """Return document 002's picture, `uint8[image_size, image_size, 3]`.

    Red is GASF, green GADF, blue z_i z_j, each stretched over 0 .. 255 by itself and resized
    bilinearly. The stretch moves GADF's zero, blue is all but red, and the range is lost: for a
    network use `gaf_images`. A flat series is mid-grey.

    Raises `DataError` for unknown values, `UsageError` for fewer than two.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or image_size < 1:
        raise UsageError(
            f"a series of shape {values.shape} at {image_size} pixels",
            where="generate_gaf_3channel",
            allowed="two values or more, one pixel or more",
        )
    if not np.isfinite(values).all():
        raise DataError("the series has unknown values", where="generate_gaf_3channel")
    low, high = values.min(), values.max()
    if low == high:
        return np.full((image_size, image_size, 3), (PIXELS + 1) // 2, dtype=np.uint8)
    z = np.clip((2.0 * values - high - low) / (high - low), -1.0, 1.0)
    s = np.sqrt(1.0 - z * z)
    red, green = np.outer(z, z) - np.outer(s, s), np.outer(s, z) - np.outer(z, s)
    drawn = [_stretched(plane, image_size) for plane in (red, green, np.outer(z, z))]
    return np.ascontiguousarray(np.stack(drawn, axis=-1))


def _fill(images: "Images", values: Floats, planes: Sequence[str], scale: Any) -> None:
    from folkmoot.features.gaf_kernel import scale_windows, write_difference, write_plane, write_sum

    m, wide = len(values), images.shape[-1]
    bounds = np.arange(wide + 1) * values.shape[1] // wide
    z, s = np.empty((2, m, wide), dtype=np.float32)
    states = scale_windows(values, bounds, z, s)
    writers = {"gasf": write_sum, "gadf": write_difference}
    for place, plane in enumerate(planes):
        if plane in writers:
            writers[plane](z, s, images, place)
        else:
            write_plane(_scales(values, states, scale), images, place)


def _scales(values: Floats, states: npt.NDArray[np.uint8], scale: Any) -> Floats:
    """Return the number of each window's plane: 0 where it is flat, NaN where it is unknown."""
    if scale is None:
        made = _own_scales(values, states == 0)
    else:
        made = np.array(scale, dtype=np.float64)
        if made.shape != (len(values),):
            raise UsageError(f"scale has shape {made.shape}", where="gaf", allowed="[windows]")
        made = np.clip(made, -1.0, 1.0)
    made[states == 1] = 0.0
    made[states == 2] = np.nan
    return made


def _own_scales(values: Floats, usual: npt.NDArray[np.bool_]) -> Floats:
    made = np.zeros(len(values))
    low, high = values[usual].min(axis=1), values[usual].max(axis=1)
    if (low <= 0.0).any():
        raise DataError("prices that are not positive", where="gaf scale", allowed="give `scale`")
    made[usual] = np.tanh(0.5 * np.log(np.log(high / low) / TYPICAL_RANGE))
    return made


def _last_closes(bars: Bars, timeframe: Timeframe, window: int, rows: list[int]) -> Floats:
    """Return `[rows, window]` closes, oldest first, all closed by the close of their row's bar."""

    def seen(expr: Expr) -> Expr:
        return expr if timeframe == bars.timeframe else at(timeframe, expr)

    lags = {f"{k}": seen(lag(close, k)) for k in reversed(range(window))}
    return np.ascontiguousarray(compile(lags, bars.timeframe).matrix(bars)[rows])


def _stretched(plane: Floats, size: int) -> npt.NDArray[np.uint8]:
    low, high = plane.min(), plane.max()
    resized = _resized(_resized((plane - low) / (high - low), size).T, size).T
    # What rounding leaves outside 0 .. 1 would wrap around in a byte.
    return np.asarray(np.rint(PIXELS * np.clip(resized, 0.0, 1.0)), dtype=np.uint8)


def _resized(rows: Floats, size: int) -> Floats:
    """Return as many rows between the rows, linearly, their centres aligned by area."""
    n = len(rows)
    centres = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0.0, n - 1.0)
    above = np.minimum(centres.astype(np.int64), n - 2)
    share = (centres - above)[:, None]
    made: Floats = rows[above] * (1.0 - share) + rows[above + 1] * share
    return made


def _windows(windows: Any) -> Floats:
    values = np.ascontiguousarray(windows, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise UsageError(
            f"windows of shape {values.shape}", where="gaf", allowed="[m, n] with n >= 2"
        )
    return values


def _size(size: int | None, n: int) -> int:
    wide = n if size is None else size
    if not 2 <= wide <= n:
        raise UsageError(f"size is {size}", where="gaf", allowed=f"2 .. {n}, the window's length")
    return wide


def _chosen(channels: Sequence[str]) -> list[str]:
    chosen = [channels] if isinstance(channels, str) else list(channels)
    if not chosen or not set(chosen) <= set(CHANNELS):
        raise UsageError(f"channels are {chosen}", where="gaf", allowed=list(CHANNELS))
    return chosen


def _buffer(out: "Images | None", shape: tuple[int, ...]) -> "Images":
    if out is None:
        return np.empty(shape, dtype=np.float32)
    usable = out.shape == shape and out.dtype == np.float32 and out.flags.c_contiguous
    if not usable or not out.flags.writeable:
        raise UsageError(
            f"a buffer {out.dtype}{out.shape}", where="gaf", allowed=f"writeable float32{shape}"
        )
    return out
