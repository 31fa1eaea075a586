"""Permutation importance: the column that carries the edge is found, a noise column is not."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.features import FeatureSet, feature_set
from folkmoot.market import world
from folkmoot.proof import importance
from folkmoot.proof.permuted import _order
from folkmoot.training import Ballots, TaskStore, walk_forward

SET = """
name = "mine"
[[column]]
name = "edge"
formula = "(ema(log_close, 20) - ema(log_close, 80)) / ewma_vol()"
[[column]]
name = "noise"
formula = "log(volume)"
"""
TWIN = """
[[column]]
name = "twin"
formula = "(ema(log_close, 20) - ema(log_close, 79)) / ewma_vol()"
"""
"""A second column that tells the same."""
MEMBERS: dict[str, Any] = {"logistic": ("logistic", {"c": 1.0}), "always_up": ("always_up", {})}


@cache
def market() -> Bars:
    bars = world("planted", 12_000).bars
    return replace(bars, volume=np.random.default_rng(2).lognormal(3.0, 0.5, len(bars)))


def walked(folder: Path, text: str) -> tuple[Bars, FeatureSet, Ballots, TaskStore]:
    columns, store = feature_set(text, "1h"), TaskStore(folder)
    return market(), columns, walk_forward(market(), columns, MEMBERS, store=store), store


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return walked(tmp_path_factory.mktemp("one"), SET)


def test_the_column_that_carries_the_edge_comes_first_and_noise_covers_nothing(walk: Any) -> None:
    edge, noise = importance(*walk, members=["logistic"], rows=9000)
    assert (edge.columns, noise.columns) == (("edge",), ("noise",))
    assert edge.low > 0.0
    assert edge.p_adjusted < 0.01
    assert noise.low <= 0.0 <= noise.high
    assert noise.p > 0.01
    assert edge.n > 7000


def test_twins_are_worth_more_together_than_alone(tmp_path: Path) -> None:
    found = importance(*walked(tmp_path, SET + TWIN), members=["logistic"], rows=3000)
    both = {row.columns: row for row in found}
    together = both["edge", "twin"]
    assert together.p < 0.05
    assert together.increase > 0.0
    assert len(found) == 4


def test_the_same_seed_gives_the_same_rows_and_top_bounds_them(walk: Any) -> None:
    first = importance(*walk, members=["logistic"], rows=600, seed=3)
    assert importance(*walk, members=["logistic"], rows=600, seed=3) == first
    assert importance(*walk, members=["logistic"], rows=600, seed=4) != first
    (one,) = importance(*walk, members=["logistic"], rows=600, seed=3, top=1)
    assert one.columns == ("edge",)
    assert set(one.as_dict()) >= {"member", "columns", "increase", "low", "high", "p"}


def test_a_member_that_reads_no_column_has_none(walk: Any) -> None:
    assert importance(*walk, members=["always_up"], rows=600) == []


def test_the_quantiles_have_their_own_loss(walk: Any) -> None:
    found = importance(*walk, members=["logistic"], rows=600, loss="pinball")
    # A logistic regression's quantiles hang on the volatility alone.
    assert [row.increase for row in found] == [0.0, 0.0]
    assert [row.p for row in found] == [1.0, 1.0]


def test_what_does_not_exist_is_refused(walk: Any) -> None:
    with pytest.raises(UsageError, match="no member"):
        importance(*walk, members=["crowd"])
    with pytest.raises(UsageError, match="loss"):
        importance(*walk, loss="luck")


@pytest.mark.parametrize("n", [40, 41, 1000, 1001])
def test_an_order_moves_every_row_and_keeps_neighbours_together(n: int) -> None:
    order = _order(n, (0, 1, 2))
    assert sorted(order) == list(range(n))
    assert (np.diff(order) == 1).mean() > 0.75
    assert (order == np.arange(n)).mean() < 0.05
