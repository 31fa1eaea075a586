"""Columns of the set `full` as a practitioner writes them: TA-Lib, and pandas where it has none.

What several columns read is computed once. `LEFT_OUT` has no reasonable form of that kind: a step
that hangs on its own last value (trailing stops, states with a least stay), swings and what hangs
on them, fractal divergences, volume profiles, Gramian angles, permutation entropy.
"""

import math
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import talib

from folkmoot.causal.candles import CANDLES
from folkmoot.core.bars import Bars

Line = npt.NDArray[np.float64]
Lines = dict[str, Line]

LEFT_OUT = {
    "trailing stops": ("supertrend", "supertrend_side", "chandelier_side", "chandelier"),
    "states with a least stay": ("is_mean_reverting", "is_trending", "is_volatile"),
    "swings": ("swing", "swing_leg", "swing_age", "fibonacci"),
    "chart patterns": ("pattern_score", "pattern_breakouts"),
    "divergences": ("cipher_divergences", "cipher_hidden", "cipher_rsi_divergences"),
    "volume profile": ("control_point", "value_place", "value_width"),
    "permutation entropy": ("order_100",),
}
"""By kind, besides all whose name begins with `gaf_`."""

AGGREGATED = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
TREND, SHAPE = 8.0, 6.0  # bandwidths of the rational quadratic and the Gaussian kernel
PLACES = np.arange(27)


def past(x: Line, k: int = 1) -> Line:
    """Return x of k bars ago."""
    made = np.empty_like(x)
    made[:k], made[k:] = np.nan, x[:-k]
    return made


def rolling_rank(x: Line, n: int) -> Line:
    """Return the share of the last n values at or below the present one, a tie counting half."""
    found: Line = (pd.Series(x).rolling(n).rank().to_numpy() - 0.5) / n
    return found


def faded(x: Line, kept: float) -> Line:
    """Return y = kept y + (1 - kept) x."""
    line: Line = pd.Series(x).ewm(alpha=1.0 - kept, adjust=False).mean().to_numpy()
    return line


def held(x: Line) -> Line:
    """Return x with the last known value where it is unknown."""
    line: Line = pd.Series(x).ffill().to_numpy()
    return line


def smoothed(x: Line, weights: Line) -> Line:
    """Return the weighted mean of the last bars, `weights[0]` for the newest."""
    made = np.full(len(x), np.nan)
    made[len(weights) - 1 :] = np.convolve(x, weights / weights.sum(), "valid")
    return made


def place(m: "Market", x: Line, n: int) -> Line:
    """Return where x stands in its own range of n bars, 0 to 100; kept where that is empty."""
    floor = m.by.MIN(x, n)
    span = m.by.MAX(x, n) - floor
    return held(100.0 * (x - floor) / np.where(span > 0.0, span, np.nan))


class Rolling:
    """The windows of TA-Lib's names by pandas' rolling, as most feature code has them."""

    @staticmethod
    def SMA(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).mean().to_numpy()

    @staticmethod
    def SUM(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).sum().to_numpy()

    @staticmethod
    def MAX(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).max().to_numpy()

    @staticmethod
    def MIN(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).min().to_numpy()

    @staticmethod
    def VAR(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).var(ddof=0).to_numpy()

    @staticmethod
    def STDDEV(x: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).std(ddof=0).to_numpy()

    @staticmethod
    def CORREL(x: Line, y: Line, n: int) -> Line:
        return pd.Series(x).rolling(n).corr(pd.Series(y)).to_numpy()


