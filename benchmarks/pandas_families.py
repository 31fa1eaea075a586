"""The rest of `full` by TA-Lib and pandas: its own families, copies of higher timeframes, all."""

import math
from typing import Any

import numpy as np
import pandas as pd
import talib
from pandas_columns import (
    AGGREGATED,
    PLACES,
    SHAPE,
    Line,
    Lines,
    Market,
    copied,
    estimates,
    faded,
    from_candles,
    from_core,
    market,
    past,
    place,
    rolling_rank,
    smoothed,
    wavetrend,
)

from folkmoot.core.bars import Bars

HIGHER = {"4h": pd.Timedelta(hours=4), "1d": pd.Timedelta(days=1)}


def columns(bars: Bars, by: Any = talib) -> pd.DataFrame:
    """Return every column that has such a form, for bars of one hour."""
    with np.errstate(invalid="ignore", divide="ignore"):
        m, frame = market(bars, by)
        lines = {
            **from_core(m, frame),
            **copied(m),
            **_trends(m),
            **_states(m),
            **_momentum(m),
            **_oscillators(m),
            **from_candles(m),
            **_cipher(m),
            **_volumes(m, frame),
        }
        own = pd.DataFrame(lines, index=frame.index + pd.Timedelta(hours=1), copy=False)
        return pd.concat(
            [own, *(_higher(m.by, frame, label, own.index) for label in HIGHER)], axis=1
        )


