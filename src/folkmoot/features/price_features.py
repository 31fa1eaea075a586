"""The feature functions of document 001, causal and in one definition for arrays and frames."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.causal import Expr, close, lag, log, mean, std
from folkmoot.core.errors import UsageError
from folkmoot.features.scaling import Scaler, ZScoreScaler, scaler_named
from folkmoot.indicators import ADXIndicator, CCIIndicator, RSIIndicator, WaveTrendIndicator
from folkmoot.indicators.classes import read_data

if TYPE_CHECKING:
    import pandas as pd

AVERAGED_OVER = (5, 10, 20, 50)
MOVED_OVER = 20


def price_expressions() -> dict[str, Expr]:
    """Return the price features as expressions of the close.

    `returns` and `log_returns` over one bar, `ma_5` .. `ma_50` in price units, and `volatility`,
    the standard deviation (n - 1) of 20 returns.
    """
    returns = close / lag(close) - 1.0
    unbiased = math.sqrt(MOVED_OVER / (MOVED_OVER - 1.0))
    return {
        "returns": returns,
        "log_returns": log(close / lag(close)),
        **{f"ma_{n}": mean(close, n) for n in AVERAGED_OVER},
        "volatility": unbiased * std(returns, MOVED_OVER),
    }


def calculate_price_features(df: Any) -> dict[str, Any]:
    """Return the price features of `df`, each of its kind, unknown (NaN) while it warms up.

    `df` is a frame or mapping with `close`, an array `[n, 4 or 5]`, a tensor, or closes alone.
    Moving averages are in price units: they are no input for a model as they stand.

    >>> calculate_price_features([100.0, 110.0, 99.0])["returns"].round(2)
    array([ nan,  0.1, -0.1])
    """
    return read_data(price_expressions(), df)


def create_feature_matrix(data: Any) -> "pd.DataFrame":
    """Return RSI, CCI, ADX and WaveTrend at the document's lengths with their signals.

    Columns are `rsi_rsi`, `rsi_buy_signals`, .. `wavetrend_wt2`; signals are bool, one bar long.
    `data` needs high, low and close; a frame's index is kept.
    """
    import pandas as pd

    indicators = {
        "rsi": RSIIndicator(period=14),
        "cci": CCIIndicator(period=20),
        "adx": ADXIndicator(period=14),
        "wavetrend": WaveTrendIndicator(channel_length=10, average_length=21),
    }
    features: dict[str, Any] = {}
    for name, indicator in indicators.items():
        found = indicator.calculate(data)
        features.update({f"{name}_{line}": values for line, values in found.items()})
    tensors = {name: x.cpu().numpy() for name, x in features.items() if hasattr(x, "cpu")}
    return pd.DataFrame({**features, **tensors})


def normalize_features(
    features: Any, scaler: Scaler | str | None = None, split: Any = None
) -> tuple[Any, Scaler]:
    """Return the features scaled, of their kind, and the scaler that did it.

    Without a fitted scaler one is fitted on all rows of `features`: a z-score, or the kind named.
    `split` is where training ends: an index label of a frame or series, else a row number; a fit
    on rows at or after it is refused with `UsageError`, as is a split that cannot be compared with
    the index. Fit on the rows before, and pass the scaler for the others.

    >>> train, fitted = normalize_features([[1.0], [3.0]], split=2)
    >>> normalize_features([[5.0]], fitted)[0]
    array([[3.]])
    """
    chosen = ZScoreScaler() if scaler is None else scaler
    if isinstance(chosen, str):
        chosen = scaler_named(chosen)
    if not chosen.fitted:
        _refuse_rows_after(features, split)
        chosen.fit(features)
    return chosen.transform(features), chosen


def _refuse_rows_after(features: Any, split: Any) -> None:
    if split is None:
        return
    labelled = hasattr(features, "index") and hasattr(features, "to_numpy")
    places = features.index if labelled else np.arange(len(features))
    try:
        after = int(np.asarray(places >= split).sum())
    except TypeError as problem:
        raise UsageError(
            f"the split {split!r} is no label of the index: {problem}",
            where="normalize_features",
            allowed=f"{places.dtype}",
        ) from problem
    if after:
        raise UsageError(
            f"{after} of the rows to fit on lie at or after the split {split}",
            where="normalize_features",
            allowed="rows before the split, or a scaler fitted on them",
        )
