"""The set `full`: some 240 stationary columns: the set `core`, five families, higher timeframes.

Copies on the two higher timeframes are made of the columns that read a window alone, so that a
history need not be long before they are stable. No column reads a label.
"""

from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column, copies
from folkmoot.features.families import oscillators, shapes, trends, volumes
from folkmoot.features.sets.core import core

COPIED = (
    "sma_20", "sma_50", "hull_9", "slope_20", "kernel_slope", "efficiency_20", "tenkan_kijun",
    "kijun", "donchian_20", "zscore_50", "echo_50", "range_burst", "ultimate", "aroon", "vortex",
    "choppiness", "relative_vigor", "awesome", "squeeze_momentum", "volume_flow_index",
    "chaikin_flow", "obv_slope", "flow_slope", "price_volume", "gaf_signed_trend", "gaf_gadf_4",
    "gaf_slope_t",
)  # fmt: skip
"""What says something new of a bar four or twenty-four times as long, beside the core's copies."""


def nearest(columns: tuple[Column, ...], timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the copies on the nearer of the higher timeframes."""
    made = copies(columns, timeframe)
    return made[: len(columns)]


def full(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns for decisions in `timeframe`, copies of higher timeframes last."""
    basis = core(timeframe)
    windowed = (
        *trends.windowed(),
        *oscillators.windowed(),
        *volumes.windowed(),
        *shapes.angles(),
    )
    copied = tuple(column for column in windowed if column.name in COPIED)
    return (
        *basis,
        *windowed,
        *trends.recursive(),
        *oscillators.recursive(),
        *volumes.recursive(timeframe),
        *shapes.recursive(),
        *copies(copied, timeframe),
        *nearest(volumes.profile(), timeframe),
    )


PLUGIN = full
