"""A walk of warm members goes to its end, whatever a fold chose, and tells how each fold began."""

from itertools import pairwise
from typing import Any

import pytest

from folkmoot.core.bars import Bars
from folkmoot.features import FeatureSet
from folkmoot.training import InMemory, walk_forward

pytest.importorskip("torch", reason="needs the extra neural")

PLAN = {"epochs": 1, "windows": 256, "batch": 64, "warm": True}
ENGRAM = {"lookback": 44, "width": 16, "hidden": 16, "row": 16, "memory_layers": (1,), "fewest": 5}


class Kept(InMemory):
    """Results that are also listed in the order in which they were put."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[tuple[str, ...], list[str]]] = []

    def put(self, key: str, arrays: Any, facts: dict[str, Any]) -> None:
        """Keep a result and list its columns and how it began."""
        super().put(key, arrays, facts)
        if "state" in facts:
            state = facts["state"]
            self.told.append((tuple(state["columns"]), state.get("warm", [])))


def walk(bars: Bars, columns: FeatureSet, model: str, **options: Any) -> list[Any]:
    store = Kept()
    given = {"mine": (model, {**options, "training": PLAN})}
    walk_forward(bars, columns, given, store=store)
    assert store.told[0][1] == []
    return store.told


def test_a_fold_that_chose_other_columns_starts_cold_and_the_others_warm(
    bars: Bars, columns: FeatureSet
) -> None:
    told = walk(bars, columns, "dlinear", select=3)
    began = [warm for _, (warm,) in told[1:]]
    same = [set(a) == set(b) for (a, _), (b, _) in pairwise(told)]
    assert [how == "warm" for how in began] == same
    assert not all(same)
    assert all(how.startswith("cold: columns") for how in began if how != "warm")


def test_a_fold_with_the_columns_of_the_one_before_starts_warm(
    bars: Bars, columns: FeatureSet
) -> None:
    assert [warm for _, warm in walk(bars, columns, "dlinear")[1:]] == [["warm"]] * 5


def test_a_walk_of_a_memory_whose_vocabulary_grows_goes_to_its_end(
    bars: Bars, columns: FeatureSet
) -> None:
    began = [warm for _, (warm,) in walk(bars, columns, "engram", **ENGRAM)[1:]]
    assert len(began) == 5
    assert any(how.endswith("is not what it was") for how in began)
