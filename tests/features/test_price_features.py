"""Document 001's feature functions: its own formulas, its own example code, nothing from later."""

import numpy as np
import pandas as pd
import pytest
from tests.conftest import random_walk

from folkmoot.causal import compile
from folkmoot.core.errors import UsageError
from folkmoot.features import (
    calculate_price_features,
    create_feature_matrix,
    normalize_features,
)
from folkmoot.features.price_features import price_expressions

BARS = random_walk(600)
NAMES = ("open", "high", "low", "close", "volume")
INDEX = pd.date_range("2024-01-01", periods=600, freq="1h", tz="UTC")
FRAME = pd.DataFrame({name: BARS.column(name) for name in NAMES}, index=INDEX)


def test_price_features_are_those_of_the_document() -> None:
    made = calculate_price_features(FRAME)
    close = FRAME["close"]
    returns = close.pct_change()
    expected = {
        "returns": returns,
        "log_returns": np.log1p(returns),
        **{f"ma_{window}": close.rolling(window).mean() for window in (5, 10, 20, 50)},
        "volatility": returns.rolling(20).std(),
    }
    assert list(made) == list(expected)
    for name, series in expected.items():
        pd.testing.assert_series_equal(made[name], series.rename(name), rtol=1e-9, atol=1e-14)


def test_price_features_keep_the_kind_of_their_data() -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    closes = BARS.column("close")
    expected = compile(price_expressions()).batch(BARS)
    arrays, tensors = (
        calculate_price_features(closes),
        calculate_price_features(torch.tensor(closes)),
    )
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], values)
        np.testing.assert_allclose(tensors[name].numpy(), values, rtol=0.0, atol=1e-9)


def test_the_feature_matrix_has_the_documents_columns() -> None:
    matrix = create_feature_matrix(FRAME)
    assert list(matrix) == [
        *("rsi_rsi", "rsi_buy_signals", "rsi_sell_signals"),
        *("cci_cci", "cci_buy_signals", "cci_sell_signals"),
        *("adx_adx", "adx_plus_di", "adx_minus_di", "adx_buy_signals", "adx_sell_signals"),
        *("wavetrend_wt1", "wavetrend_wt2", "wavetrend_buy_signals", "wavetrend_sell_signals"),
    ]
    pd.testing.assert_index_equal(matrix.index, INDEX)
    assert matrix.iloc[60:].notna().all(axis=None)
    assert matrix.filter(like="signals").dtypes.eq(bool).all()


def test_the_feature_matrix_is_the_same_from_arrays_and_tensors() -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    expected = create_feature_matrix(FRAME).reset_index(drop=True)
    pd.testing.assert_frame_equal(create_feature_matrix(FRAME.to_numpy()), expected)
    seen = create_feature_matrix(torch.tensor(FRAME.to_numpy()))
    pd.testing.assert_frame_equal(seen, expected, rtol=1e-7)


def test_features_know_nothing_of_what_comes_later() -> None:
    early = create_feature_matrix(FRAME.iloc[:400])
    pd.testing.assert_frame_equal(create_feature_matrix(FRAME).iloc[:400], early)


def test_the_documents_steps_run_one_after_another() -> None:
    features = create_feature_matrix(FRAME)
    features_normalized, scaler = normalize_features(features.iloc[:400])
    later, same = normalize_features(features.iloc[400:], scaler)
    assert same is scaler
    lines = features_normalized["rsi_rsi"]
    assert abs(lines.mean()) < 1e-12
    assert lines.std(ddof=0) == pytest.approx(1.0)
    past = features["rsi_rsi"].iloc[:400]
    expected = (features["rsi_rsi"].iloc[400:] - past.mean()) / past.std(ddof=0)
    pd.testing.assert_series_equal(later["rsi_rsi"], expected)


def test_a_fit_on_rows_after_the_split_is_refused() -> None:
    features = create_feature_matrix(FRAME)
    for given, split in ((features, INDEX[400]), (features.to_numpy(float), 400)):
        with pytest.raises(UsageError, match="200 of the rows to fit on lie at or after the split"):
            normalize_features(given, split=split)
        _, scaler = normalize_features(given[:400], "robust", split=split)
        normalize_features(given, scaler, split=split)


@pytest.mark.parametrize("split", [400, "here", pd.Timestamp("2024-01-10")])
def test_a_split_that_is_no_label_of_the_index_is_refused(split: object) -> None:
    with pytest.raises(UsageError, match="is no label of the index") as refused:
        normalize_features(FRAME[["close"]], split=split)
    assert "datetime64" in str(refused.value)


def test_another_kind_of_scale_is_chosen_by_name() -> None:
    made, scaler = normalize_features(FRAME[["close"]], "min_max")
    assert scaler.kind == "min_max"
    assert (made.min().item(), made.max().item()) == (0.0, 1.0)
