"""The set `talib158`: the 158 functions of the classic TA-Lib list, by name and as they are.

It is here for comparison with work that was done on those columns. Prices, volumes and the
arithmetic on them enter unscaled: columns whose unit says "not stationary" mean nothing beyond
the market and the years they were computed on. Every output of a function is a column, with the
defaults of TA-Lib 0.8 (in which Bollinger's bands look back 20 bars, not 5, and APO and PPO are
of exponential means); high and low are the two series, and 14 the periods, of functions that want
them. The arc functions of a price above one are unknown on every bar.
"""

from collections.abc import Mapping

from folkmoot.causal import Expr, candle, ta
from folkmoot.causal.candles import CANDLES
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column, Mirror
from folkmoot.features.ranges import Range

RAW = ", not stationary"

FUNCTIONS: Mapping[str, str] = {
    "overlap": "BBANDS DEMA EMA HT_TRENDLINE KAMA MA MAMA MAVP MIDPOINT MIDPRICE SAR SAREXT SMA T3 "
    "TEMA TRIMA WMA",
    "momentum": "ADX ADXR APO AROON AROONOSC BOP CCI CMO DX MACD MACDEXT MACDFIX MFI MINUS_DI "
    "MINUS_DM MOM PLUS_DI PLUS_DM PPO ROC ROCP ROCR ROCR100 RSI STOCH STOCHF STOCHRSI TRIX ULTOSC "
    "WILLR",
    "volume": "AD ADOSC OBV",
    "volatility": "ATR NATR TRANGE",
    "price transform": "AVGPRICE MEDPRICE TYPPRICE WCLPRICE",
    "cycle": "HT_DCPERIOD HT_DCPHASE HT_PHASOR HT_SINE HT_TRENDMODE",
    "statistics": "BETA CORREL LINEARREG LINEARREG_ANGLE LINEARREG_INTERCEPT LINEARREG_SLOPE "
    "STDDEV TSF VAR",
    "math transform": "ACOS ASIN ATAN CEIL COS COSH EXP FLOOR LN LOG10 SIN SINH SQRT TAN TANH",
    "math operator": "ADD DIV MAX MAXINDEX MIN MININDEX MINMAX MINMAXINDEX MULT SUB SUM",
}
"""The functions that are not candlesticks by TA-Lib's groups, of which two are arithmetic."""

UNITS: Mapping[str, str] = {
    "ADX ADXR AROON AROONOSC CCI CMO DX MFI MINUS_DI PLUS_DI RSI": "points",
    "STOCH STOCHF STOCHRSI ULTOSC WILLR": "points",
    "PPO ROC TRIX NATR": "percent",
    "ROCP": "share of the price before",
    "ROCR": "ratio to the price before",
    "ROCR100": "percent of the price before",
    "BOP": "share of the bar's range",
    "APO MACD MACDEXT MACDFIX MINUS_DM MOM PLUS_DM SUB": "price difference" + RAW,
    "ATR HT_PHASOR STDDEV TRANGE": "price difference" + RAW,
    "LINEARREG_SLOPE": "price difference per bar" + RAW,
    "LINEARREG_ANGLE": "degrees at one price unit per bar" + RAW,
    "MULT VAR": "squared price" + RAW,
    "AD ADOSC OBV": "volume" + RAW,
    "HT_DCPERIOD": "bars",
    "HT_DCPHASE": "degrees",
    "HT_SINE": "sine",
    "HT_TRENDMODE": "event",
    "BETA": "slope of relative moves",
    "CORREL": "correlation",
    "MAXINDEX MININDEX MINMAXINDEX": "bars since the first" + RAW,
    "ACOS ASIN ATAN COS COSH EXP LN LOG10 SIN SINH SQRT TAN TANH": "function of a price" + RAW,
    "DIV": "ratio of high to low",
}
"""What one of a column is; a price where nothing is said."""

UNIT = {name: unit for names, unit in UNITS.items() for name in names.split()}
LAWS: Mapping[Mirror, str] = {
    "level": "AD ADOSC APO AROONOSC BOP CCI CMO LINEARREG_ANGLE LINEARREG_SLOPE MACD MACDEXT "
    "MACDFIX MOM",
    "ratio": "LN LOG10",
    "even": "ADX ADXR ATR CORREL DIV DX STDDEV SUB TRANGE VAR",
}
MIRROR = {name: mirror for mirror, names in LAWS.items() for name in names.split()}
FIXED: Mapping[str, Range] = {
    "COS": (-1.0, 1.0),
    "HT_TRENDMODE": (0.0, 1.0),
    "SIN": (-1.0, 1.0),
    "TANH": (-1.0, 1.0),
}
CONFIRMED = ("hikkake", "hikkakemod")


def talib158(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns, which are the same in every timeframe: TA-Lib's groups, then candles.

    A column is named as its function, in lower case, and if that has several outputs, as the
    output: `rsi`, `macd_macdsignal`, `cdlengulfing`.
    """
    plain = (
        column
        for group, names in FUNCTIONS.items()
        for name in names.split()
        for column in _columns(name, group)
    )
    return (*plain, *(_candle(name) for name in CANDLES))


def outputs(name: str) -> dict[str, Expr]:
    """Return every output of a TA-Lib function at its defaults, under the name of its column."""
    from talib import abstract

    names: list[str] = abstract.Function(name).info["output_names"]  # type: ignore[attr-defined]  # not in its stub
    if len(names) == 1:
        return {name.lower(): ta(name)}
    return {f"{name}_{output}".lower(): ta(name, output=output) for output in names}


def _columns(name: str, group: str) -> list[Column]:
    unit, mirror = UNIT.get(name, "price" + RAW), MIRROR.get(name, "none")
    return [
        Column(column, expr, unit, mirror, group, limits=FIXED.get(name))
        for column, expr in outputs(name).items()
    ]


def _candle(name: str) -> Column:
    most = 200.0 if name in CONFIRMED else 100.0
    unit = "percent of a pattern, signed"
    column = CANDLES[name].talib.lower()
    return Column(column, candle(name), unit, "none", "candles", limits=(-most, most))


PLUGIN = talib158