class Market:
    """Bars as arrays and, each computed once, what the columns share."""

    def __init__(
        self, by: Any, open_: Line, high: Line, low: Line, close: Line, volume: Line
    ) -> None:
        self.by = by
        self.open, self.high, self.low = open_, high, low
        self.close, self.volume = close, volume
        self.log_open, self.log_high = np.log(open_), np.log(high)
        self.log_low, self.log_close = np.log(low), np.log(close)
        self.log_volume = np.log(volume)
        self.moved = self.log_close - past(self.log_close)
        self.change = close - past(close)
        self.typical = talib.TYPPRICE(high, low, close)
        self.middle = talib.MEDPRICE(high, low)
        self.squared = self.moved**2
        self.spanned = (self.log_high - self.log_low) ** 2
        self.usual = np.sqrt(self.by.SMA(self.squared, 20))
        self.true_range = talib.TRANGE(high, low, close)
        self.range = self.by.SMA(self.true_range, 14)
        self.usual_volume = self.by.SMA(volume, 20)

    @cached_property
    def sigma(self) -> Line:
        return np.sqrt(faded(self.squared, 0.97))

    @cached_property
    def rogers(self) -> Line:
        up = (self.log_high - self.log_close) * (self.log_high - self.log_open)
        return up + (self.log_low - self.log_close) * (self.log_low - self.log_open)

    @cached_property
    def garman(self) -> Line:
        body = self.log_close - self.log_open
        return 0.5 * self.spanned - (2.0 * math.log(2.0) - 1.0) * body**2

    @cached_property
    def bands(self) -> tuple[Line, Line]:
        upper, _, lower = talib.BBANDS(self.log_close, 20, 2.0, 2.0)
        return upper, lower

    @cached_property
    def cloud(self) -> tuple[Line, Line, Line]:
        fast, base, wide = (talib.MIDPRICE(self.high, self.low, n) for n in (9, 26, 52))
        return fast, base, wide

    @cached_property
    def rational(self) -> Line:
        weights = (1.0 + PLACES**2 / (2.0 * TREND * TREND**2)) ** -TREND
        return smoothed(self.log_close, weights)

    @cached_property
    def vigor(self) -> Line:
        kernel = np.array([1.0, 2.0, 2.0, 1.0])
        body = self.by.SUM(smoothed(self.close - self.open, kernel), 10)
        return body / self.by.SUM(smoothed(self.high - self.low, kernel), 10)

    @cached_property
    def stochastic(self) -> tuple[Line, Line]:
        k, d = talib.STOCHF(self.high, self.low, self.close, 14, 3)
        return k, d

    @cached_property
    def cci(self) -> Line:
        return talib.CCI(self.high, self.low, self.close, 20)


def market(bars: Bars, by: Any = talib) -> tuple[Market, pd.DataFrame]:
    """Return the arrays of the bars, and their frame."""
    columns = {name: getattr(bars, name) for name in AGGREGATED}
    frame = pd.DataFrame(columns, index=pd.to_datetime(bars.open_time, unit="ms"))
    return Market(by, *columns.values()), frame


def copied(m: Market) -> Lines:
    """Return the columns that are also copied from the higher timeframes."""
    return {**_copied_core(m), **_copied_trends(m), **_copied_momentum(m), **_copied_volumes(m)}


def _copied_core(m: Market) -> Lines:
    upper, lower = m.bands
    width = upper - lower
    return {
        "drift_20": (m.log_close - past(m.log_close, 20)) / (math.sqrt(20.0) * m.usual),
        "vol_burst": np.sqrt(m.by.SMA(m.squared, 5)) / m.usual,
        "stochastic_14": m.stochastic[0] - 50.0,
        "cci_20": m.cci,
        "percent_b": (m.log_close - lower) / width - 0.5,
        "band_width": width / m.usual,
        "volume_share": m.volume / m.usual_volume,
        "signed_volume": m.by.SUM(np.sign(m.moved) * m.volume, 20) / m.by.SUM(m.volume, 20),
    }


