"""TA-Lib's functions on 3,000 hours of BTC-USDT, and all of its classic list through `ta`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import talib
from talib import abstract
from tests.indicators.oracles import Case, btc

from folkmoot.causal import (
    Expr,
    candle,
    close,
    const,
    correlation,
    deviation,
    ema,
    equal,
    high,
    hlc3,
    lag,
    low,
    mean,
    otherwise,
    running,
    std,
    ta,
    total,
    true_range,
    valuewhen,
    volume,
    wilder,
)
from folkmoot.causal.candles import CANDLES
from folkmoot.core.bars import Bars, Floats
from folkmoot.features.sets.talib158 import FUNCTIONS
from folkmoot.indicators import (
    accelerator,
    accumulation,
    adx,
    aroon,
    atr,
    awesome,
    balance_of_power,
    bollinger,
    cci,
    chaikin_oscillator,
    chaikin_volatility,
    cmf,
    coppock,
    dema,
    donchian,
    efficiency_ratio,
    elder_ray,
    force_index,
    fractals,
    heikin_ashi,
    hull,
    intraday_momentum,
    kama,
    keltner,
    linear_regression,
    macd,
    mass_index,
    mfi,
    momentum,
    obv,
    ppo,
    price_volume_trend,
    psar,
    qstick,
    roc,
    rsi,
    stochastic,
    stochastic_momentum,
    supertrend,
    t3,
    tema,
    tsi,
    ultimate,
    vertical_horizontal,
    vortex,
    vwma,
    williams_r,
    wma,
    zlema,
)

FIRST = equal(running(const(1.0)), 1.0)
SEED = "begins otherwise; compared once that is forgotten"
UNKNOWN = {
    **dict.fromkeys(("ACOS", "ASIN"), "not defined for a price above 1: unknown on every bar"),
    **dict.fromkeys(("COSH", "EXP", "SINH"), "overflows for these prices: unknown on every bar"),
}
SAME = "the same library, called by another way"


def cases(oracles: Path) -> Iterator[Case]:
    """Yield ours against TA-Lib's, then every output of the 158 functions and 61 candles."""
    market = btc(oracles)
    for function, ours, called, start, note in rows():
        name, *rest = called.split()
        theirs = direct(name, market, rest)
        yield Case(function, f"TA-Lib {called}", ours, market, theirs, 1e-9, start, note)
    for name in classic():
        for output in abstract.Function(name).info["output_names"]:
            ours, theirs = ta(name, output=output), direct(name, market, [output])
            note = UNKNOWN.get(name, SAME)
            yield Case(f"ta({name!r})", f"TA-Lib {name}", ours, market, theirs, 0.0, 0, note)
    for name in CANDLES:
        called = f"CDL{name.upper()}"
        theirs = direct(called, market, [])
        yield Case(f"candle({name!r})", f"TA-Lib {called}", candle(name), market, theirs, 0.0)


def classic() -> list[str]:
    """Return the names of the 158 functions."""
    plain = [name for names in FUNCTIONS.values() for name in names.split()]
    return [*plain, *(f"CDL{name.upper()}" for name in CANDLES)]


def direct(name: str, market: Bars, rest: list[str]) -> Floats:
    """Call TA-Lib on the bars; `rest` is an output's name and parameters `key=value`."""
    options = {key: float(value) for key, value in (x.split("=") for x in rest if "=" in x)}
    function = abstract.Function(name)
    typed = {key: type(function.parameters[key])(value) for key, value in options.items()}
    columns = [
        np.full(len(market), float(node.params[0]))
        if node.op == "const"
        else market.column(str(node.params[0]))
        for node in ta(name, output=function.info["output_names"][0]).args
    ]
    found = getattr(talib, name)(*columns, **typed)
    found = found if isinstance(found, (tuple, list)) else [found]
    wanted = [x for x in rest if "=" not in x]
    place = function.info["output_names"].index(wanted[0]) if wanted else 0
    values = np.array(found[place], dtype=np.float64)
    values[: abstract.Function(name, **typed).lookback] = np.nan
    return np.where(np.isfinite(values), values, np.nan)


def rows() -> Iterator[tuple[str, Expr, str, int, str]]:
    """Yield function, expression, TA-Lib's call, first bar compared, and why."""
    for function, ours, called in (*exact(), *lines(), *operators()):
        yield function, ours, called, 0, ""
    for function, ours, called, start in faded():
        yield function, ours, called, start, SEED
    begun = "begins with the first bar's volume, which is added"
    yield "obv", obv() + valuewhen(FIRST, volume), "OBV", 1, begun
    yield "price_volume_trend", price_volume_trend(), "PVT", 1, "shows the 0 that it begins with"
    yield (
        "balance_of_power",
        otherwise(balance_of_power(), 0.0),
        "BOP",
        0,
        "0 for a bar without range",
    )
    for output, expr in (("swinghigh", "top"), ("swinglow", "bottom")):
        note = "an event, 100 for ours of 1"
        yield f"fractals.{expr}", 100.0 * fractals()[expr], f"FRACTAL {output}", 0, note


