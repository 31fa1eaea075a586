"""Volume and its price: who is trading, where it was traded, what trading costs."""

import math

from folkmoot.causal import (
    Expr,
    close,
    correlation,
    ema,
    hlc3,
    lag,
    log,
    mean,
    slope,
    sqrt,
    total,
    volume,
    where,
)
from folkmoot.core.timeframe import DAY, Timeframe
from folkmoot.features.column import Column, Mirror
from folkmoot.features.families.units import RANGE, USUAL, centred, from_line, in_ranges
from folkmoot.features.volatility import log_return
from folkmoot.indicators.accumulation import accumulation
from folkmoot.indicators.cmf import cmf
from folkmoot.indicators.corwin_schultz import corwin_schultz
from folkmoot.indicators.force_index import force_index
from folkmoot.indicators.obv_slope import obv_slope
from folkmoot.indicators.volume_profile import volume_profile
from folkmoot.indicators.vwap import vwap

GROUP = "volume"
RECENT, USUAL_SPAN = 5, 100
SHARE = (-1.0, 1.0)
STEEPEST = (-6.0 / 21.0, 6.0 / 21.0)
"""The slope of 20 bars of which the last, or the first, has all the volume."""
STEEPEST_SUM = (-200.0 / 133.0, 200.0 / 133.0)
"""The slope of a sum of 20 bars that all the volume enters in the middle."""


def windowed() -> tuple[Column, ...]:
    """Return the columns that read a window and nothing before it."""
    steepness = slope(volume, 20) / mean(volume, 20)
    return (
        centred("volume_flow_index", _flow_index(14), GROUP),
        Column("chaikin_flow", cmf(), "share bought less sold", "level", GROUP, limits=SHARE),
        Column("obv_slope", obv_slope(), "mean volumes a bar", "level", GROUP, limits=STEEPEST_SUM),
        _flow_slope(),
        Column("volume_slope", steepness, "mean volumes a bar", "even", GROUP, limits=STEEPEST),
        _correlation("price_volume", log_return, 20),
        _correlation("size_volume", abs(log_return), 20),
        Column("spread_20", corwin_schultz() / USUAL, "standard deviations", "even", "liquidity"),
    )


def recursive(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns that remember, or look back too far to be copied."""
    force = force_index() / (RANGE * mean(volume, 20))
    return (
        Column("force", force, "ranges times mean volumes", "level", GROUP),
        Column("volume_trend", log(ema(volume, 10) / ema(volume, 60)), "log ratio", "even", GROUP),
        _illiquidity(),
        *_session(timeframe),
    )


def _flow_slope() -> Column:
    steepness = accumulation()["slope"]
    unit = "mean volumes a bar"
    return Column("flow_slope", steepness, unit, "level", GROUP, limits=STEEPEST_SUM)


def _flow_index(n: int) -> Expr:
    """Return the share of the last n bars' volume that came with a rise of the typical price.

    The Money Flow Index with volume in the place of turnover, which weighs a bar by its price and
    so has no mirror image.
    """
    change = hlc3 - lag(hlc3)
    rise = total(where(change > 0.0, volume, 0.0 * volume), n)
    fall = total(where(change < 0.0, volume, 0.0 * volume), n)
    return 100.0 * rise / (rise + fall)


def _illiquidity() -> Column:
    """Return whether the last bars moved more than their volume says (after Amihud, 2002).

    The share of their moves against their share of the volume, in the logarithm; what is usual is
    added to both. A mean of moves over volume would be unknown for as long as a single bar without
    volume is in its window.
    """
    size, usual = abs(log_return), RECENT / USUAL_SPAN
    moved = total(size, RECENT) / total(size, USUAL_SPAN)
    traded = total(volume, RECENT) / total(volume, USUAL_SPAN)
    most = math.log((1.0 + usual) / usual)
    return Column(
        "illiquidity",
        log((moved + usual) / (traded + usual)),
        "log ratio of the shares of moves and volume",
        "even",
        "liquidity",
        limits=(-most, most),
    )


def profile() -> tuple[Column, ...]:
    """Return the volume profile of 48 bars, which is worth its cost on the higher timeframe."""
    prices = volume_profile(48, 16)
    middle = 2.0 * close - prices["high"] - prices["low"]
    return (
        from_line("control_point", prices["poc"], "profile"),
        in_ranges("value_place", middle, "profile"),
        in_ranges("value_width", prices["high"] - prices["low"], "profile", "even"),
    )


def _session(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the distance from the day's mean price, where a day has bars enough to have one."""
    if timeframe.ms >= DAY:
        return ()
    return (from_line("vwap", vwap()["vwap"], GROUP),)


def _correlation(name: str, x: Expr, n: int) -> Column:
    sign: Mirror = "even" if x.op == "abs" else "ratio"
    return Column(name, correlation(x, sqrt(volume), n), "correlation", sign, GROUP)
