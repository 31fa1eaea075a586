"""The set `core`: some sixty stationary columns of one bar series and its two higher timeframes.

Prices enter as differences of their logarithms in units of `ewma_vol` or as bounded oscillators,
volume as a share of its own recent mean, time as a point on a circle.
"""

import math

from folkmoot.causal import (
    Expr,
    cos,
    day_of_week,
    ema,
    hour_of_day,
    lag,
    log,
    mean,
    rank,
    sign,
    sin,
    slope,
    std,
    total,
    volume,
)
from folkmoot.core.timeframe import DAY, Timeframe
from folkmoot.features.column import Column, Mirror, copies
from folkmoot.features.ranges import Range
from folkmoot.features.volatility import (
    close_to_close,
    ewma_vol,
    garman_klass,
    log_close,
    log_high,
    log_low,
    log_open,
    log_return,
    parkinson,
    rogers_satchell,
    yang_zhang,
)
from folkmoot.indicators.adx import adx
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.stochastic import stochastic
from folkmoot.indicators.wavetrend import wavetrend

RETURN_LAGS = (1, 2, 3, 5, 8, 13, 21)
RANKED_OVER = 500
SIGMA = ewma_vol()
DEVIATIONS = "standard deviations of one bar"
FROM_50, OF_20 = "points from 50", "standard deviations of 20 bars"
LOG_VOLUME, BURST = "standard deviations of log volume", "volatility of 5 bars over 20"
PLACE, UP_DOWN = "bands from the middle", "share up less share down"
OF_MEAN = "ratio to the mean of 20 bars"
HALF, PACE = (-50.0, 50.0), (0.0, 10.0)
WAVE = 10.0 / 0.015
"""A bar's distance from a mean that is begun with ten bars is at most ten of the mean distance."""


