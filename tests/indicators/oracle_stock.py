"""Stock.Indicators' published results on its default quotes (502 days of 2017 and 2018)."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.indicators.oracles import Case, shifted

from folkmoot.causal import Expr, close, column, correlation, ema, lag, mean, std, volume
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import (
    accumulation,
    adx,
    alligator,
    alma,
    aroon,
    atr,
    awesome,
    balance_of_power,
    bollinger,
    cci,
    chaikin_oscillator,
    cmf,
    cmo,
    connors_rsi,
    dema,
    donchian,
    efficiency_ratio,
    elder_ray,
    fisher,
    force_index,
    fractals,
    heikin_ashi,
    hull,
    ichimoku,
    kama,
    keltner,
    linear_regression,
    macd,
    mfi,
    momentum,
    obv,
    pivot_points,
    ppo,
    price_momentum,
    roc,
    rsi,
    stochastic,
    stochastic_momentum,
    stochastic_rsi,
    supertrend,
    t3,
    tema,
    tsi,
    ultimate,
    vortex,
    vwap,
    vwma,
    williams_r,
    wma,
    zscore,
)

SEED = "begins otherwise; compared once that is forgotten"
PARTIAL = ("aroon", "connors_rsi", "fractals")
"""Functions held against a part of the bars alone, as their notes say."""

TIES = "counts ties otherwise: bars with a tie are left out"

Row = tuple[str, Expr, str, int, float, str]


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every result that has a function of ours."""
    with gzip.open(oracles / "stock_indicators_results.json.gz") as file:
        published = json.load(file)
    market = quotes(oracles)
    for function, ours, field, start, tolerance, note in rows():
        result, _, name = field.partition(" ")
        theirs = series(published[result], name)
        if function.startswith("fractals"):
            theirs = shifted(theirs, 2)
        theirs = without_ties(function, theirs, market)
        reference = f"Stock.Indicators {result} {name}"
        part = function.startswith(PARTIAL)
        yield Case(function, reference, ours, market, theirs, tolerance, start, note, part)


