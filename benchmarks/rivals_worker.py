"""The peers' side of `rivals.py`: run by an interpreter that need not have folkmoot.

    python rivals_worker.py batch|stream NAME BARS.npz

Says on stdout, as JSON, that the peer is missing or what its newest values are, and then does the
work once for every line on stdin.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Columns = dict[str, Any]
Work = Callable[[], dict[str, float]]


def polars_talib(columns: Columns) -> Work:
    import polars as pl
    import polars_talib as plta

    frame = pl.DataFrame({name: columns[name] for name in ("high", "low", "close")})
    high, low, close = pl.col("high"), pl.col("low"), pl.col("close")
    price = (high + low + close) / 3.0
    centre = plta.ema(price, timeperiod=10)
    reach = plta.ema((price - centre).abs(), timeperiod=10)
    bands, lines = plta.bbands(close, timeperiod=20), plta.macd(close)
    exprs = [
        plta.rsi(close, timeperiod=14).alias("rsi"),
        plta.cci(high, low, close, timeperiod=20).alias("cci"),
        plta.adx(high, low, close, timeperiod=14).alias("adx"),
        plta.ema((price - centre) / (0.015 * reach), timeperiod=21).alias("wavetrend"),
        lines.alias("macd_lines"),
        bands.alias("bands"),
        plta.atr(high, low, close, timeperiod=14).alias("atr"),
    ]

    def work() -> dict[str, float]:
        row = frame.select(exprs).row(-1, named=True)
        found = {name: row[name] for name in ("rsi", "cci", "adx", "wavetrend", "atr")}
        found.update(zip(("macd", "signal", "histogram"), row["macd_lines"].values(), strict=True))
        found.update(zip(("upper", "middle", "lower"), row["bands"].values(), strict=True))
        return found

    return work


def pandas_ta_classic(columns: Columns) -> Work:
    import pandas as pd
    import pandas_ta_classic as ta

    high, low, close = (pd.Series(columns[name]) for name in ("high", "low", "close"))

    def work() -> dict[str, float]:
        price = (high + low + close) / 3.0
        centre = ta.ema(price, length=10, talib=False)
        reach = ta.ema((price - centre).abs(), length=10, talib=False)
        lines, bands = ta.macd(close, talib=False), ta.bbands(close, length=20, talib=False)
        made = {
            "rsi": ta.rsi(close, length=14, talib=False),
            "cci": ta.cci(high, low, close, length=20, talib=False),
            "adx": ta.adx(high, low, close, length=14).iloc[:, 0],
            "wavetrend": ta.ema((price - centre) / (0.015 * reach), length=21, talib=False),
            "macd": lines.iloc[:, 0],
            "histogram": lines.iloc[:, 1],
            "signal": lines.iloc[:, 2],
            "lower": bands.iloc[:, 0],
            "middle": bands.iloc[:, 1],
            "upper": bands.iloc[:, 2],
            "atr": ta.atr(high, low, close, length=14, talib=False),
        }
        return {name: float(values.iloc[-1]) for name, values in made.items()}

    return work


def ta(columns: Columns) -> Work:
    import pandas as pd
    from ta import momentum, trend, volatility

    high, low, close = (pd.Series(columns[name]) for name in ("high", "low", "close"))

    def work() -> dict[str, float]:
        lines = trend.MACD(close)
        bands = volatility.BollingerBands(close, 20)
        made = {
            "rsi": momentum.RSIIndicator(close, 14).rsi(),
            "cci": trend.CCIIndicator(high, low, close, 20).cci(),
            "adx": trend.ADXIndicator(high, low, close, 14).adx(),
            "macd": lines.macd(),
            "signal": lines.macd_signal(),
            "histogram": lines.macd_diff(),
            "upper": bands.bollinger_hband(),
            "middle": bands.bollinger_mavg(),
            "lower": bands.bollinger_lband(),
            "atr": volatility.AverageTrueRange(high, low, close, 14).average_true_range(),
        }
        return {name: float(values.iloc[-1]) for name, values in made.items()}

    return work


def vectorbt(columns: Columns) -> Work:
    import vectorbt as vbt

    high, low, close = (columns[name] for name in ("high", "low", "close"))

    def work() -> dict[str, float]:
        lines = vbt.MACD.run(close, macd_ewm=True, signal_ewm=True)
        bands = vbt.BBANDS.run(close, 20)
        made = {
            # Wilder's weight of 1 / 14 is that of an exponential mean of 27 bars.
            "rsi": vbt.RSI.run(close, 27, ewm=True).rsi,
            "macd": lines.macd,
            "signal": lines.signal,
            "histogram": lines.hist,
            "upper": bands.upper,
            "middle": bands.middle,
            "lower": bands.lower,
            "atr": vbt.ATR.run(high, low, close, 27, ewm=True).atr,
        }
        return {name: float(values.iloc[-1]) for name, values in made.items()}

    return work


def streaming_indicators(columns: Columns) -> Work:
    import streaming_indicators as si

    closes = columns["close"].tolist()
    rows = [
        {"high": high, "low": low, "close": close}
        for high, low, close in zip(
            columns["high"].tolist(), columns["low"].tolist(), closes, strict=True
        )
    ]

    def work() -> dict[str, float]:
        strength, true, ranges = si.RSI(14), si.ATR(14), {}
        for close, row in zip(closes, rows, strict=True):
            ranges = {"rsi": strength.update(close), "atr": true.update(row)}
        return {name: float(value) for name, value in ranges.items()}

    return work


def hexital(columns: Columns) -> Work:
    from hexital import Candle, Hexital
    from hexital.indicators import ADX, ATR, BBANDS, MACD, RSI

    names = ("open", "high", "low", "close", "volume")
    rows = list(zip(*(columns[name].tolist() for name in names), strict=True))

    def work() -> dict[str, float]:
        parts = [RSI(period=14), ADX(period=14), MACD(), BBANDS(period=20), ATR(period=14)]
        whole = Hexital("seven", [], parts)
        for opened, high, low, close, volume in rows:
            whole.append(Candle(opened, high, low, close, int(volume)))
        found = {"rsi": whole.reading(parts[0].name), "atr": whole.reading(parts[4].name)}
        direction, lines, bands = (whole.reading(part.name) for part in parts[1:4])
        found.update({"adx": direction["ADX"], "macd": lines["MACD"], "signal": lines["signal"]})
        found.update({"upper": bands["BBU"], "middle": bands["BBM"], "lower": bands["BBL"]})
        return {name: float(value) for name, value in found.items()}

    return work


def nautilus_trader(columns: Columns) -> Work:
    from nautilus_trader.indicators import (
        AverageTrueRange,
        BollingerBands,
        CommodityChannelIndex,
        MovingAverageConvergenceDivergence,
        MovingAverageType,
        RelativeStrengthIndex,
    )

    rows = list(zip(*(columns[name].tolist() for name in ("high", "low", "close")), strict=True))

    def work() -> dict[str, float]:
        wilder, plain = MovingAverageType.WILDER, MovingAverageType.EXPONENTIAL
        strength = RelativeStrengthIndex(14, wilder)
        channel, bands = CommodityChannelIndex(20), BollingerBands(20, 2.0)
        lines = MovingAverageConvergenceDivergence(12, 26, plain)
        true = AverageTrueRange(14, wilder)
        for high, low, close in rows:
            strength.update_raw(close)
            channel.update_raw(high, low, close)
            lines.update_raw(close)
            bands.update_raw(close, close, close)
            true.update_raw(high, low, close)
        return {
            "rsi": 100.0 * strength.value,
            "cci": channel.value,
            "macd": lines.value,
            "upper": bands.upper,
            "middle": bands.middle,
            "lower": bands.lower,
            "atr": true.value,
        }

    return work


PEERS: dict[tuple[str, str], Callable[[Columns], Work]] = {
    ("batch", "polars-talib"): polars_talib,
    ("batch", "pandas-ta-classic"): pandas_ta_classic,
    ("batch", "ta"): ta,
    ("batch", "vectorbt"): vectorbt,
    ("stream", "streaming-indicators"): streaming_indicators,
    ("stream", "hexital"): hexital,
    ("stream", "nautilus_trader"): nautilus_trader,
}


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def serve(work: Work, turns: Iterable[str]) -> None:
    for _ in turns:
        work()
        say({"done": True})


def main() -> None:
    bench, name, path = sys.argv[1:]
    with np.load(path) as stored:
        columns = {key: stored[key] for key in stored.files}
    try:
        work = PEERS[bench, name](columns)
    except ImportError as error:
        say({"missing": f"not installed: {error}"})
        return
    newest = {key: value for key, value in work().items() if not math.isnan(value)}
    say({"newest": newest})
    serve(work, sys.stdin)


if __name__ == "__main__":
    main()
