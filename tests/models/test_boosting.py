"""What the three boosting members promise beyond the laws."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from safetensors.numpy import save_file

from folkmoot import models
from folkmoot.core.errors import DataError, UsageError
from folkmoot.features import Table, windows

NAMES = ("catboost", "lightgbm", "xgboost")
every = pytest.mark.parametrize("name", NAMES)


def fitted(name: str, market: Any, **options: Any) -> Any:
    pytest.importorskip(name, reason="needs the extra boost")
    model = models.build(name, horizons=(1, 5), **options)
    x, y = market.x().rows(slice(0, 2400)), market.labels(1, 2)[:2400]
    return model.fit(x, y, np.ones(2400))


@every
def test_importance_finds_the_columns_that_matter(name: str, market: Any) -> None:
    model = fitted(name, market)
    shares = model.importance()
    assert set(shares) == set(model.columns)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert next(iter(shares)) not in ("noise", "event")
    explained = model.explain(market.x())["importance"]
    assert dict(zip(model.columns, explained, strict=True)) == shares
    with pytest.raises(UsageError):
        model.importance("middle")


@every
def test_stopping_grows_fewer_trees_where_nothing_can_be_foretold(
    name: str, make_market: Any
) -> None:
    market = make_market(same=0.5)
    long, short = (len(fitted(name, market, stopping=k).native()["up_1"]) for k in (0, 5))
    assert short < 0.5 * long


@every
def test_the_scale_follows_what_moves_the_market_more(name: str, make_market: Any) -> None:
    market = make_market(n=6000, seed=4, same=0.5)
    wild = market.table.values[:, 1] > 1.0
    y = market.labels(1, 1) * np.where(wild, 3.0, 1.0)[:, None]
    pytest.importorskip(name, reason="needs the extra boost")
    model = models.build(name).fit(market.x().rows(slice(0, 4000)), y[:4000], np.ones(4000))
    rows = slice(4000, 5990)
    asked = model.predict(market.x().rows(rows)).quantiles[:, 0]
    width = (asked[:, -1] - asked[:, 0]) / market.x().rows(rows).of("ewma_vol")[:, 0]
    assert np.median(width[wild[rows]]) > 1.5 * np.median(width[~wild[rows]])
    covered = (y[rows] <= asked).mean(axis=0)
    np.testing.assert_allclose(covered, model.levels, atol=0.035)


@every
def test_a_state_without_a_forest_is_refused(name: str, market: Any) -> None:
    arrays, facts = fitted(name, market).state()
    del arrays["scale_5"]
    with pytest.raises(DataError, match="scale_5"):
        models.plugins.load("folkmoot.models", name).restore(arrays, facts)


@every
@pytest.mark.parametrize("options", [{"trees": 0}, {"stopping": -1}])
def test_impossible_options_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build(name, **options)


def test_lightgbm_reads_its_own_text_back(market: Any) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = fitted("lightgbm", market)
    booster = lightgbm.Booster(model_str=model.native()["up_5"].decode())
    x = market.x().rows(slice(2400, 2990))
    theirs = booster.predict(x.of(*model.columns))
    np.testing.assert_allclose(model.predict(x).p_up[:, 1], theirs, rtol=1e-12)


READER = """
import sys
from pathlib import Path
import numpy as np, orjson
from safetensors.numpy import load_file
from folkmoot.core import plugins
from folkmoot.core.forecast import Features
root = Path(sys.argv[1])
x = load_file(root / "x.safetensors")
for card in sorted(root.glob("*.card")):
    kind = plugins.load("folkmoot.models", card.stem)
    model = kind.restore(load_file(card.with_suffix(".arrays")), orjson.loads(card.read_bytes()))
    names = tuple(orjson.loads((root / "names.json").read_bytes()))
    assert np.isfinite(model.predict(Features(x["values"], names, x["known_at"])).p_up).all()
heavy = {"lightgbm", "xgboost", "catboost", "sklearn", "torch", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_prediction_imports_no_boosting_library(market: Any, tmp_path: Path) -> None:
    x = market.x().rows(slice(2400, 2500))
    save_file(
        {"values": np.ascontiguousarray(x.values), "known_at": x.known_at.copy()},
        tmp_path / "x.safetensors",
    )
    (tmp_path / "names.json").write_bytes(orjson.dumps(x.names))
    for name in NAMES:
        arrays, facts = fitted(name, market, trees=5).state()
        save_file(arrays, tmp_path / f"{name}.arrays")
        (tmp_path / f"{name}.card").write_bytes(orjson.dumps(facts))
    subprocess.run([sys.executable, "-c", READER, str(tmp_path)], check=True)


@every
def test_columns_that_tell_nothing_give_the_base_rate_or_a_typed_refusal(
    name: str, market: Any
) -> None:
    pytest.importorskip(name, reason="needs the extra boost")
    table, y = market.table, market.labels(1, 1)[:2400]
    values = table.values.copy()
    values[:, : values.shape[1] - 7] = 1.0
    x = windows(Table(values, table.names, table.known_at), 1).rows(slice(0, 2400))
    model = models.build(name)
    if name == "catboost":
        with pytest.raises(DataError, match="CatBoost grows no trees"):
            model.fit(x, y, np.ones(2400))
    else:
        assert len(np.unique(model.fit(x, y, np.ones(2400)).predict(x).p_up)) == 1


@every
@pytest.mark.parametrize("size", [3.5e38, 1e39, 1e300, np.inf, -np.inf])
def test_a_number_beyond_32_bits_is_learnt_and_asked_as_unknown(
    name: str, size: float, market: Any
) -> None:
    pytest.importorskip(name, reason="needs the extra boost")
    y, answers = market.labels(1, 1)[:2400], []
    for value in (size, np.nan):
        values = market.table.values.copy()
        values[::7, 0] = value
        x = windows(Table(values, market.table.names, market.table.known_at), 1)
        model = models.build(name, trees=20).fit(x.rows(slice(0, 2400)), y, np.ones(2400))
        answers.append(model.predict(x).p_up)
        assert np.isfinite(answers[-1]).all()
    if name != "lightgbm":  # of 64 bits, to which it is a number like others
        np.testing.assert_array_equal(*answers)


@every
def test_trees_that_a_library_refuses_to_grow_are_a_typed_error(name: str, market: Any) -> None:
    pytest.importorskip(name, reason="needs the extra boost")
    wrong = {"catboost": {"depth": 99}, "xgboost": {"column_share": 7.0}, "lightgbm": {"bins": 0}}
    with pytest.raises(DataError, match="grows no trees"):
        fitted(name, market, **wrong[name])
