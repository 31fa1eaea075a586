"""One walk for the trees of three libraries, equal to each library's own raw scores to the bit."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.models import forest, forest_catboost, forest_lightgbm, forest_xgboost

lightgbm = pytest.importorskip("lightgbm")


def taught(share: float, rows: int = 4000, columns: int = 6) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(6)
    values = rng.standard_normal((rows, columns))
    values[:, 3] = np.round(values[:, 3])
    up = (rng.random(rows) < 1.0 / (1.0 + np.exp(-values[:, 0] - values[:, 3]))).astype(float)
    values[rng.random(values.shape) < share] = np.nan
    return values, up


def asked(columns: int = 6) -> Floats:
    rng = np.random.default_rng(7)
    values = rng.standard_normal((3000, columns))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[rng.random(values.shape) < 0.1] = 0.0
    values[rng.random(values.shape) < 0.05] = -0.0
    return values


def by_lightgbm(values: Floats, target: Floats, trees: int = 60, **settings: Any) -> Any:
    usual = {"objective": "binary", "num_leaves": 31, "verbosity": -1, "num_threads": 1}
    return lightgbm.train({**usual, **settings}, lightgbm.Dataset(values, target), trees)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("objective", ["binary", "regression"])
def test_the_walk_is_exactly_lightgbms(share: float, objective: str) -> None:
    booster = by_lightgbm(*taught(share), objective=objective)
    ours = forest_lightgbm.read_forest(booster.model_to_string())
    values = asked()
    values[:50, 0], values[50:99, 0] = np.inf, -np.inf
    np.testing.assert_array_equal(
        forest.raw_score(values, ours), booster.predict(values, raw_score=True)
    )


def test_zero_as_missing_is_walked_like_lightgbm() -> None:
    rng = np.random.default_rng(8)
    values = rng.standard_normal((3000, 4)) * (rng.random((3000, 4)) < 0.6)
    up = (values[:, 0] + 0.3 * rng.standard_normal(3000) > 0.1).astype(float)
    booster = by_lightgbm(values, up, trees=20, zero_as_missing=True)
    ours = forest_lightgbm.read_forest(booster.model_to_string())
    values[::7, 1] = np.nan
    np.testing.assert_array_equal(
        forest.raw_score(values, ours), booster.predict(values, raw_score=True)
    )


def test_trees_that_cannot_split_are_a_constant() -> None:
    values, up = np.random.default_rng(1).random((40, 2)), np.tile([0.0, 1.0, 1.0, 1.0], 10)
    booster = by_lightgbm(values, up, trees=3, min_data_in_leaf=30)
    ours = forest_lightgbm.read_forest(booster.model_to_string())
    np.testing.assert_array_equal(
        forest.raw_score(values, ours), booster.predict(values, raw_score=True)
    )


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("objective", ["binary:logistic", "reg:squarederror"])
def test_the_walk_is_exactly_xgboosts(share: float, objective: str) -> None:
    xgboost = pytest.importorskip("xgboost", reason="needs the extra boost")
    values, target = taught(share)
    settings = {"objective": objective, "max_depth": 6, "nthread": 1, "tree_method": "hist"}
    booster = xgboost.train(settings, xgboost.DMatrix(values, target), 80)
    ours = forest_xgboost.read_forest(bytes(booster.save_raw("json")))
    theirs = booster.predict(xgboost.DMatrix(asked()), output_margin=True)
    np.testing.assert_array_equal(forest.raw_score(asked(), ours), theirs)


@pytest.mark.parametrize("up", [27, 29, 31, 33, 35, 37])
def test_the_base_rate_of_xgboost_is_its_logit_to_the_bit(up: int) -> None:
    xgboost = pytest.importorskip("xgboost", reason="needs the extra boost")
    values = np.random.default_rng(1).standard_normal((60, 2))
    target = (np.arange(60) < up).astype(np.float64)
    settings = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    booster = xgboost.train(settings, xgboost.DMatrix(values, target), 3)
    ours = forest_xgboost.read_forest(bytes(booster.save_raw("json")))
    theirs = booster.predict(xgboost.DMatrix(values), output_margin=True)
    np.testing.assert_array_equal(forest.raw_score(values, ours), theirs)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("treatment", ["Min", "Max"])
@pytest.mark.parametrize("objective", ["Logloss", "RMSE"])
def test_the_walk_is_exactly_catboosts(
    share: float, treatment: str, objective: str, tmp_path: Path
) -> None:
    catboost = pytest.importorskip("catboost", reason="needs the extra boost")
    settings = {
        "loss_function": objective,
        "iterations": 80,
        "nan_mode": treatment,
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    model = catboost.train(catboost.Pool(*taught(share)), settings)
    model.save_model(str(tmp_path / "trees.json"), format="json")
    ours = forest_catboost.read_forest((tmp_path / "trees.json").read_bytes())
    values = asked()
    if not share:
        values = np.nan_to_num(values)  # CatBoost refuses what it has never seen missing
    theirs = model.predict(values, prediction_type="RawFormulaVal", thread_count=1)
    np.testing.assert_array_equal(forest.raw_score(values, ours), theirs)


def test_one_row_alone_is_the_same_row_in_a_batch() -> None:
    ours = forest_lightgbm.read_forest(by_lightgbm(*taught(0.2), trees=33).model_to_string())
    whole = forest.raw_score(asked(), ours)
    alone = [forest.raw_score(asked()[i : i + 1], ours)[0] for i in range(300)]
    np.testing.assert_array_equal(whole[:300], alone)


def leaf(value: float) -> forest.Tree:
    zero = np.zeros(1, dtype=np.int64)
    return forest.Tree(zero - 1, np.array([value]), zero, zero, zero == 0)


def split(left: int, right: int, threshold: float = 0.0, column: int = 0) -> forest.Tree:
    ends = [0, 0]
    return forest.Tree(
        np.array([column, -1, -1]),
        np.array([threshold, 1.0, 2.0]),
        np.array([left, *ends]),
        np.array([right, *ends]),
        np.zeros(3, dtype=np.bool_),
    )


@pytest.mark.parametrize(
    "trees",
    [
        [],
        [leaf(np.nan)],
        [split(1, 5)],
        [split(1, -1)],
        [split(0, 1)],
        [split(1, 1)],
        [split(1, 2, np.nan)],
        [split(1, 2, column=3)],
    ],
)
def test_what_is_no_forest_is_refused(trees: list[forest.Tree]) -> None:
    with pytest.raises(DataError):
        forest.plant(trees, np.zeros(2, dtype=np.int8))


@pytest.mark.parametrize(
    "read", [forest_catboost.read_forest, forest_xgboost.read_forest, forest_lightgbm.read_forest]
)
@pytest.mark.parametrize("text", ["", "{}", "[1]", "tree\n", '{"learner": 3}', "\nTree=0\n"])
def test_a_text_of_another_kind_is_refused(read: Any, text: str) -> None:
    with pytest.raises(DataError):
        read(text)


def test_a_broken_tree_of_xgboost_is_refused() -> None:
    xgboost = pytest.importorskip("xgboost", reason="needs the extra boost")
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(*taught(0.0)), 2)
    model = orjson.loads(bytes(booster.save_raw("json")))
    tree = model["learner"]["gradient_booster"]["model"]["trees"][0]
    for name, number in (("left_children", 9999), ("split_indices", 99), ("categories", 1)):
        broken = {**tree, name: [number, *tree[name][1:]]}
        model["learner"]["gradient_booster"]["model"]["trees"][0] = broken
        with pytest.raises(DataError):
            forest_xgboost.read_forest(orjson.dumps(model))


@pytest.mark.parametrize("columns", [0, -1, 10**12])
def test_a_text_may_not_claim_any_number_of_columns(columns: int) -> None:
    with pytest.raises(DataError, match="columns"):
        forest.treat(columns)


def test_a_tree_of_uneven_parts_is_refused() -> None:
    tree = split(1, 2)
    uneven = forest.Tree(tree.column, tree.value, tree.left[:2], tree.right, tree.unknown_left)
    with pytest.raises(DataError, match="several numbers"):
        forest.plant([uneven], np.zeros(2, dtype=np.int8))


def test_too_few_columns_are_refused() -> None:
    ours = forest.plant([split(1, 2)], np.zeros(2, dtype=np.int8))
    with pytest.raises(DataError, match="1 columns"):
        forest.raw_score(np.zeros((3, 1)), ours)
