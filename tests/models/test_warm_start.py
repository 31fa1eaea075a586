"""A fold starts from the fold before only where its weights mean the same, and says whether."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.models.conftest import Market, make

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Floats
from folkmoot.features import Table
from folkmoot.models.neural import weights
from folkmoot.models.neural.network import Network

pytest.importorskip("torch", reason="needs the extra neural")

BRIEF = {"epochs": 1, "windows": 64, "batch": 64, "warm": True}
NETWORKS = [n for n in models.MODELS if issubclass(plugins.load("folkmoot.models", n), Network)]
networks = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NETWORKS]
)


def brief(name: str, options: dict[str, Any] | None = None, **training: Any) -> Any:
    kind = plugins.load("folkmoot.models", name)
    quick = {**getattr(kind, "small", {}), **(options or {})}
    given = {**quick.get("training", {}), **BRIEF, **training}
    return models.build(name, **{**quick, "training": given})


def market(order: list[int] | None = None, n: int = 1000, **names: str) -> Market:
    """Return the small market, its columns in another order or under another name."""
    whole = make(n)
    table = whole.table
    order = list(range(len(table.names))) if order is None else order
    told = tuple(names.get(table.names[place], table.names[place]) for place in order)
    values = np.ascontiguousarray(table.values[:, order])
    return Market(Table(values, told, table.known_at), whole.y)


def fit(model: Any, given: Market, rows: int, before: Any = None) -> Any:
    """Fit on the first `rows`, from what the member `before` had learnt."""
    if before is not None:
        model.before = weights.carried(before.learnt, before.columns)
    x, y = given.x(model.lookback).rows(slice(0, rows)), given.labels(model.lookback, 1)[:rows]
    return model.fit(x, y, np.ones(rows))


@cache
def first(name: str) -> Any:
    return fit(brief(name), market(), 600)


def asked(model: Any, given: Market) -> Floats:
    answer: Floats = model.predict(given.x(model.lookback).rows(slice(700, 800))).p_up
    return answer


@networks
def test_a_fold_starts_warm_or_is_the_cold_fit_and_tells_which(name: str) -> None:
    cold, warm = fit(brief(name), market(), 700), fit(brief(name), market(), 700, first(name))
    (told,) = warm.warm
    assert told == "warm" or told.startswith("cold: ")
    assert (asked(cold, market()) == asked(warm, market())).all() == (told != "warm")
    assert warm.state()[1]["warm"] == [told]
    assert "warm" not in cold.state()[1]
    restored = type(warm).restore(*warm.state())
    assert restored.warm == [told]


@networks
def test_a_warm_start_does_not_depend_on_the_order_of_the_columns(name: str) -> None:
    order = np.random.default_rng(3).permutation(len(market().table.names)).tolist()
    straight = fit(brief(name), market(), 700, first(name))
    turned = fit(brief(name), market(order), 700, first(name))
    assert turned.warm == straight.warm
    np.testing.assert_array_equal(asked(turned, market(order)), asked(straight, market()))
    assert turned.columns == first(name).columns


@networks
def test_other_columns_start_cold(name: str) -> None:
    model = brief(name)
    if model.needs:
        return
    other = market(noise="another")
    cold, found = fit(model, other, 700), fit(brief(name), other, 700, first(name))
    assert found.warm == ["cold: columns ['another'] were not seen before, ['noise'] are gone"]
    np.testing.assert_array_equal(asked(found, other), asked(cold, other))


@networks
def test_a_column_that_is_gone_starts_cold(name: str) -> None:
    model = brief(name)
    if model.needs:
        return
    less = market([place for place, column in enumerate(market().table.names) if place != 1])
    found = fit(model, less, 700, first(name))
    assert found.warm == ["cold: columns [] were not seen before, ['noise'] are gone"]
    assert np.isfinite(asked(found, less)).all()


def test_weights_for_columns_that_nobody_tells_are_not_taken() -> None:
    model = brief("dlinear")
    model.before = first("dlinear").learnt
    told = fit(model, market(), 700).warm
    assert told == ["cold: it is not told which columns the weights are for"]


@pytest.mark.parametrize("name", ["dlinear", "gru_standard"])
def test_networks_that_the_fold_before_had_not_start_cold(name: str) -> None:
    found = fit(brief(name, seeds=3), market(), 700, fit(brief(name, seeds=2), market(), 600))
    assert found.warm == ["warm", "warm", "cold: the fold before had no network 2"]
    fewer = fit(brief(name), market(), 700, found)
    assert fewer.warm == ["warm"]


def test_another_shape_starts_cold() -> None:
    before = fit(models.build("gru_standard", hidden=8, lookback=8, training=BRIEF), market(), 600)
    model = models.build("gru_standard", hidden=16, lookback=8, training=BRIEF)
    (told,) = fit(model, market(), 700, before).warm
    assert told.startswith("cold: ")
    assert told.endswith("has another shape")


def tokens(rows: int = 1200) -> Market:
    """Return a market whose first column holds tokens, two of them new after 500 bars."""
    whole = make(rows)
    values = whole.table.values.copy()
    values[:, 0] = np.random.default_rng(5).integers(0, 8 + 2 * (np.arange(rows) > 500))
    return Market(Table(values, whole.table.names, whole.table.known_at), whole.y)


def engram(fewest: int = 1) -> Any:
    return brief("engram", {"column": "momentum", "fewest": fewest})


@pytest.mark.parametrize(("rows", "fewest"), [(1000, 1), (1000, 5), (450, 5)])
def test_an_engram_whose_tokens_or_n_grams_are_others_starts_cold(rows: int, fewest: int) -> None:
    given = tokens()
    before, found, again = (engram(fewest) for _ in range(3))
    fit(found, given, rows, fit(before, given, 400))
    fit(again, given, rows)
    assert (len(found.learnt["own.parts"]) == len(before.learnt["own.parts"])) == (rows < 500)
    assert found.warm == ["cold: kept2 is not what it was" if rows < 500 else found.warm[0]]
    assert found.warm[0].startswith("cold: ")
    np.testing.assert_array_equal(asked(found, given), asked(again, given))


def test_an_engram_whose_tokens_are_as_many_but_others_starts_cold() -> None:
    before, found = fit(brief("engram"), market(), 600), brief("engram")
    assert fit(found, market(), 700, before).warm == ["warm"]
    before.learnt["own.merged"] = before.learnt["own.merged"][::-1].copy()
    assert fit(found, market(), 700, before).warm == ["cold: merged is not what it was"]
