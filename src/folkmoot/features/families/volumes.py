"""Volume and its price: who is trading, where it was traded, what trading costs."""

from folkmoot.causal import Expr, close, correlation, ema, log, mean, slope, volume
from folkmoot.core.timeframe import DAY, Timeframe
from folkmoot.features.column import Column
from folkmoot.features.families.units import RANGE, USUAL, centred, from_line, in_ranges
from folkmoot.features.volatility import log_return
from folkmoot.indicators.accumulation import accumulation
from folkmoot.indicators.amihud import amihud
from folkmoot.indicators.cmf import cmf
from folkmoot.indicators.corwin_schultz import corwin_schultz
from folkmoot.indicators.force_index import force_index
from folkmoot.indicators.mfi import mfi
from folkmoot.indicators.obv_slope import obv_slope
from folkmoot.indicators.volume_profile import volume_profile
from folkmoot.indicators.vwap import vwap

GROUP = "volume"


def windowed() -> tuple[Column, ...]:
    """Return the columns that read a window and nothing before it."""
    return (
        centred("money_flow_index", mfi(), GROUP, "none"),
        Column("chaikin_flow", cmf(), "share bought less sold", "level", GROUP),
        Column("obv_slope", obv_slope(), "mean volumes a bar", "level", GROUP),
        Column("flow_slope", accumulation()["slope"], "mean volumes a bar", "level", GROUP),
        Column("volume_slope", slope(log(volume), 20), "log volume a bar", "even", GROUP),
        _correlation("price_volume", log_return, 20),
        _correlation("size_volume", abs(log_return), 20),
        Column("spread_20", corwin_schultz() / USUAL, "standard deviations", "even", "liquidity"),
    )


def recursive(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns that remember, or look back too far to be copied."""
    force = force_index() / (RANGE * mean(volume, 20))
    thin = log(amihud(5) / amihud(100))
    return (
        Column("force", force, "ranges times mean volumes", "level", GROUP),
        Column("volume_trend", log(ema(volume, 10) / ema(volume, 60)), "log ratio", "even", GROUP),
        Column("illiquidity", thin, "log ratio of 5 bars to 100", "none", "liquidity"),
        *_session(timeframe),
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
    sign = "even" if x.op == "abs" else "ratio"
    return Column(name, correlation(x, log(volume), n), "correlation", sign, GROUP)  # type: ignore[arg-type]  # one of two mirrors
