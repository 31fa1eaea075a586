"""ChartSchool's worked examples (StockCharts), as spreadsheets saved to CSV."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tests.indicators.oracles import Case, bars_of

from folkmoot.causal import Expr, const, equal, hlc3, running
from folkmoot.core.bars import Bars, Floats
from folkmoot.indicators import (
    accumulation,
    adx,
    atr,
    bollinger,
    cci,
    donchian,
    ease_of_movement,
    efficiency_ratio,
    force_index,
    kama,
    mfi,
    obv,
    price_volume_trend,
    psar,
    roc,
    stochastic,
    tsi,
    ultimate,
    vortex,
    vwap,
    vwma,
    williams_r,
    wma,
)

if TYPE_CHECKING:
    import pandas as pd

ROUNDED = "the example rounds its steps"
SEED = "begins otherwise; compared once that is forgotten"
FIRST = equal(running(const(1.0)), 1.0)

Row = tuple[str, Expr, str, str, int, float, str]


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every example of which a function of ours computes a column."""
    import pandas as pd

    frames: dict[str, tuple[pd.DataFrame, Bars]] = {}
    for function, ours, name, field, start, tolerance, note in rows():
        if name not in frames:
            frame = pd.read_csv(oracles / "chartschool" / f"cs-{name}.csv")
            frames[name] = frame, market(frame, name)
        frame, bars = frames[name]
        theirs = pd.to_numeric(frame[field.removesuffix(" of 14")], errors="coerce").to_numpy(
            "float64", copy=True
        )
        if field.endswith(" of 14"):
            theirs[14:] = np.nan
        yield Case(function, f"ChartSchool {name}", ours, bars, theirs, tolerance, start, note)


def market(frame: "pd.DataFrame", name: str) -> Bars:
    """Make bars of an example's columns."""
    found: dict[str, Floats] = {}
    for label in frame.columns:
        if label.lower() in ("open", "high", "low", "close", "volume"):
            found[label.lower()] = frame[label].to_numpy("float64", copy=True)
    return bars_of(found, name=name)


def rows() -> Iterator[Row]:
    """Yield function, expression, example, its column, first bar compared, tolerance, and why."""
    for function, ours, name, field, tolerance in exact():
        yield function, ours, name, field, 0, tolerance, ROUNDED if tolerance > 1e-9 else ""
    yield from peculiar()


def exact() -> Iterator[tuple[str, Expr, str, str, float]]:
    bands, sides = bollinger(), vortex()
    yield "accumulation.line", accumulation()["line"], "accum", "ADLine", 1e-4
    yield "bollinger.middle", bands["middle"], "bbands", "MiddleBand", 1e-7
    yield "bollinger.upper", bands["upper"], "bbands", "HighBand", 1e-7
    yield "bollinger.width", bands["width"], "bbands", "WidthBand", 1e-6
    yield "bollinger.percent_b", bands["percent_b"], "bbands", "PercentageBand", 1e-5
    yield "cci", cci(), "cci", "CCI", 1e-5
    yield "donchian.upper", donchian()["upper"], "dc", "upper_band", 1e-9
    yield "donchian.lower", donchian()["lower"], "dc", "lower_band", 1e-9
    yield "ease_of_movement", ease_of_movement(divisor=1e8), "easeofmovement", "SMA_EMV", 1e-8
    yield "mfi", mfi(), "mfi", "MFI", 1e-5
    yield "stochastic.k", stochastic()["k"], "soo", "SO", 1e-7
    yield "stochastic.d", stochastic()["d"], "soo", "SO_SIG", 1e-7
    yield "ultimate", ultimate(), "ultosc", "Ult_Osc", 1e-5
    yield "vortex.plus", sides["plus"], "vortex", "+VI14", 1e-6
    yield "vortex.minus", sides["minus"], "vortex", "-VI14", 1e-6
    yield "price_volume_trend", price_volume_trend(), "vpt", "unsmoothed vpt", 1e-9
    yield "williams_r", williams_r(), "percentr", "Williams_%R", 1e-6
    yield "efficiency_ratio", efficiency_ratio(n=10), "kama", "ER", 1e-6
    yield "roc", roc(n=12), "roc", "ROC", 1e-8


def peculiar() -> Iterator[Row]:
    sides = adx()
    yield "obv", obv(), "obv", "OBV", 0, 1e-9, ""
    yield "adx.plus_di", sides["plus_di"], "adx", "+DI14", 400, 1e-7, SEED
    yield "adx.minus_di", sides["minus_di"], "adx", "-DI14", 400, 1e-7, SEED
    yield "adx.adx", sides["adx"], "adx", "ADX", 480, 1e-7, SEED
    weights = "its weight of 2 / 26 is rounded to 0.07692"
    yield "tsi.tsi", tsi()["tsi"], "tsi", "TSI", 0, 1e-2, weights
    earlier = "had earlier bars than it shows"
    yield "wma", wma(n=9), "wma", "WMA", 8, 1e-6, earlier
    yield "kama", kama(), "kama", "KAMA", 10, 1e-6, "shows the bar that it begins with"
    yield "atr", atr(10), "atr2", "ATR", 9, 1e-9, ""
    yield "atr", atr(14), "atr", "ATR", 14, 2e-5, "its seed is rounded to three decimals"
    yield "vwma", vwma(hlc3, 14), "vwap", "vwap", 13, 1e-6, "a window of 14 bars"
    yield "vwap.vwap", vwap(anchor=FIRST)["vwap"], "vwap", "vwap of 14", 0, 1e-6, ROUNDED
    yield "force_index", force_index(n=1), "fi", "FI_1", 0, 1e-9, ""
    yield "psar", psar(), "psar", "psar_up", 5, 1e-7, ROUNDED