def _copied_trends(m: Market) -> Lines:
    price, high, low = m.log_close, m.high, m.low
    hull = talib.WMA(2.0 * talib.WMA(price, 4) - talib.WMA(price, 9), 3)
    way = m.by.SUM(np.abs(m.moved), 20)
    fast, base, _ = m.cloud
    floor, fifty = m.by.MIN(low, 20), m.by.SMA(price, 50)
    parkinson = np.sqrt(m.by.SMA(m.spanned, 5) / (4.0 * math.log(2.0)))
    return {
        "sma_20": (price - m.by.SMA(price, 20)) / m.usual,
        "sma_50": (price - fifty) / m.usual,
        "hull_9": (price - hull) / m.usual,
        "slope_20": talib.LINEARREG_SLOPE(price, 20) / m.usual,
        "kernel_slope": (m.rational - past(m.rational)) / m.usual,
        "efficiency_20": np.abs(price - past(price, 20)) / way,
        "tenkan_kijun": (fast - base) / m.range,
        "kijun": (m.close - base) / m.range,
        "donchian_20": (m.close - floor) / (m.by.MAX(high, 20) - floor) - 0.5,
        "zscore_50": (price - fifty) / m.by.STDDEV(price, 50),
        "echo_50": m.by.CORREL(m.moved, past(m.moved), 50),
        "range_burst": parkinson / np.sqrt(m.by.SMA(m.squared, 50)),
    }


def _copied_momentum(m: Market) -> Lines:
    high, low, close = m.high, m.low, m.close
    walked = m.by.SUM(m.true_range, 14)
    up, down = np.abs(high - past(low)), np.abs(low - past(high))
    ranged = m.by.MAX(high, 14) - m.by.MIN(low, 14)
    centre = (talib.MIDPRICE(high, low, 20) + m.by.SMA(close, 20)) / 2.0
    return {
        "ultimate": talib.ULTOSC(high, low, close, 7, 14, 28) - 50.0,
        "aroon": talib.AROONOSC(high, low, 14),
        "vortex": (m.by.SUM(up, 14) - m.by.SUM(down, 14)) / walked,
        "choppiness": 100.0 / math.log(14.0) * np.log(walked / ranged),
        "relative_vigor": m.vigor,
        "awesome": (m.by.SMA(m.middle, 5) - m.by.SMA(m.middle, 34)) / m.range,
        "squeeze_momentum": talib.LINEARREG(close - centre, 20) / m.range,
    }


def _copied_volumes(m: Market) -> Lines:
    high, low, close, volume = m.high, m.low, m.close, m.volume
    span = high - low
    flow = np.nan_to_num((2.0 * close - high - low) / span) * volume
    change = m.typical - past(m.typical)
    rise, fall = (
        m.by.SUM(np.where(event, volume, 0.0), 14) for event in (change > 0.0, change < 0.0)
    )
    balance, spread = talib.OBV(close, volume), talib.AD(high, low, close, volume)
    return {
        "volume_flow_index": 100.0 * rise / (rise + fall) - 50.0,
        "chaikin_flow": m.by.SUM(flow, 20) / m.by.SUM(volume, 20),
        "obv_slope": talib.LINEARREG_SLOPE(balance, 20) / m.usual_volume,
        "flow_slope": talib.LINEARREG_SLOPE(spread, 20) / m.usual_volume,
        "price_volume": m.by.CORREL(m.moved, np.sqrt(volume), 20),
    }


