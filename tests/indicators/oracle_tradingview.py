"""TradingView's own exports: jdehorty's features and kernels, means, Bollinger width."""

from collections.abc import Iterator
from pathlib import Path

from tests.indicators.oracles import Case
from tests.indicators.test_tradingview import read

from folkmoot.causal import close, ema
from folkmoot.indicators import adx, bollinger, kernel_regression, lorentzian_features

FEATURES = {"f1": "n_rsi", "f2": "n_wt", "f3": "n_cci", "f4": "n_adx", "f5": "n_rsi_second"}
LATE = 1e-7, 6_000, "its history is longer than the export"
LENGTHS = (20, 50, 144, 169, 200, 576, 676)


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every exported column that a function of ours computes."""
    yield from _nifty(oracles / "tradingview_lorentzian_NIFTY_1d.parquet")
    yield from _palm_oil(oracles / "tradingview_lorentzian_kernel_FCPO_3m.parquet")
    market, frame = read(oracles / "tradingview_ema_BTCUSDT_4h.parquet", "4h")
    for n in LENGTHS:
        theirs = frame[f"ema{n}"].to_numpy("float64", copy=True)
        note = "its history is longer than the export"
        yield Case(
            f"ema({n})", "TradingView BTCUSDT", ema(close, n), market, theirs, 1e-7, 6_000, note
        )


def _nifty(path: Path) -> Iterator[Case]:
    market, frame = read(path, "1d")
    export, kernels, features = "TradingView NIFTY", kernel_regression(), lorentzian_features()
    for field, name in FEATURES.items():
        theirs = frame[field].to_numpy("float64", copy=True)
        yield Case(f"lorentzian_features.{name}", export, features[name], market, theirs, 1e-12)
    for field, name in (("yhat1", "rational_quadratic"), ("yhat2", "gaussian")):
        theirs = frame[field].to_numpy("float64", copy=True)
        yield Case(f"kernel_regression.{name}", export, kernels[name], market, theirs, 1e-10)
    theirs, note = frame["f4"].to_numpy("float64", copy=True), "once its first bar is forgotten"
    strength = adx(20, 20)["adx"] / 100.0
    yield Case("adx.adx", export, strength, market, theirs, 1e-12, 1_000, note)


def _palm_oil(path: Path) -> Iterator[Case]:
    # No timeframe has 3 minutes; neither line reads the clock.
    market, frame = read(path, "1m")
    kernel = kernel_regression()["rational_quadratic"]
    for function, ours, field, start, tolerance in (
        ("bollinger.width", bollinger()["width"], "Bollinger_BandWidth", 19, 1e-8),
        ("kernel_regression.rational_quadratic", kernel, "Kernel_Regression_Estimate", 26, 1e-10),
    ):
        theirs = frame[field].to_numpy("float64", copy=True)
        yield Case(function, "TradingView FCPO", ours, market, theirs, tolerance, start)