def exact() -> Iterator[tuple[str, Expr, str]]:
    yield "rsi", rsi(), "RSI"
    yield "cci", cci(n=14), "CCI"
    yield "mfi", mfi(), "MFI"
    yield "williams_r", williams_r(), "WILLR"
    yield "ultimate", ultimate(), "ULTOSC"
    yield "momentum", momentum(), "MOM"
    yield "roc", roc(n=10), "ROC"
    yield "dema", dema(n=30), "DEMA"
    yield "tema", tema(n=30), "TEMA"
    yield "wma", wma(n=30), "WMA"
    yield "hull", hull(n=20), "HMA"
    yield "vwma", vwma(n=30), "VWMA"
    yield "zlema", zlema(n=30), "ZLEMA"
    yield "kama", kama(), "KAMA timeperiod=10"
    yield "coppock", coppock(), "COPPOCK"
    yield "efficiency_ratio", efficiency_ratio(n=10), "ER"
    yield "mass_index", mass_index(25), "MASSI"
    yield "relative_volume", volume / lag(mean(volume, 20)), "RVOL"
    yield "force_index", force_index(), "EFI"
    yield "cmf", cmf(), "CMF"
    yield "qstick", qstick(10), "QSTICK"
    yield "awesome", awesome(), "AO"
    yield "tsi.tsi", tsi()["tsi"], "TSI"
    yield "ppo(volume)", ppo(volume)["ppo"], "PVO"
    yield "ppo", ppo()["ppo"], "PPO matype=1"
    yield "psar", psar(), "SAR"
    yield "accelerator", accelerator(), "AC"
    yield "vertical_horizontal", vertical_horizontal(), "VHF"
    yield "intraday_momentum", intraday_momentum(), "IMI"
    yield "chaikin_volatility", chaikin_volatility(), "CVI"
    middle = stochastic_momentum(13, 25, 2, 9)
    yield "stochastic_momentum.smi", middle["smi"], "SMI smi"
    yield "stochastic_momentum.signal", middle["signal"], "SMI smisignal"
    yield "accumulation.line", accumulation()["line"], "AD"


def lines() -> Iterator[tuple[str, Expr, str]]:
    for name in ("upper", "middle", "lower"):
        yield f"bollinger.{name}", bollinger()[name], f"BBANDS {name}band timeperiod=20"
        yield f"donchian.{name}", donchian()[name], f"DONCHIAN {name}band"
    for name in ("open", "high", "low", "close"):
        yield f"heikin_ashi.{name}", heikin_ashi()[name], f"HA ha{name}"
    for name in ("bull", "bear"):
        yield f"elder_ray.{name}", elder_ray()[name], f"ERI {name}power"
    for name in ("plus", "minus"):
        yield f"vortex.{name}", vortex()[name], f"VORTEX {name}vi"
    for name in ("up", "down"):
        yield f"aroon.{name}", aroon()[name], f"AROON aroon{name}"
    fast = stochastic(n=5)
    yield "stochastic.k", fast["k"], "STOCHF fastk"
    yield "stochastic.d", fast["d"], "STOCHF fastd"
    line = linear_regression(n=14)
    yield "linear_regression.value", line["value"], "LINEARREG"
    yield "linear_regression.slope", line["slope"], "LINEARREG_SLOPE"


def operators() -> Iterator[tuple[str, Expr, str]]:
    yield "ema", ema(close, 30), "EMA"
    yield "wilder", wilder(close, 30), "RMA"
    yield "mean", mean(close, 30), "SMA"
    yield "std", std(close, 5), "STDDEV"
    yield "total", total(close, 30), "SUM"
    yield "deviation", deviation(close, 14), "AVGDEV"
    yield "correlation", correlation(high, low, 30), "CORREL"
    yield "true_range", true_range("nan"), "TRANGE"


def faded() -> Iterator[tuple[str, Expr, str, int]]:
    sides = adx()
    yield "atr", atr(), "ATR", 400
    yield "adx.adx", sides["adx"], "ADX", 700
    yield "adx.plus_di", sides["plus_di"], "PLUS_DI", 400
    yield "adx.minus_di", sides["minus_di"], "MINUS_DI", 400
    for name in ("macd", "signal", "histogram"):
        called = {"macd": "macd", "signal": "macdsignal", "histogram": "macdhist"}[name]
        yield f"macd.{name}", macd()[name], f"MACD {called}", 500
    for name in ("upper", "middle", "lower"):
        yield f"keltner.{name}", keltner(hlc3)[name], f"KC {name}band", 400
    yield "supertrend.line", supertrend()["line"], "SUPERTREND supertrend", 400
    yield "supertrend.direction", supertrend()["direction"], "SUPERTREND trend", 400
    yield "t3", t3(), "T3", 150
    yield "chaikin_oscillator", chaikin_oscillator(), "ADOSC", 300
