"""Options that a member or its library refuses end their trial, and no other."""

from pathlib import Path
from typing import Any

import pytest
from tests.training.conftest import make_bars

from folkmoot.features import feature_set
from folkmoot.training import InMemory
from folkmoot.training.material import Material
from folkmoot.training.tuning import search
from folkmoot.training.tuning_spaces import Choice
from folkmoot.training.tuning_trial import Question, try_out

pytest.importorskip("optuna", reason="needs the extra tune")

OWN = """
from dataclasses import dataclass
from sklearn.tree import DecisionTreeClassifier
from folkmoot.models.own import SklearnMember

@dataclass(eq=False)
class Tree(SklearnMember):
    depth: int = 2
    def make(self):
        return DecisionTreeClassifier(max_depth=self.depth)

PLUGIN = Tree
"""


@pytest.fixture(scope="module")
def material() -> Material:
    columns = feature_set("core", "1h").only(("return_1", "rsi_14")).plus(feature_set("bars", "1h"))
    return Material.of(make_bars(1_500), columns, (1,), 50)


@pytest.mark.parametrize(
    "options",
    [{"c": "much"}, {"c": False}, {"bound": float("nan")}, {"solver": "luck"}, {"speed": 1}],
)
def test_options_that_the_member_refuses_end_the_trial(
    material: Material, options: dict[str, Any]
) -> None:
    ended = try_out(Question("logistic", "", "", 1, 2, 0.0), options, {}, material, InMemory())
    assert next(iter(options)) in str(ended.refused)


def test_a_search_goes_on_after_a_trial_that_a_library_refused(tmp_path: Path) -> None:
    own = tmp_path / "tree.py"
    own.write_text(OWN)
    bars = make_bars(4_000)
    space = {"depth": Choice((2, -5))}
    columns = feature_set("core", "1h").only(("return_1", "rsi_14"))
    found = search(bars, columns, str(own), tmp_path, space=space, trials=6, folds=2)
    refused = [trial for trial in found.tried if trial.verdict.refused]
    assert {trial.options["depth"] for trial in refused} == {-5}
    assert "max_depth" in str(refused[0].verdict.refused)
    assert {trial.options["depth"] for trial in found.front} == {2}
    assert len(found.tried) == 6
