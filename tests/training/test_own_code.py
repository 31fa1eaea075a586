"""A member in a file or a package of a person's own goes the way of every other member."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError
from folkmoot.features import FeatureSet, feature_set
from folkmoot.training import TaskStore, artefact, walk_forward
from folkmoot.training.artefacts import load_model, save_model

EXAMPLES = Path(__file__).parents[2] / "examples"
ONE_EPOCH = {"training": {"epochs": 1, "windows": 256, "batch": 64}}


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A file of one's own with an estimator in it."""
    place = tmp_path / "my_trees.py"
    text = (EXAMPLES / "own_estimator.py").read_text("utf-8")
    place.write_text(text.replace("trees: int = 60", "trees: int = 5"))
    return place


@pytest.fixture
def bars(bars_of: Callable[..., Bars]) -> Bars:
    """Eight hundred hours are enough for six folds of a few columns."""
    return bars_of(800)


@pytest.fixture
def columns() -> FeatureSet:
    """Three columns of the set `core`."""
    return feature_set("core", "1h").only(("return_1", "body", "rsi_14"))


def test_a_file_is_walked_by_several_workers(
    trees: Path, bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    members = {"mine": (str(trees), {})}
    here = walk_forward(bars, columns, members, store=TaskStore(tmp_path / "one"))
    stores = TaskStore(tmp_path / "two")
    there = walk_forward(bars, columns, members, store=stores, workers=2)
    assert here.hash() == there.hash()
    assert here.artefacts == there.artefacts
    member = artefact(stores, there.artefacts[5, "mine"])
    assert (member.trees, list(member.columns)) == (5, there.cards[-1]["columns"])
    trees.write_text(trees.read_text() + "# another text\n")
    again = walk_forward(bars, columns, members, store=stores)
    assert (again.tasks_run, again.tasks_cached) == (6, 0)


@pytest.mark.parametrize("name", ["own_estimator", "own_graph", "own_network"])
def test_the_examples_go_through_a_walk_in_15_lines(
    name: str, bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    place = EXAMPLES / f"{name}.py"
    given: dict[str, Any] = ONE_EPOCH if name == "own_network" else {}
    found = walk_forward(bars, columns, {name: (str(place), given)}, store=TaskStore(tmp_path))
    assert np.isfinite(found.p_up[found.block >= 0]).mean() > 0.99
    said = place.read_text("utf-8").split('"""')[2::2]
    lines = [line for part in said for line in part.splitlines() if line.strip()]
    assert len(lines) <= 15


def test_a_model_s_file_names_no_code_to_run(
    trees: Path, bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    store = TaskStore(tmp_path / "store")
    found = walk_forward(bars, columns, {"mine": (str(trees), {})}, store=store)
    member = artefact(store, found.artefacts[0, "mine"])
    save_model(tmp_path / "mine.safetensors", str(trees), member, {})
    assert load_model(tmp_path / "mine.safetensors", served=False).member.columns == member.columns
    trees.write_text("raise ZeroDivisionError\n")
    with pytest.raises(DataError, match="your own code"):
        load_model(tmp_path / "mine.safetensors", served=False)


WALK = """
import sys
from folkmoot import models
from folkmoot.features import feature_set
from folkmoot.market import world
from folkmoot.training import TaskStore, walk_forward
assert "their_trees" in models.MODELS
bars = world("random_walk", 800).bars
columns = feature_set("core", "1h").only(("return_1", "body"))
store = TaskStore(sys.argv[1])
found = walk_forward(bars, columns, {"t": ("their_trees", {"trees": 5})}, store=store, workers=2)
print(found.tasks_run, float(found.p_up[-1, 0]) == float(found.p_up[-1, 0]))
"""


def test_a_package_registers_a_member_by_entry_point(trees: Path, tmp_path: Path) -> None:
    card = tmp_path / "their_things-1.0.dist-info"
    card.mkdir()
    (card / "METADATA").write_text("Metadata-Version: 2.1\nName: their-things\nVersion: 1.0\n")
    (card / "entry_points.txt").write_text("[folkmoot.models]\ntheir_trees = my_trees:OwnTrees\n")
    done = subprocess.run(
        [sys.executable, "-B", "-c", WALK, str(tmp_path / "store")],
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["6", "True"]), done.stderr


def test_a_relative_path_is_a_name(trees: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trees.parent)
    assert models.build("my_trees.py", depth=2).depth == 2
    assert models.build("./my_trees.py:OwnTrees").trees == 5
