"""Scalers: fitted once, on known values, column by column; as scikit-learn where it has them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn import preprocessing

from folkmoot.core.errors import DataError, UsageError
from folkmoot.features.scaling import SCALERS, scaler_named, scaler_of

RNG = np.random.default_rng(4)
PAST = np.column_stack([RNG.standard_normal(500), RNG.lognormal(1.0, 2.0, 500), RNG.random(500)])
FUTURE = np.column_stack([RNG.standard_normal(90), RNG.lognormal(1.0, 3.0, 90), RNG.random(90)])
KINDS = sorted(SCALERS)


@pytest.mark.parametrize(
    ("kind", "theirs", "factor"),
    [
        ("z_score", preprocessing.StandardScaler(), 1.0),
        ("min_max", preprocessing.MinMaxScaler(), 1.0),
        ("robust", preprocessing.RobustScaler(), 1.3489795003921634),
    ],
)
def test_linear_scales_are_those_of_scikit_learn(kind: str, theirs: object, factor: float) -> None:
    ours = scaler_named(kind).fit(PAST)
    theirs.fit(PAST)
    np.testing.assert_allclose(ours.transform(FUTURE), theirs.transform(FUTURE) * factor, rtol=1e-9)


def test_a_rank_is_the_share_of_fitted_values_below() -> None:
    ours = scaler_named("rank").fit_transform(PAST)
    expected = (rankdata(PAST, axis=0) - 1.0) / (len(PAST) - 1.0)
    np.testing.assert_allclose(ours, expected, atol=2e-3)
    outside = scaler_named("rank").fit(PAST).transform([[-99.0, -1.0, 2.0]])
    np.testing.assert_array_equal(outside, [[0.0, 0.0, 1.0]])


def test_ties_of_a_rank_count_half() -> None:
    flags = np.repeat([0.0, 1.0], [750, 250])
    found = scaler_named("rank").fit(flags).transform([0.0, 1.0, 0.5])
    np.testing.assert_allclose(found, [0.375, 0.875, 0.75], atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_stays_unknown_and_teaches_nothing(kind: str) -> None:
    holed = np.insert(PAST, [3, 77, 200], [np.nan, np.inf, -np.inf], axis=0)[:, :3]
    holed[[3, 78, 202]] = np.array([[np.nan], [np.inf], [-np.inf]])
    made = scaler_named(kind).fit_transform(holed)
    known = np.isfinite(holed).all(axis=1)
    assert np.isnan(made[~known]).all()
    np.testing.assert_array_equal(made[known], scaler_named(kind).fit_transform(PAST))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_which_nothing_is_known_stays_unknown(kind: str) -> None:
    table = np.column_stack([np.full(500, np.nan), PAST[:, 0]])
    fitted = scaler_named(kind).fit(table)
    made = fitted.transform(np.ones((4, 2)))
    assert np.isnan(made[:, 0]).all()
    assert np.isfinite(made[:, 1]).all()


@pytest.mark.parametrize(
    ("kind", "same"), [("z_score", 0.0), ("robust", 0.0), ("min_max", 0.5), ("rank", 0.5)]
)
def test_a_constant_column_has_one_stated_value(kind: str, same: float) -> None:
    fitted = scaler_named(kind).fit(np.full(70, 0.1))
    np.testing.assert_array_equal(fitted.transform([0.1, 0.1]), [same, same])
    later = fitted.transform([0.0, 0.2])
    np.testing.assert_array_equal(later, [0.0, 1.0] if kind == "rank" else [same, same])


def test_an_event_is_scaled_by_its_standard_deviation() -> None:
    event = np.repeat([0.0, 1.0], [90, 10])
    made = scaler_named("robust").fit_transform(event)
    np.testing.assert_allclose(made, (event - 0.1) / 0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_through_json_scales_the_same(kind: str) -> None:
    frame = pd.DataFrame({"a": PAST[:, 0], "gone": np.nan, "b": PAST[:, 1]})
    fitted = scaler_named(kind).fit(frame)
    again = scaler_of(json.loads(json.dumps(fitted.state(), allow_nan=False)))
    pd.testing.assert_frame_equal(again.transform(frame), fitted.transform(frame))
    assert again.kind == kind


def test_frames_and_series_come_back_as_such() -> None:
    index = pd.date_range("2024-01-01", periods=500, freq="1h")
    frame = pd.DataFrame(PAST, index=index, columns=["a", "b", "c"])
    fitted = scaler_named("z_score").fit(frame)
    expected = scaler_named("z_score").fit_transform(PAST)
    pd.testing.assert_frame_equal(fitted.transform(frame), frame * 0.0 + expected)
    series = scaler_named("z_score").fit_transform(frame["a"])
    pd.testing.assert_series_equal(series, frame["a"] * 0.0 + expected[:, 0])


def test_a_missing_value_of_pandas_is_unknown() -> None:
    frame = pd.DataFrame(
        {"a": pd.array([1.0, None, 3.0], dtype="Float64"), "b": [True, False, True]}
    )
    made = scaler_named("min_max").fit_transform(frame)
    np.testing.assert_array_equal(made, [[0.0, 1.0], [np.nan, 0.0], [1.0, 1.0]])


def test_the_rows_given_are_the_only_ones_it_learns_from() -> None:
    fitted = scaler_named("z_score").fit(PAST)
    before = fitted.state()
    fitted.transform(FUTURE * 100.0)
    assert fitted.state() == before
    with pytest.raises(UsageError, match="fitted already"):
        fitted.fit(FUTURE)


def test_misuse_is_refused() -> None:
    frame = pd.DataFrame(PAST, columns=["a", "b", "c"])
    fitted = scaler_named("z_score").fit(frame)
    with pytest.raises(UsageError, match="no scaler 'log'"):
        scaler_named("log")
    with pytest.raises(UsageError, match="is not fitted"):
        scaler_named("rank").transform(PAST)
    with pytest.raises(UsageError, match="columns"):
        fitted.transform(frame[["b", "a", "c"]])
    with pytest.raises(UsageError, match="shape"):
        scaler_named("rank").fit(np.zeros((2, 2, 2)))
    with pytest.raises(DataError, match="no rows"):
        scaler_named("rank").fit(PAST[:0])
    with pytest.raises(DataError, match="not numeric"):
        scaler_named("rank").fit([["up"]])
