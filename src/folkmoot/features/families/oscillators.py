"""Momentum and candles: how strongly and in what shape the market has just moved."""

from folkmoot.causal import Expr, both, close, high, hl2, lag, low, open_, otherwise
from folkmoot.features.column import Column
from folkmoot.features.families.units import centred, fading, in_ranges, in_sigmas
from folkmoot.features.volatility import log_close, log_open
from folkmoot.indicators.aroon import aroon
from folkmoot.indicators.awesome import awesome
from folkmoot.indicators.candles import candles
from folkmoot.indicators.choppiness import choppiness
from folkmoot.indicators.cipher_b import cipher_b
from folkmoot.indicators.cmo import cmo
from folkmoot.indicators.connors_rsi import connors_rsi
from folkmoot.indicators.dpo import dpo
from folkmoot.indicators.elder_ray import elder_ray
from folkmoot.indicators.fisher import fisher
from folkmoot.indicators.qstick import qstick
from folkmoot.indicators.relative_vigor import relative_vigor
from folkmoot.indicators.relative_volatility import relative_volatility
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.squeeze import squeeze
from folkmoot.indicators.stc import stc
from folkmoot.indicators.stochastic import stochastic
from folkmoot.indicators.stochastic_rsi import stochastic_rsi
from folkmoot.indicators.tsi import tsi
from folkmoot.indicators.ultimate import ultimate
from folkmoot.indicators.vortex import vortex

GROUP = "momentum"


def windowed() -> tuple[Column, ...]:
    """Return the columns that read a window and nothing before it."""
    place = 2.0 * close - high - low
    bodies, wave = relative_vigor(), vortex()
    vigor = bodies["vigor"]
    return (
        centred("stochastic_d", stochastic()["d"], GROUP),
        centred("ultimate", ultimate(), GROUP),
        Column("cmo_9", cmo(), "points", "level", GROUP, limits=(-100.0, 100.0)),
        Column("aroon", aroon()["oscillator"], "points", "level", GROUP, limits=(-100.0, 100.0)),
        Column("vortex", wave["plus"] - wave["minus"], "share up less down", "level", GROUP),
        Column("choppiness", choppiness(), "points", "even", GROUP),
        Column("relative_vigor", vigor, "bodies over ranges", "level", GROUP),
        Column("vigor_gap", vigor - bodies["signal"], "bodies over ranges", "level", GROUP),
        in_ranges("dpo", dpo(), GROUP),
        in_ranges("qstick", qstick(), GROUP),
        in_ranges("awesome", awesome(), GROUP),
        in_ranges("squeeze_momentum", squeeze()["momentum"], GROUP),
        in_ranges("close_place", place, "candle"),
        in_ranges("candle_body", close - open_, "candle"),
        in_ranges("range_share", high - low, "candle", "even"),
    )


def recursive() -> tuple[Column, ...]:
    """Return the columns that remember."""
    rays, inner = elder_ray(), stochastic_rsi()
    inside = both(high < lag(high), low > lag(low))
    outside = both(high > lag(high), low < lag(low))
    return (
        centred("rsi_5", rsi(n=5), GROUP),
        centred("rsi_21", rsi(n=21), GROUP),
        centred("stochastic_rsi_k", inner["k"], GROUP, "ratio"),
        centred("stochastic_rsi_d", inner["d"], GROUP, "ratio"),
        centred("connors_rsi", connors_rsi(), GROUP, "approximate"),
        centred("relative_volatility", relative_volatility(), GROUP),
        centred("schaff", stc(), GROUP, "none"),
        Column("tsi", tsi()["tsi"], "points", "level", GROUP),
        Column("fisher", fisher(hl2)["fisher"], "logarithm of odds", "level", GROUP),
        in_ranges("elder_rays", rays["bull"] + rays["bear"], GROUP),
        in_sigmas("gap_move", log_open - lag(log_close), "candle"),
        fading("inside_bars", inside, "candle", "even", 0.8),
        fading("outside_bars", outside, "candle", "even", 0.8),
        *_candlesticks(),
        *_cipher(),
    )


def _candlesticks() -> tuple[Column, ...]:
    told = candles()
    return tuple(
        Column(f"candles_{key}", told[key], "patterns", "none", "candle")
        for key in ("one", "two", "more", "indecision")
    )


def _cipher() -> tuple[Column, ...]:
    told = cipher_b(fixed=True)
    signed: dict[str, Expr] = {
        "cipher_crosses": told["cross_up"] - told["cross_down"],
        "cipher_circles": told["buy"] - told["sell"],
    }
    wave, strength = told["wt2"], told["rsi"]
    unsigned: dict[str, Expr] = {
        "cipher_divergences": _known(told["buy_div"] - told["sell_div"], wave),
        "cipher_hidden": _known(told["wt_any_bull_hidden"] - told["wt_any_bear_hidden"], wave),
        "cipher_rsi_divergences": _known(told["rsi_any_bull"] - told["rsi_any_bear"], strength),
    }
    return (
        Column("cipher_wave", told["wt2"], "points", "level", "cipher"),
        Column("cipher_gap", told["wt_vwap"], "points", "level", "cipher"),
        Column("cipher_money", told["rsimfi"], "points", "none", "cipher"),
        *(fading(name, event, "cipher", "level") for name, event in signed.items()),
        *(fading(name, event, "cipher", "none") for name, event in unsigned.items()),
    )


def _known(divergences: Expr, line: Expr) -> Expr:
    """Return no divergence where the line has no earlier fractal to diverge from."""
    return otherwise(divergences, 0.0 * lag(line, 6))