def from_core(m: Market, frame: pd.DataFrame) -> Lines:
    """Return what the set `core` has and no copy is made of."""
    price, sigma = m.log_close, m.sigma
    side, closes = np.sign(m.moved), frame.index + pd.Timedelta(hours=1)
    body = price - m.log_open
    wicks = m.log_high + m.log_low - m.log_open - price
    line, _, histogram = talib.MACD(price)
    ema = {n: talib.EMA(price, n) for n in (8, 20, 50, 80)}
    plus = talib.PLUS_DI(m.high, m.low, m.close, 14)
    day = closes.hour * (math.tau / 24.0)
    week = (closes.dayofweek + closes.hour / 24.0) * (math.tau / 7.0)
    score = (m.log_volume - m.by.SMA(m.log_volume, 20)) / m.by.STDDEV(m.log_volume, 20)
    return {
        **{f"return_{k}": (price - past(price, k)) / sigma for k in (1, 2, 3, 5, 8, 13, 21)},
        "last_sign": side,
        "same_sign": side * past(side),
        **{name.removesuffix("_20"): each for name, each in estimates(m, 20).items()},
        "body": body / sigma,
        "wicks": wicks / sigma,
        "span": (m.log_high - m.log_low) / sigma,
        "macd": line / sigma,
        "macd_histogram": histogram / sigma,
        **{f"ema_{n}": (price - ema[n]) / sigma for n in (8, 20, 50)},
        "ema_20_80": (ema[20] - ema[80]) / sigma,
        **{f"slope_{n}": talib.LINEARREG_SLOPE(price, n) / sigma for n in (10, 30)},
        "direction_14": plus - talib.MINUS_DI(m.high, m.low, m.close, 14),
        "volume_score": score,
        "volume_pace": m.by.SMA(m.volume, 5) / m.by.SMA(m.volume, 50),
        "hour_sin": np.sin(day).to_numpy(),
        "hour_cos": np.cos(day).to_numpy(),
        "weekday_sin": np.sin(week).to_numpy(),
        "weekday_cos": np.cos(week).to_numpy(),
    } | _ranked(m)


def _ranked(m: Market) -> Lines:
    wave, gap = wavetrend(m, 10, 21, 4)
    strong, quick = talib.RSI(m.close, 14), talib.RSI(m.close, 9)
    trending = talib.ADX(m.high, m.low, m.close, 14)
    return {
        "rsi_14": strong - 50.0,
        "rsi_9": quick - 50.0,
        "wavetrend": wave,
        "wavetrend_gap": gap,
        "adx_14": trending,
        "rank_rsi14": rolling_rank(strong, 500),
        "rank_wt": rolling_rank(wave, 500),
        "rank_cci20": rolling_rank(m.cci, 500),
        "rank_adx14": rolling_rank(trending, 500),
        "rank_rsi9": rolling_rank(quick, 500),
    }


def wavetrend(m: Market, channel: int, average: int, d: int) -> tuple[Line, Line]:
    """Return the fast line of WaveTrend, and its distance from the slow one."""
    apart = m.typical - talib.EMA(m.typical, channel)
    wave = talib.EMA(apart / (0.015 * talib.EMA(np.abs(apart), channel)), average)
    return wave, wave - m.by.SMA(wave, d)


def estimates(m: Market, n: int) -> Lines:
    """Return the five estimates of volatility over n bars, in units of `ewma_vol`."""
    rogers, share = m.by.SMA(m.rogers, n), 0.34 / (1.34 + (n + 1) / (n - 1))
    opened = m.by.VAR(m.log_open - past(m.log_close), n) * n / (n - 1)
    closed = m.by.VAR(m.log_close - m.log_open, n) * n / (n - 1)
    squares = {
        "close": m.by.SMA(m.squared, n),
        "parkinson": m.by.SMA(m.spanned, n) / (4.0 * math.log(2.0)),
        "garman_klass": m.by.SMA(m.garman, n),
        "rogers_satchell": rogers,
        "yang_zhang": opened + share * closed + (1.0 - share) * rogers,
    }
    return {f"vol_{name}_{n}": np.sqrt(square) / m.sigma for name, square in squares.items()}


def from_candles(m: Market) -> Lines:
    """Return TA-Lib's candlesticks added up by how many bars they have."""
    told: dict[str, list[npt.NDArray[np.int32]]] = {"one": [], "two": [], "more": []}
    doubts = []
    for name, pattern in CANDLES.items():
        found = getattr(talib, f"CDL{name.upper()}")(m.open, m.high, m.low, m.close)
        if pattern.direction == "none":
            doubts.append(np.abs(found))
        elif name != "identical3crows":
            told[{1: "one", 2: "two"}.get(pattern.bars, "more")].append(found)
    sums = {f"candles_{key}": np.sum(found, axis=0) / 100.0 for key, found in told.items()}
    sums["candles_one"] = np.where(m.close == m.open, 0.0, sums["candles_one"])
    return sums | {"candles_indecision": np.sum(doubts, axis=0) / 100.0}
