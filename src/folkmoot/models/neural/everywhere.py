"""The direction taught at every bar of a window, for networks that answer as of each bar."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import rows

Singles = npt.NDArray[Any]


def check_every(member: Any, blind: bool = False) -> None:
    """Refuse `every` for a member that cannot answer as of each bar: `both` ways, or `blind`."""
    if member.every and (member.both or blind):
        raise UsageError(
            "an answer at every bar needs a network that reads one way",
            where=type(member).__name__,
            allowed="both=False, and no dot attention",
        )


def directions(x: Features, y: Floats, usable: rows.Rows, steps: int) -> tuple[Singles, Singles]:
    """Return the direction at every bar of each window, and its usual log odds.

    `[rows, steps, horizons]`, 1, 0 or NaN where it is unknown, and `[rows, horizons]`. A bar's
    label is the label of the row that it decides, so rows that were picked apart, whose windows
    share no bars, teach their last bar only; so does a row without its neighbours.
    """
    told = usable[:, None] & np.isfinite(y) & (y != 0.0)
    up = np.where(told, y > 0.0, np.nan).astype(np.float32)
    rate = np.clip(np.nanmean(up, axis=0), 0.01, 0.99)
    base = np.broadcast_to(np.log(rate / (1.0 - rate)), up.shape).astype(np.float32)
    if x.values.strides[0] == x.values.strides[1]:
        before = np.full((steps - 1, up.shape[1]), np.nan, dtype=np.float32)
        whole = np.concatenate((before, up))
        return sliding_window_view(whole, steps, axis=0).transpose(0, 2, 1), base
    apart = np.full((len(up), steps, up.shape[1]), np.nan, dtype=np.float32)
    apart[:, -1] = up
    return apart, base