def _higher(by: Any, frame: pd.DataFrame, label: str, closes: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the copies of one higher timeframe, as known on each close."""
    coarse = frame.resample(label).agg(AGGREGATED)
    lines = copied(Market(by, *(coarse[name].to_numpy() for name in AGGREGATED)))
    made = pd.DataFrame(lines, index=coarse.index + HIGHER[label], copy=False).add_suffix(
        f"_{label}"
    )
    empty = pd.DataFrame(index=closes)
    return pd.merge_asof(empty, made, left_index=True, right_index=True)


def _correlated_with_time(m: Market, x: Line, n: int) -> Line:
    """Return the r squared of the least-squares line through the last n values."""
    square = talib.LINEARREG_SLOPE(x, n) ** 2 * (n * n - 1.0) / 12.0
    return square / m.by.VAR(x, n)


def _trends(m: Market) -> Lines:
    price, usual = m.log_close, m.usual
    gaussian = smoothed(price, np.exp(-(PLACES**2) / (2.0 * SHAPE**2)))
    floor = m.by.MIN(m.low, 55)
    fast, base, wide = m.cloud
    first, second = past((fast + base) / 2.0, 25), past(wide, 25)
    ahead = price + (price - past(price, 9))
    squeezed = 2.0 * m.by.STDDEV(m.close, 20) < 1.5 * m.by.SMA(m.true_range, 20)
    return {
        "slope_50": talib.LINEARREG_SLOPE(price, 50) / usual,
        "slope_100": talib.LINEARREG_SLOPE(price, 100) / usual,
        "line_50": (price - talib.LINEARREG(price, 50)) / usual,
        "kernel_gap": (gaussian - m.rational) / usual,
        "fit_30": _correlated_with_time(m, price, 30),
        "fit_100": _correlated_with_time(m, price, 100),
        "efficiency_10": np.abs(price - past(price, 10)) / m.by.SUM(np.abs(m.moved), 10),
        "donchian_55": (m.close - floor) / (m.by.MAX(m.high, 55) - floor) - 0.5,
        "squeeze_on": squeezed.astype(float),
        "return_34": (price - past(price, 34)) / usual,
        "return_55": (price - past(price, 55)) / usual,
        "sma_200": (price - m.by.SMA(price, 200)) / m.sigma,
        "ema_100": (price - talib.EMA(price, 100)) / m.sigma,
        "zlema_20": (price - talib.EMA(ahead, 20)) / m.sigma,
        "parabolic": (m.close - talib.SAR(m.high, m.low, 0.02, 0.2)) / m.range,
        "cloud": (m.close - (first + second) / 2.0) / m.range,
        "cloud_width": np.abs(first - second) / m.range,
    }


def _states(m: Market) -> Lines:
    price, moved = m.log_close, pd.Series(m.moved).rolling(50)
    upper, lower = m.bands
    mean = talib.AVGPRICE(m.open, m.high, m.low, m.close)
    reach = 2.0 * talib.ATR(m.high, m.low, m.close, 10)
    kurtosis = moved.kurt().to_numpy() * (48.0 * 47.0 / 49.0)
    four, sixteen = price - past(price, 4), price - past(price, 16)
    many = {60: m.by.VAR(four, 60), 120: m.by.VAR(sixteen, 120)}
    one = {n: m.by.VAR(m.moved, n) for n in many}
    travelled = [np.log(m.by.SMA(np.abs(price - past(price, 2**k)), 100)) for k in range(5)]
    rise = sum((k - 2) * each for k, each in enumerate(travelled))
    return {
        "skew_50": moved.skew().to_numpy() * (48.0 / math.sqrt(50.0 * 49.0)),
        "kurtosis_50": (kurtosis - 6.0) / 51.0,
        "heikin_body": (mean - faded(past(mean), 0.5)) / m.range,
        "keltner": (m.close - talib.EMA(m.close, 20)) / (2.0 * reach),
        "band_rank": rolling_rank(upper - lower, 200),
        "variance_ratio_4": many[60] / (4.0 * one[60]),
        "variance_ratio_16": many[120] / (16.0 * one[120]),
        "hurst_100": rise / (10.0 * math.log(2.0)),
        **estimates(m, 10),
        **estimates(m, 60),
        "vol_of_vol": m.by.STDDEV(np.log(m.sigma), 50),
        "vol_rank": rolling_rank(m.sigma, 500),
    }


def _momentum(m: Market) -> Lines:
    high, low, close, change = m.high, m.low, m.close, m.change
    rise, fall = m.by.SUM(np.maximum(change, 0.0), 9), m.by.SUM(np.maximum(-change, 0.0), 9)
    inside = (high < past(high)) & (low > past(low))
    outside = (high > past(high)) & (low < past(low))
    centre, line = talib.EMA(close, 13), m.vigor
    return {
        "stochastic_d": m.stochastic[1] - 50.0,
        "cmo_9": 100.0 * (rise - fall) / (rise + fall),
        "vigor_gap": line - smoothed(line, np.array([1.0, 2.0, 2.0, 1.0])),
        "dpo": (close - past(m.by.SMA(close, 21), 11)) / m.range,
        "qstick": m.by.SMA(close - m.open, 14) / m.range,
        "close_place": (2.0 * close - high - low) / m.range,
        "candle_body": (close - m.open) / m.range,
        "range_share": (high - low) / m.range,
        "rsi_5": talib.RSI(close, 5) - 50.0,
        "rsi_21": talib.RSI(close, 21) - 50.0,
        "elder_rays": (high + low - 2.0 * centre) / m.range,
        "gap_move": (m.log_open - past(m.log_close)) / m.sigma,
        "inside_bars": faded(inside.astype(float), 0.8) / 0.2,
        "outside_bars": faded(outside.astype(float), 0.8) / 0.2,
    }


def _oscillators(m: Market) -> Lines:
    change, close = m.change, m.close
    k = m.by.SMA(place(m, talib.RSI(m.log_close, 14), 14), 3)
    size = m.by.STDDEV(close, 10)
    rise, fall = (
        talib.EMA(np.where(event, size, 0.0 * size), 14) for event in (change > 0.0, change < 0.0)
    )
    cycle = faded(place(m, talib.EMA(close, 23) - talib.EMA(close, 50), 10), 0.5)
    net, way = (talib.EMA(talib.EMA(each, 25), 13) for each in (change, np.abs(change)))
    return {
        "stochastic_rsi_k": k - 50.0,
        "stochastic_rsi_d": m.by.SMA(k, 3) - 50.0,
        "connors_rsi": _connors(m) - 50.0,
        "relative_volatility": 100.0 * rise / (rise + fall) - 50.0,
        "schaff": faded(place(m, cycle, 10), 0.5) - 50.0,
        "tsi": 100.0 * net / way,
        "fisher": _fisher(m),
    }


def _connors(m: Market) -> Line:
    rows = np.arange(len(m.close))
    since_fall = rows - np.maximum.accumulate(np.where(m.change > 0.0, 0, rows))
    since_rise = rows - np.maximum.accumulate(np.where(m.change < 0.0, 0, rows))
    streak = np.where(m.change > 0.0, since_fall, -since_rise).astype(float)
    ranked = pd.Series(talib.ROC(m.close, 1)).rolling(101).rank().to_numpy() - 1.0
    whole: Line = (talib.RSI(m.close, 3) + talib.RSI(streak, 2) + ranked) / 3.0
    return whole


def _fisher(m: Market) -> Line:
    value = 2.0 * faded(place(m, m.middle, 9) / 100.0 - 0.5, 0.67)  # 0.66 of a bar, 0.67 kept
    value = np.where(value > 0.99, 0.999, np.where(value < -0.99, -0.999, value))
    return faded(np.log((1.0 + value) / (1.0 - value)), 0.5)


def _cipher(m: Market) -> Lines:
    wave, gap = wavetrend(m, 9, 12, 3)
    slow, before = wave - gap, past(gap)
    up, down = (gap > 0.0) & (before <= 0.0), (gap < 0.0) & (before >= 0.0)
    circles = (up & (slow <= -53.0)).astype(float) - (down & (slow >= 53.0))
    span = m.high - m.low
    share = np.where(span > 0.0, (m.close - m.open) / span, 0.0)
    return {
        "cipher_wave": slow,
        "cipher_gap": gap,
        "cipher_money": m.by.SMA(150.0 * share, 60),
        "cipher_crosses": faded(up.astype(float) - down, 0.9) / 0.1,
        "cipher_circles": faded(circles, 0.9) / 0.1,
    }


def _spread(m: Market) -> Line:
    """Return the spread of Corwin and Schultz, a mean of 20 bars."""
    root = 3.0 - 2.0 * math.sqrt(2.0)
    highest, lowest = np.fmax(m.log_high, past(m.log_high)), np.fmin(m.log_low, past(m.log_low))
    single = np.sqrt(m.spanned + past(m.spanned))
    alpha = np.exp((math.sqrt(2.0) - 1.0) / root * single - (highest - lowest) / math.sqrt(root))
    return m.by.SMA(np.maximum(2.0 * (alpha - 1.0) / (1.0 + alpha), 0.0), 20)


def _volumes(m: Market, frame: pd.DataFrame) -> Lines:
    volume = m.volume
    size = np.abs(m.moved)
    moves, trades = (m.by.SUM(x, 5) / m.by.SUM(x, 100) for x in (size, volume))
    paid = pd.DataFrame({"money": m.typical * volume, "volume": volume}, index=frame.index)
    today = paid.groupby(frame.index.normalize()).cumsum()
    price = (today["money"] / today["volume"]).to_numpy()
    return {
        "volume_slope": talib.LINEARREG_SLOPE(volume, 20) / m.usual_volume,
        "size_volume": m.by.CORREL(size, np.sqrt(volume), 20),
        "spread_20": _spread(m) / m.usual,
        "force": talib.EMA(m.change * volume, 13) / (m.range * m.usual_volume),
        "volume_trend": np.log(talib.EMA(volume, 10) / talib.EMA(volume, 60)),
        "illiquidity": np.log((moves + 0.05) / (trades + 0.05)),
        "vwap": (m.close - price) / m.range,
    }
