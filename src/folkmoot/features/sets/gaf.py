"""The set `gaf`: Gramian angular field numbers of log closes, here and on higher timeframes.

Eleven of the thirteen named numbers, which are the same for a chart and its mirror image (the two
others, `gaf_diff_mean` and `symmetry`, are zero by definition and no feature, and `trend_score` is
`gaf_sum_mean` under the name that users look for); the ones that see the direction; and the size
of the window, which its scaling throws away.
"""

import math

from folkmoot.causal import (
    GRAMIAN_EVEN,
    GRAMIAN_SIGNED,
    Expr,
    gramian,
    highest,
    log,
    lowest,
    mean,
    sqrt,
)
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column, Mirror, copies
from folkmoot.features.volatility import ewma_vol, log_close, log_return

LONG, SHORT = 64, 24
"""Windows in bars; the short one is also looked at on the higher timeframes."""

CONSTANT = ("gaf_diff_mean", "symmetry")
BLIND = "mean of cosines, blind to the sign"
"""The unit of what a chart and its mirror image have alike."""
UNITS = {
    "slope_t": "t statistic",
    "time_correlation": "correlation",
    "last_angle": "radians above the middle",
}
LIMITS = {
    "diagonal_std": (0.0, 1.0),
    "gaf_sum_std": (0.0, 1.0),
    "gaf_diff_std": (0.0, 1.0),
    "momentum": (-2.0, 2.0),
    "last_angle": (-math.pi / 2.0, math.pi / 2.0),
    "slope_t": None,
    **dict.fromkeys((f"dphi_{lag}" for lag in (1, 2, 4, 8, 16)), (-math.pi, math.pi)),
}
"""Ranges other than -1 to 1."""


def gaf(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns for decisions in `timeframe`, copies of higher timeframes last.

    The fields of two or three timeframes stand side by side: those of the short window are copied
    to the higher pair, each on its own closed bars.
    """
    short = _window(SHORT)
    return (*_window(LONG), *short, *copies(short, timeframe))


def _window(n: int) -> tuple[Column, ...]:
    return (*_even(n), *_signed(n), *_size(n))


def _even(n: int) -> tuple[Column, ...]:
    names = [name for name in GRAMIAN_EVEN if name not in CONSTANT]
    names += [name for name in GRAMIAN_SIGNED if name.startswith("gasf_")]
    return tuple(_column(name, n, gramian(log_close, n, name), "even", BLIND) for name in names)


def _signed(n: int) -> tuple[Column, ...]:
    names = [name for name in GRAMIAN_SIGNED if not name.startswith("gasf_")]
    turned = {name: gramian(log_close, n, name) for name in names}
    turned["last_angle"] = math.pi / 2.0 - turned["last_angle"]
    return tuple(_column(name, n, expr, "ratio", _unit(name)) for name, expr in turned.items())


def _size(n: int) -> tuple[Column, ...]:
    realised = sqrt(mean(log_return**2, n - 1))
    spread = (highest(log_close, n) - lowest(log_close, n)) / (realised * math.sqrt(n - 1.0))
    pace = log(realised / ewma_vol())
    return (
        Column(f"range_{n}", log(spread), "log of deviations of the window", "even", "gaf"),
        Column(f"realised_{n}", pace, "log ratio to ewma_vol", "even", "gaf"),
    )


def _column(name: str, n: int, expr: Expr, mirror: Mirror, unit: str) -> Column:
    limits = LIMITS.get(name, (-1.0, 1.0))
    return Column(f"{name}_{n}", expr, unit, mirror, "gaf", limits=limits)


def _unit(name: str) -> str:
    if name.startswith("dphi_"):
        return "radians"
    return UNITS.get(name, "mean of sines")


PLUGIN = gaf
