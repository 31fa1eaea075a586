"""Formulas written again with pandas, numpy and TA-Lib's parts, where nobody publishes numbers.

Such a case finds slips in composing, not in the definition: the definition is each file's own.
"""

import math
from collections.abc import Iterator
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import talib
from tests.indicators.oracles import Case, btc

from folkmoot.causal import Expr
from folkmoot.core.bars import Bars, Floats
from folkmoot.indicators import (
    accumulation,
    amihud,
    choppiness,
    close_to_close,
    corwin_schultz,
    crossings,
    dpo,
    ewma_vol,
    garman_klass,
    hurst,
    ichimoku,
    klinger,
    obv_slope,
    parkinson,
    percent_rank,
    permutation_entropy,
    pivot_points,
    relative_vigor,
    relative_volatility,
    relative_volume,
    rogers_satchell,
    roll_spread,
    squeeze,
    trix,
    ulcer,
    variance_ratio,
    vwap,
    yang_zhang,
)

PANDAS, TALIB = "written again with pandas", "composed of TA-Lib's parts"

PARTIAL = {"vwap.upper": "from the fourth bar of a session on"}
"""Functions held against a part of the bars alone."""

Row = tuple[str, Expr, str, "Floats | pd.Series"]


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every formula that is written again here."""
    market = btc(oracles)
    for part in (_volumes, _movements, _levels, _volatilities, _randomness, _spreads):
        for function, ours, reference, theirs in part(market):
            values = np.array(theirs, dtype=np.float64)
            note = PARTIAL.get(function, "")
            yield Case(function, reference, ours, market, values, 1e-10, 0, note, bool(note))


def _volumes(x: Bars) -> Iterator[Row]:
    volume = pd.Series(x.volume)
    typical = pd.Series((x.high + x.low + x.close) / 3.0)
    signed = np.where(typical.diff() >= 0.0, volume, -volume)
    signed[0] = np.nan
    line = talib.EMA(signed, 34) - talib.EMA(signed, 55)
    yield "klinger.klinger", klinger()["klinger"], TALIB, line
    yield "klinger.signal", klinger()["signal"], TALIB, talib.EMA(line, 13)
    usual = talib.SMA(x.volume, 20)
    yield "relative_volume", relative_volume(), TALIB, x.volume / usual
    slope = talib.LINEARREG_SLOPE(talib.OBV(x.close, x.volume), 20) / usual
    slope[19] = np.nan
    yield "obv_slope", obv_slope(), TALIB, slope
    line = talib.AD(x.high, x.low, x.close, x.volume)
    slope = talib.LINEARREG_SLOPE(line, 20) / usual
    yield "accumulation.slope", accumulation()["slope"], TALIB, slope


def _movements(x: Bars) -> Iterator[Row]:
    body, span = pd.Series(x.close - x.open), pd.Series(x.high - x.low)

    def smooth(y: pd.Series) -> pd.Series:
        return (y + 2.0 * y.shift(1) + 2.0 * y.shift(2) + y.shift(3)) / 6.0

    vigor = smooth(body).rolling(10).sum() / smooth(span).rolling(10).sum()
    yield "relative_vigor.vigor", relative_vigor()["vigor"], PANDAS, vigor
    yield "relative_vigor.signal", relative_vigor()["signal"], PANDAS, smooth(vigor)
    size, change = talib.STDDEV(x.close, 10), np.diff(x.close, prepend=np.nan)
    rise = talib.EMA(np.where(change > 0.0, size, 0.0 * size), 14)
    fall = talib.EMA(np.where(change > 0.0, 0.0 * size, size), 14)
    yield "relative_volatility", relative_volatility(), TALIB, 100.0 * rise / (rise + fall)
    third = talib.EMA(talib.EMA(talib.EMA(np.log(x.close), 18), 18), 18)
    yield "trix", trix(), TALIB, 10_000.0 * np.diff(third, prepend=np.nan)
    close = pd.Series(x.close)
    yield "dpo", dpo(), PANDAS, close - close.rolling(21).mean().shift(11)
    place = close.rolling(101).apply(lambda window: np.mean(window[:-1] < window[-1]), raw=True)
    ties = close.rolling(101).apply(lambda window: np.mean(window[:-1] == window[-1]), raw=True)
    yield "percent_rank", percent_rank(), PANDAS, 100.0 * (place + ties / 2.0)
    fast, slow = close.rolling(50).mean(), close.rolling(200).mean()
    up = ((fast > slow) & (fast.shift() <= slow.shift())).astype(float).where(slow.shift().notna())
    yield "crossings.up", crossings()["up"], PANDAS, up


def _levels(x: Bars) -> Iterator[Row]:
    span = talib.MAX(x.high, 14) - talib.MIN(x.low, 14)
    walked = talib.SUM(talib.TRANGE(x.high, x.low, x.close), 14)
    chop = 100.0 * np.log10(walked / span) / math.log10(14)
    yield "choppiness", choppiness(), TALIB, chop
    top = talib.MAX(x.close, 14)
    drop = 100.0 * (x.close - top) / top
    yield "ulcer", ulcer(), TALIB, np.sqrt(talib.SMA(drop * drop, 14))
    middle = (talib.MAX(x.high, 20) + talib.MIN(x.low, 20)) / 2.0
    apart = x.close - (middle + talib.SMA(x.close, 20)) / 2.0
    yield "squeeze.momentum", squeeze()["momentum"], TALIB, talib.LINEARREG(apart, 20)
    reach = talib.SMA(talib.TRANGE(x.high, x.low, x.close), 20)
    inside = np.where(np.isnan(reach), np.nan, 2.0 * talib.STDDEV(x.close, 20) < 1.5 * reach)
    yield "squeeze.on", squeeze()["on"], TALIB, inside
    base = pd.Series((talib.MAX(x.high, 52) + talib.MIN(x.low, 52)) / 2.0)
    yield "ichimoku.cloud_b", ichimoku()["cloud_b"], TALIB, base.shift(25)
    frame, day = x.to_frame(), x.open_time // 86_400_000
    first = np.flatnonzero(np.diff(day))[0] + 1
    yield from _sessions(frame, pd.Series(day), first)


def _sessions(frame: pd.DataFrame, day: pd.Series, first: int) -> Iterator[Row]:
    typical = (frame["high"] + frame["low"] + frame["close"]) / 3.0
    size = frame["volume"].groupby(day).cumsum()
    middle = (typical * frame["volume"]).groupby(day).cumsum() / size
    square = (typical**2 * frame["volume"]).groupby(day).cumsum() / size
    begun = pd.Series(np.arange(len(day)) >= first)
    yield "vwap.vwap", vwap()["vwap"], PANDAS, middle.where(begun)
    reach = np.sqrt((square - middle**2).clip(lower=0.0))
    # The textbook difference of squares is itself good to a few parts in a million.
    settled = begun & (frame.groupby(day).cumcount() > 2)
    yield "vwap.upper", vwap()["upper"], PANDAS, (middle + reach).where(settled)
    days = frame.groupby(day).agg({"high": "max", "low": "min", "close": "last"}).shift()
    pivot = days.sum(axis=1, skipna=False) / 3.0
    second = pd.Series(day > day.iloc[first])
    yield "pivot_points.p", pivot_points()["p"], PANDAS, day.map(pivot).where(second)
    upper = day.map(pivot + 0.618 * (days["high"] - days["low"])).where(second)
    yield "pivot_points.r2", pivot_points("fibonacci")["r2"], PANDAS, upper


def _volatilities(x: Bars) -> Iterator[Row]:
    o, h, low, c = (pd.Series(np.log(x.column(name))) for name in ("open", "high", "low", "close"))
    change, n = c.diff(), 20
    span, body = (h - low) ** 2, (c - o) ** 2
    satchell = ((h - c) * (h - o) + (low - c) * (low - o)).rolling(n).mean()
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    zhang = (o - c.shift()).rolling(n).var() + k * (c - o).rolling(n).var() + (1 - k) * satchell
    klass = (0.5 * span - (2.0 * math.log(2.0) - 1.0) * body).rolling(n).mean()
    weighted = (change**2).ewm(alpha=0.03, adjust=False, ignore_na=True).mean()
    yield "ewma_vol", ewma_vol(), PANDAS, np.sqrt(weighted)
    yield "close_to_close", close_to_close(), PANDAS, np.sqrt((change**2).rolling(n).mean())
    range_only = np.sqrt(span.rolling(n).mean() / (4.0 * math.log(2.0)))
    yield "parkinson", parkinson(), PANDAS, range_only
    yield "garman_klass", garman_klass(), PANDAS, np.sqrt(klass)
    yield "rogers_satchell", rogers_satchell(), PANDAS, np.sqrt(satchell)
    yield "yang_zhang", yang_zhang(), PANDAS, np.sqrt(zhang)


def _randomness(x: Bars) -> Iterator[Row]:
    price = pd.Series(np.log(x.close))
    ratio = price.diff(4).rolling(60).var(ddof=0) / (4.0 * price.diff().rolling(60).var(ddof=0))
    yield "variance_ratio", variance_ratio(), PANDAS, ratio
    scales = np.array([1, 2, 4, 8, 16])
    moves = [np.log(price.diff(q).abs().rolling(100).mean()) for q in scales]
    exponent = np.polyfit(np.log(scales), np.array(moves)[:, 115:], 1)[0]
    yield "hurst", hurst(), PANDAS, np.concatenate((np.full(115, np.nan), exponent))
    change = np.diff(np.log(x.close), prepend=np.nan)
    found = [_entropy(change[row - 99 : row + 1]) for row in range(100, 600)]
    values = np.full(len(x), np.nan)
    values[100:600] = found
    yield "permutation_entropy", permutation_entropy(), "written again with numpy", values


def _entropy(window: Floats) -> float:
    triples = np.lib.stride_tricks.sliding_window_view(window, 3)
    orders = [tuple(order) for order in np.argsort(triples, axis=1, kind="stable")]
    shares = [orders.count(order) / len(orders) for order in permutations(range(3))]
    return -sum(p * math.log(p) for p in shares if p > 0.0) / math.log(6.0)


def _spreads(x: Bars) -> Iterator[Row]:
    close, change = pd.Series(x.close), pd.Series(np.log(x.close)).diff()
    size = close.pct_change().abs() * 1e6 / (close * x.volume)
    yield "amihud", amihud(), PANDAS, size.rolling(20).mean()
    bounce = change.rolling(20).cov(change.shift(), ddof=0)
    yield "roll_spread", roll_spread(), PANDAS, 2.0 * np.sqrt((-bounce).clip(lower=0.0))
    pairs = [_pair(x, a, b) for a, b in pairwise(range(len(x)))]
    each = pd.Series([np.nan, *pairs])
    yield "corwin_schultz", corwin_schultz(), PANDAS, each.rolling(20).mean()


def _pair(x: Bars, a: int, b: int) -> float:
    """Return the paper's spread of two bars, 0 where it is negative."""
    beta = math.log(x.high[a] / x.low[a]) ** 2 + math.log(x.high[b] / x.low[b]) ** 2
    gamma = math.log(max(x.high[a], x.high[b]) / min(x.low[a], x.low[b])) ** 2
    root = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (math.sqrt(2.0 * beta) - math.sqrt(beta)) / root - math.sqrt(gamma / root)
    return max(0.0, 2.0 * (math.exp(alpha) - 1.0) / (1.0 + math.exp(alpha)))
