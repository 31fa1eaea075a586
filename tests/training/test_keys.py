"""The name of a result changes with the source of every plug-in that has a part in it."""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from folkmoot.models import MODELS
from folkmoot.training.keys import _imported, code_version, libraries

ASK = """
import sys
from folkmoot.proof.keys import study_key
from folkmoot.training import task_key
from folkmoot.market import world

bars = world("random_walk", 300).bars
for role in sys.argv[1:]:
    model, strategy, features = role.split()
    config = {"committee": {"models": ["logistic", model]}}
    print(study_key(bars, config | {"strategy": strategy, "features": features}))
print(task_key(data="", config={}, model="ar1", options={}))
print(task_key(data="", config={}, model="crowd", options={}))
"""
CARD = "Metadata-Version: 2.1\nName: outside-things\nVersion: 1.0\n"
POINTS = """
[folkmoot.models]
crowd = outside_things.thing:Thing
[folkmoot.strategies]
crowd = outside_things.thing:Thing
[folkmoot.features.sets]
crowd = outside_things.thing:Thing
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """The folder of an installed package that registers one class as everything."""
    package, card = tmp_path / "outside_things", tmp_path / "outside_things-1.0.dist-info"
    package.mkdir()
    card.mkdir()
    (card / "METADATA").write_text(CARD)
    (card / "entry_points.txt").write_text(POINTS)
    (package / "__init__.py").write_text("")
    (package / "sums.py").write_text("ONE = 1\n")
    (package / "thing.py").write_text("class Thing:\n    size = 1\n")
    return package


OWN = """
from folkmoot.models.logistic import Logistic

PLUGIN = Logistic
"""


def keys(outside: Path) -> list[str]:
    """Return the keys of studies and tasks, most with an outsider, as a fresh process has them."""
    roles = [
        "ar1 half_kelly core",
        "crowd half_kelly core",
        "ar1 crowd core",
        "ar1 half_kelly crowd",
    ]
    asked = subprocess.run(
        [sys.executable, "-B", "-c", ASK, *roles],
        env={"PYTHONPATH": os.pathsep.join([str(outside.parent), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.split()


def test_an_outsider_whose_source_changes_gives_another_key(outside: Path) -> None:
    first = keys(outside)
    (outside / "thing.py").write_text("class Thing:\n    size = 2\n")
    second = keys(outside)
    (outside / "sums.py").write_text("ONE = 2\n")
    third = keys(outside)
    for before, after in ((first, second), (second, third)):
        same = [old == new for old, new in zip(before, after, strict=True)]
        assert same == [True, False, False, False, True, False]


def test_a_member_s_key_holds_what_its_own_file_reaches_and_nothing_else() -> None:
    reached = {path.name for path, _ in _imported("ar1")}
    assert {"ar1.py", "newton.py", "rows.py"} <= reached
    assert "lightgbm.py" not in reached
    assert "lightgbm" in libraries("lightgbm")
    assert "lightgbm" not in libraries("ar1")


CARRIERS = {"pandas", "orjson", "safetensors"}
"""Libraries that carry values and change none."""


@pytest.mark.parametrize("model", MODELS)
def test_the_version_of_every_library_that_computes_is_in_the_key(model: str) -> None:
    imported = {name.partition(".")[0] for _, names in _imported(model) for name in names}
    outside = imported - set(sys.stdlib_module_names) - {"folkmoot"} - CARRIERS
    packages = packages_distributions()
    # A library is noted by its module's name, or by its package's.
    noted = {name.lower() for name in libraries(model)}
    for module in outside & packages.keys():
        assert {module, *(name.lower() for name in packages[module])} & noted, module


def test_a_file_of_one_s_own_has_its_text_and_what_it_reaches_in_its_key(tmp_path: Path) -> None:
    place = tmp_path / "mine.py"
    place.write_text(OWN)
    first = code_version(str(place))
    assert {"mine.py", "logistic.py", "newton.py"} <= {p.name for p, _ in _imported(str(place))}
    place.write_text(f"{OWN}# another text\n")
    assert code_version(str(place)) != first
    place.write_text(f"import lightgbm\n{OWN}")
    assert {"lightgbm", "numpy"} <= libraries(str(place)).keys()
