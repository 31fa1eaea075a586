"""Momentum and candles: how strongly and in what shape the market has just moved."""

from folkmoot.causal import (
    Expr,
    both,
    candle,
    close,
    decay,
    ema,
    equal,
    floor,
    high,
    highest,
    hl2,
    hold,
    lag,
    low,
    lowest,
    mean,
    open_,
    otherwise,
    std,
    where,
)
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
from folkmoot.indicators.divergence import divergence
from folkmoot.indicators.dpo import dpo
from folkmoot.indicators.elder_ray import elder_ray
from folkmoot.indicators.fisher import fisher
from folkmoot.indicators.qstick import qstick
from folkmoot.indicators.relative_vigor import relative_vigor
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.squeeze import squeeze
from folkmoot.indicators.stochastic import stochastic
from folkmoot.indicators.tsi import tsi
from folkmoot.indicators.ultimate import ultimate
from folkmoot.indicators.vortex import vortex

GROUP = "momentum"
BODIES = "bodies over ranges"
UNSIGNED = "patterns without a direction"
STILL, FINE = 1e-3, 1e-6
"""Points within which an oscillator stands still, and to which one is read."""

MONEY = (60, 150.0, 0.0)
"""The cipher's money flow without the script's shift of 2.5, which is for the eye."""

LIMITS, SECOND_LIMITS = (55.0, -55.0), (27.5, -27.5)
"""The cipher's levels for divergences, in the middle between the script's for tops and bottoms."""


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
        Column("relative_vigor", vigor, BODIES, "level", GROUP, limits=(-1.0, 1.0)),
        Column("vigor_gap", vigor - bodies["signal"], BODIES, "level", GROUP, limits=(-2.0, 2.0)),
        in_ranges("dpo", dpo(), GROUP),
        in_ranges("qstick", qstick(), GROUP),
        in_ranges("awesome", awesome(), GROUP),
        in_ranges("squeeze_momentum", squeeze()["momentum"], GROUP),
        in_ranges("close_place", place, "candle", limits=(-14.0, 14.0)),
        in_ranges("candle_body", close - open_, "candle", limits=(-14.0, 14.0)),
        in_ranges("range_share", high - low, "candle", "even", limits=(0.0, 14.0)),
    )


def recursive() -> tuple[Column, ...]:
    """Return the columns that remember."""
    rays, inner = elder_ray(), stochastic_strength()
    inside = both(high < lag(high), low > lag(low))
    outside = both(high > lag(high), low < lag(low))
    return (
        centred("rsi_5", rsi(n=5), GROUP),
        centred("rsi_21", rsi(n=21), GROUP),
        centred("stochastic_rsi_k", inner, GROUP, "ratio"),
        centred("stochastic_rsi_d", mean(inner, 3), GROUP, "ratio"),
        centred("connors_rsi", connors_rsi(), GROUP, "approximate"),
        centred("relative_volatility", _volatility_share(10, 14), GROUP),
        centred("schaff", schaff_cycle(), GROUP),
        Column("tsi", tsi()["tsi"], "points", "level", GROUP, limits=(-100.0, 100.0)),
        Column("fisher", fisher(hl2)["fisher"], "logarithm of odds", "level", GROUP),
        in_ranges("elder_rays", rays["bull"] + rays["bear"], GROUP),
        in_sigmas("gap_move", log_open - lag(log_close), "candle"),
        fading("inside_bars", inside, "candle", "even", 0.8),
        fading("outside_bars", outside, "candle", "even", 0.8),
        *_candlesticks(),
        *_cipher(),
    )


def _place(line: Expr, n: int, least: float = STILL) -> Expr:
    """Return where a line stands in its range of n bars, 0 to 100, kept where that is empty.

    An oscillator that stands still moves by its rounding, up in one chart and down in its mirror
    image: a range below `least` is empty too. The indicators' own look for exact equality.
    """
    bottom = lowest(line, n)
    span = highest(line, n) - bottom
    return hold(span > least, 100.0 * ((line - bottom) / span))


def _volatility_share(n: int, smoothing: int) -> Expr:
    """Return the share of the deviation that stood on rising bars (Dorsey, 1993), 0 to 100.

    The indicator's, but for a bar that closes where the one before did: it counts on neither side,
    not as a fall, of which the mirror image would be a rise.
    """
    change, size = close - lag(close), std(close, n)
    rise = ema(where(change > 0.0, size, 0.0 * size), smoothing)
    fall = ema(where(change < 0.0, size, 0.0 * size), smoothing)
    return 100.0 * rise / (rise + fall)


def stochastic_strength() -> Expr:
    """Return the mean of 3 places of the log close's RSI in its range, as `_place` defines them."""
    return mean(_place(rsi(log_close, 14), 14), 3)


def schaff_cycle() -> Expr:
    """Return the Schaff Trend Cycle with the place in its cycle that `_place` defines."""
    trend = ema(close, 23) - ema(close, 50)
    return decay(_place(decay(_place(trend, 10, 0.0), 0.5), 10), 0.5)


def _candlesticks() -> tuple[Column, ...]:
    """Return the sums of patterns by their lengths, and of those without a direction.

    A bar that closes where it opened, which TA-Lib takes for a rise, is no pattern of one bar.
    Identical three crows, which have no twin that rises, are left out: on a chart of coarse ticks
    they are seen every twenty bars.
    Not quite signed: what a pattern calls long or near has limits that a tie meets on one side
    alone. The sum without a direction has no mirror image: of two dojis that are each other's,
    TA-Lib knows a second form (takuri) of one.
    """
    told = candles()
    longer = told["more"] - candle("identical3crows") / 100.0
    colourless = where(equal(close, open_), 0.0 * told["one"], told["one"])
    lines = {"one": colourless, "two": told["two"], "more": longer}
    signed = tuple(
        Column(f"candles_{key}", line, "patterns", "approximate", "candle")
        for key, line in lines.items()
    )
    return (*signed, Column("candles_indecision", told["indecision"], UNSIGNED, "none", "candle"))


def _cipher() -> tuple[Column, ...]:
    """Return the lines of VuManChu Cipher B, and its events as sums that fade.

    The RSI is read to `FINE`, or its rounding would make fractals where it stands still.
    """
    told = cipher_b(limits=LIMITS, second_limits=SECOND_LIMITS, money=MONEY, fixed=True)
    wave, strength = told["wt2"], floor(told["rsi"] / FINE + 0.5) * FINE
    inner = divergence(strength, fixed=True)
    signed: dict[str, Expr] = {
        "cipher_crosses": told["cross_up"] - told["cross_down"],
        "cipher_circles": told["buy"] - told["sell"],
        "cipher_divergences": _known(told["buy_div"] - told["sell_div"], wave),
        "cipher_hidden": _known(told["wt_any_bull_hidden"] - told["wt_any_bear_hidden"], wave),
        "cipher_rsi_divergences": _known(inner["bull"] - inner["bear"], strength),
    }
    shares = "150 times body over range"
    return (
        Column("cipher_wave", told["wt2"], "points", "level", "cipher"),
        Column("cipher_gap", told["wt_vwap"], "points", "level", "cipher"),
        Column("cipher_money", told["rsimfi"], shares, "level", "cipher", limits=(-150.0, 150.0)),
        *(fading(name, event, "cipher", "level") for name, event in signed.items()),
    )


def _known(divergences: Expr, line: Expr) -> Expr:
    """Return no divergence where the line has no earlier fractal to diverge from."""
    return otherwise(divergences, 0.0 * lag(line, 6))