def series(published: list[dict[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in published], dtype=np.float64)


def quotes(oracles: Path) -> Bars:
    """Read the quotes, with the close of the second series and the starts of months as events."""
    folder = oracles / "stock_indicators_quotes"
    frame, other = (pd.read_csv(folder / f"{name}.csv") for name in ("default", "compare"))
    dates = pd.to_datetime(frame["date"])
    times = dates.astype("datetime64[ms]").astype("int64").to_numpy()
    columns = [
        frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close", "volume")
    ]
    month = dates.dt.month.to_numpy()
    extra = {
        "other": other["close"].to_numpy(np.float64),
        "month": np.concatenate(([1.0], (np.diff(month) != 0).astype(np.float64))),
        "first": (np.arange(len(month)) == 0).astype(np.float64),
    }
    return Bars("DEFAULT", Timeframe.of("1d"), times, *columns, extra)


def rows() -> Iterator[Row]:
    """Yield function, expression, field, first bar compared, tolerance, and why."""
    for function, ours, field in exact():
        yield function, ours, field, 0, 1e-9, ""
    for function, ours, field, start in faded():
        yield function, ours, field, start, 1e-9, SEED
    yield from peculiar()


def exact() -> Iterator[tuple[str, Expr, str]]:
    place = stochastic(smoothing=3)
    yield "rsi", rsi(), "rsi rsi"
    yield "cci", cci(), "cci cci"
    yield "bollinger.percent_b", bollinger()["percent_b"], "bb percentB"
    yield "bollinger.width", bollinger()["width"] / 100.0, "bb width"
    yield "bollinger.upper", bollinger()["upper"], "bb upperBand"
    yield "stochastic.k", place["k"], "stoch oscillator"
    yield "stochastic.d", place["d"], "stoch signal"
    yield "stochastic_rsi.k", stochastic_rsi(close, k=1)["k"], "stoch-rsi stochRsi"
    yield "stochastic_rsi.d", stochastic_rsi(close, k=1)["d"], "stoch-rsi signal"
    yield "macd.macd", macd()["macd"], "macd macd"
    yield "macd.signal", macd()["signal"], "macd signal"
    yield "ppo(volume)", ppo(volume)["ppo"], "pvo pvo"
    yield "ppo.signal(volume)", ppo(volume)["signal"], "pvo signal"
    yield "accumulation.line", accumulation()["line"], "adl adl"
    yield "cmf", cmf(20), "cmf cmf"
    yield "mfi", mfi(), "mfi mfi"
    yield "force_index", force_index(n=2), "force forceIndex"
    yield "vwma", vwma(n=14), "vwma vwma"
    yield "vwap.vwap", vwap(anchor=column("first"))["vwap"], "vwap vwap"
    yield "alma", alma(), "alma alma"
    yield "wma", wma(n=14), "wma wma"
    yield "hull", hull(n=14), "hma hma"
    yield "awesome", awesome(), "awesome oscillator"
    yield "balance_of_power", mean(balance_of_power(), 14), "bop bop"
    yield "cmo", cmo(n=14), "cmo cmo"
    yield from bands()
    yield from trends()


def bands() -> Iterator[tuple[str, Expr, str]]:
    cloud, channel = ichimoku(), keltner()
    yield "donchian.upper", lag(donchian()["upper"]), "donchian upperBand"
    yield "donchian.lower", lag(donchian()["lower"]), "donchian lowerBand"
    yield "efficiency_ratio", efficiency_ratio(n=10), "kama er"
    yield "elder_ray.bull", elder_ray()["bull"], "elder-ray bullPower"
    yield "elder_ray.bear", elder_ray()["bear"], "elder-ray bearPower"
    yield "heikin_ashi.open", heikin_ashi()["open"], "heikinashi open"
    yield "heikin_ashi.high", heikin_ashi()["high"], "heikinashi high"
    yield "heikin_ashi.low", heikin_ashi()["low"], "heikinashi low"
    yield "heikin_ashi.close", heikin_ashi()["close"], "heikinashi close"
    yield "ichimoku.conversion", cloud["conversion"], "ichimoku tenkanSen"
    yield "ichimoku.base", cloud["base"], "ichimoku kijunSen"
    yield "ichimoku.cloud_a", lag(cloud["cloud_a"]), "ichimoku senkouSpanA"
    yield "ichimoku.cloud_b", lag(cloud["cloud_b"]), "ichimoku senkouSpanB"
    yield "keltner.middle", channel["middle"], "keltner centerline"


def trends() -> Iterator[tuple[str, Expr, str]]:
    for name in ("jaw", "teeth", "lips"):
        yield f"alligator.{name}", alligator()[name], f"alligator {name}"
    yield "chaikin_oscillator", chaikin_oscillator(), "chaikin-osc oscillator"
    yield "linear_regression.value", linear_regression(n=10)["value"], "epma epma"
    yield "linear_regression.slope", linear_regression(n=14)["slope"], "slope slope"
    yield "linear_regression.r2", linear_regression(n=14)["r2"], "slope rSquared"
    yield "momentum", momentum(n=14), "roc momentum"
    yield "roc", roc(n=14), "roc roc"
    yield "ultimate", ultimate(), "uo ultimate"
    yield "vortex.plus", vortex()["plus"], "vortex pvi"
    yield "vortex.minus", vortex()["minus"], "vortex nvi"
    yield "williams_r", williams_r(), "willr williamsR"
    yield "zscore", zscore(n=14), "stdev zScore"
    yield "tsi.tsi", tsi(smoothing=7)["tsi"], "tsi tsi"
    yield "tsi.signal", tsi(smoothing=7)["signal"], "tsi signal"
    yield "ema", ema(close, 20), "ema ema"
    yield "mean", mean(close, 20), "sma sma"
    yield "std", std(close, 14), "stdev stdDev"
    yield "correlation", correlation(close, column("other"), 20), "corr correlation"
    for line in ("pp", "r1", "r2", "r3", "s1", "s2", "s3"):
        ours = pivot_points(anchor=column("month"))[line.replace("pp", "p")]
        yield f"pivot_points.{line.replace('pp', 'p')}", ours, f"pivot-points {line}"


def faded() -> Iterator[tuple[str, Expr, str, int]]:
    yield "atr", atr(), "atr atr", 400
    yield "adx.plus_di", adx()["plus_di"], "adx pdi", 400
    yield "adx.minus_di", adx()["minus_di"], "adx mdi", 400
    yield "adx.adx", adx()["adx"], "adx adx", 470
    yield "keltner.upper", keltner()["upper"], "keltner upperBand", 250
    yield "dema", dema(n=14), "dema dema", 250
    yield "tema", tema(n=20), "tema tema", 350
    yield "t3", t3(), "t3 t3", 150
    yield "supertrend.line", supertrend()["line"], "supertrend superTrend", 250
    yield "obv", obv(), "obv obv", 1
    yield "price_momentum.pmo", price_momentum()["pmo"], "pmo pmo", 430
    yield "price_momentum.signal", price_momentum()["signal"], "pmo signal", 450
    middle = stochastic_momentum(13, 25, 2, 3)
    yield "stochastic_momentum.smi", middle["smi"], "smi smi", 330
    yield "stochastic_momentum.signal", middle["signal"], "smi signal", 330


def peculiar() -> Iterator[Row]:
    held = "limits the place within its smoothing, ours after it"
    oldest = "of equal highs or lows in the window it takes the oldest: those bars are left out"
    yield "kama", kama(), "kama kama", 10, 1e-9, "shows the bar that it begins with"
    yield "fisher.fisher", fisher(n=10)["fisher"], "fisher fisher", 100, 2e-3, held
    yield "connors_rsi", connors_rsi(), "crsi connorsRsi", 130, 1e-9, TIES
    yield "aroon.up", aroon(25)["up"], "aroon aroonUp", 0, 1e-9, oldest
    yield "aroon.down", aroon(25)["down"], "aroon aroonDown", 0, 1e-9, oldest
    tops, later = fractals(), "drawn two bars back; compared where it is known"
    yield "fractals.top_price", tops["top_price"], "fractal fractalBear", 0, 1e-9, later
    yield "fractals.bottom_price", tops["bottom_price"], "fractal fractalBull", 0, 1e-9, later


def without_ties(function: str, theirs: Floats, market: Bars) -> Floats:
    """Return the values without the bars on which equal values share a window's rank or top."""
    change = np.concatenate(([np.nan], np.diff(market.close) / market.close[:-1]))
    watched = {
        "aroon.up": (market.high, 26, np.max),
        "aroon.down": (market.low, 26, np.min),
        "connors_rsi": (change, 101, lambda window: window[-1]),
    }
    if function not in watched:
        return theirs
    x, n, chosen = watched[function]
    tied = np.zeros(len(x), dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(x, n)
    tied[n - 1 :] = [np.sum(window == chosen(window)) > 1 for window in windows]
    return np.where(tied, np.nan, theirs)
