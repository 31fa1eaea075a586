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