def core(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns for decisions in `timeframe`, copies of higher timeframes last."""
    windowed = (*_windowed_prices(), *_windowed_volume())
    return (
        *_returns(),
        *_volatility(),
        *_candle(),
        *_momentum(),
        *_trend(),
        *_long_volume(),
        *windowed,
        *_calendar(timeframe),
        *_ranks(),
        *copies(windowed, timeframe),
    )


def _returns() -> tuple[Column, ...]:
    moves = (
        _scaled(f"return_{k}", log_close - lag(log_close, k), "ratio", "returns")
        for k in RETURN_LAGS
    )
    last = sign(log_return)
    return (
        *moves,
        Column("last_sign", last, "sign", "ratio", "returns"),
        Column("same_sign", last * lag(last), "product of the last two signs", "even", "returns"),
    )


def _volatility() -> tuple[Column, ...]:
    estimates = {
        "vol_close": close_to_close,
        "vol_parkinson": parkinson,
        "vol_garman_klass": garman_klass,
        "vol_rogers_satchell": rogers_satchell,
        "vol_yang_zhang": yang_zhang,
    }
    return tuple(
        Column(name, estimate(20) / SIGMA, "ratio to ewma_vol", "even", "volatility")
        for name, estimate in estimates.items()
    )


def _candle() -> tuple[Column, ...]:
    wicks = log_high + log_low - log_open - log_close
    return (
        _scaled("body", log_close - log_open, "ratio", "candle"),
        _scaled("wicks", wicks, "ratio", "candle"),
        _scaled("span", log_high - log_low, "even", "candle"),
    )


def _momentum() -> tuple[Column, ...]:
    wave = wavetrend()
    gap, move = wave["wt1"] - wave["wt2"], macd(log_close)
    return (
        Column("rsi_14", rsi(n=14) - 50.0, FROM_50, "level", "momentum", limits=HALF),
        Column("rsi_9", rsi(n=9) - 50.0, FROM_50, "level", "momentum", limits=HALF),
        Column("wavetrend", wave["wt1"], "points", "level", "momentum", limits=_within(WAVE)),
        Column("wavetrend_gap", gap, "points", "level", "momentum", limits=_within(2.0 * WAVE)),
        _scaled("macd", move["macd"], "ratio", "momentum"),
        _scaled("macd_histogram", move["histogram"], "ratio", "momentum"),
    )


def _trend() -> tuple[Column, ...]:
    movement = adx()
    direction = movement["plus_di"] - movement["minus_di"]
    return (
        _scaled("ema_8", log_close - ema(log_close, 8), "ratio", "trend"),
        _scaled("ema_20", log_close - ema(log_close, 20), "ratio", "trend"),
        _scaled("ema_50", log_close - ema(log_close, 50), "ratio", "trend"),
        _scaled("ema_20_80", ema(log_close, 20) - ema(log_close, 80), "ratio", "trend"),
        _scaled("slope_10", slope(log_close, 10), "ratio", "trend"),
        _scaled("slope_30", slope(log_close, 30), "ratio", "trend"),
        Column("adx_14", movement["adx"], "points", "even", "trend", limits=(0.0, 100.0)),
        Column("direction_14", direction, "points", "level", "trend", limits=_within(100.0)),
    )


def _long_volume() -> tuple[Column, ...]:
    size = log(volume)
    score = (size - mean(size, 20)) / std(size, 20)
    pace = mean(volume, 5) / mean(volume, 50)
    return (
        Column(
            "volume_score", score, LOG_VOLUME, "even", "volume", limits=_within(math.sqrt(19.0))
        ),
        Column(
            "volume_pace", pace, "mean of 5 bars over mean of 50", "even", "volume", limits=PACE
        ),
    )


def _windowed_prices() -> tuple[Column, ...]:
    usual = close_to_close(20)
    drift = (log_close - lag(log_close, 20)) / (math.sqrt(20.0) * usual)
    burst = close_to_close(5) / usual
    bands = bollinger(log_close)
    place = bands["percent_b"] - 0.5
    breadth = (bands["upper"] - bands["lower"]) / usual
    return (
        Column("drift_20", drift, OF_20, "ratio", "trend", limits=_within(math.sqrt(20.0))),
        Column("vol_burst", burst, BURST, "even", "volatility", limits=(0.0, 2.0)),
        Column(
            "stochastic_14", stochastic()["k"] - 50.0, FROM_50, "level", "momentum", limits=HALF
        ),
        Column("cci_20", cci(n=20), "points", "level", "momentum", limits=_within(10.0 / 0.015)),
        Column("percent_b", place, PLACE, "ratio", "bands", limits=_within(math.sqrt(19.0) / 4.0)),
        Column("band_width", breadth, DEVIATIONS, "even", "bands"),
    )


def _windowed_volume() -> tuple[Column, ...]:
    signed = total(sign(log_return) * volume, 20) / total(volume, 20)
    share = volume / mean(volume, 20)
    return (
        Column("volume_share", share, OF_MEAN, "even", "volume", limits=(0.0, 20.0)),
        Column("signed_volume", signed, UP_DOWN, "ratio", "volume", limits=_within(1.0)),
    )


def _calendar(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the clock columns that are not the same on every bar of `timeframe`."""
    day, week = hour_of_day * (math.tau / 24.0), day_of_week * (math.tau / 7.0)
    hours = (
        Column("hour_sin", sin(day), "circle", "even", "calendar"),
        Column("hour_cos", cos(day), "circle", "even", "calendar"),
    )
    weekdays = (
        Column("weekday_sin", sin(week), "circle", "even", "calendar"),
        Column("weekday_cos", cos(week), "circle", "even", "calendar"),
    )
    return (
        *(hours if timeframe.ms < DAY else ()),
        *(weekdays if timeframe.ms <= DAY else ()),
    )


def _ranks() -> tuple[Column, ...]:
    """Return oscillators among their own last values.

    They declare no law of mirrors: values equal but for rounding change places in a rank, and a
    rank's mirror image is 1 less it, not its opposite.
    """
    wave = wavetrend()
    oscillators = {
        "rank_rsi14": rsi(n=14),
        "rank_wt": wave["wt1"],
        "rank_cci20": cci(n=20),
        "rank_adx14": adx()["adx"],
        "rank_rsi9": rsi(n=9),
    }
    return tuple(
        Column(name, rank(expr, RANKED_OVER), f"share of {RANKED_OVER} bars", "none", "ranks")
        for name, expr in oscillators.items()
    )


def _within(most: float) -> Range:
    return -most, most


def _scaled(name: str, expr: Expr, mirror: Mirror, group: str) -> Column:
    return Column(name, expr / SIGMA, DEVIATIONS, mirror, group)


PLUGIN = core
