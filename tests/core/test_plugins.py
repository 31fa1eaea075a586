"""A file is a registration; an entry point registers an outsider."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.core import plugins
from folkmoot.core.errors import DataError, EnvironmentProblem, UnknownOption, UsageError

PLUGIN = '''"""A plug-in."""
class Cup:
    def __init__(self, size: int = 3, handle: bool = True) -> None:
        self.size, self.handle = size, handle
    fit = predict = state = restore = lambda self: self
PLUGIN = Cup
'''


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # A name of its own for each test: what a package's entry points are is asked only once.
    name = re.sub(r"\W", "_", f"shelf_{tmp_path.name}")
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text('MACHINERY = frozenset({"kiln"})\n')
    (folder / "mug.py").write_text(PLUGIN)
    (folder / "kiln.py").write_text("HEAT = 1\n")
    (folder / "_glaze.py").write_text("RED = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


def test_a_file_is_found_by_its_name_and_machinery_is_not(shelf: str) -> None:
    assert plugins.names(shelf) == ["mug"]


def test_options_are_the_parameters_of_the_constructor(shelf: str) -> None:
    assert plugins.options(plugins.load(shelf, "mug")) == {"size": 3, "handle": True}
    assert plugins.build(shelf, "mug", size=5).size == 5


def test_an_unknown_option_lists_the_valid_ones(shelf: str) -> None:
    with pytest.raises(UnknownOption, match="colour") as caught:
        plugins.build(shelf, "mug", colour="red")
    assert caught.value.allowed == ["handle", "size"]


def test_an_unknown_name_lists_the_known_ones(shelf: str) -> None:
    with pytest.raises(UsageError, match="'jug'") as caught:
        plugins.load(shelf, "jug")
    assert caught.value.allowed == ["mug"]


@pytest.mark.parametrize("name", ["../mug", "os.path", "mug.Cup", "", "kiln", "_glaze"])
def test_only_plug_ins_can_be_named(shelf: str, name: str) -> None:
    with pytest.raises(UsageError):
        plugins.load(shelf, name)


def test_an_outsider_registers_by_entry_point(
    shelf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside_cups.py").write_text(PLUGIN)
    card = tmp_path / "outside_cups-1.0.dist-info"
    card.mkdir()
    (card / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-cups\nVersion: 1.0\n")
    (card / "entry_points.txt").write_text(f"[{shelf}]\nbeaker = outside_cups:Cup\n")
    assert plugins.names(shelf) == ["beaker", "mug"]
    assert plugins.build(shelf, "beaker", handle=False).handle is False
    monkeypatch.delitem(sys.modules, "outside_cups")


FAMILY = (
    PLUGIN
    + """PRESETS = {"mug_small": {"size": 1}, "mug_plain": {}}
"""
)


def test_a_family_holds_several_plug_ins_by_preset(shelf: str, tmp_path: Path) -> None:
    folder = tmp_path / shelf
    (folder / "__init__.py").write_text('FAMILIES = True\nMACHINERY = frozenset({"kiln"})\n')
    (folder / "mug.py").write_text(FAMILY)
    (folder / "jar").mkdir()
    (folder / "jar" / "__init__.py").write_text(PLUGIN)
    assert plugins.names(shelf) == ["jar", "mug_plain", "mug_small"]
    assert plugins.build(shelf, "mug_small").size == 1
    assert plugins.build(shelf, "mug_small", size=4).size == 4
    assert plugins.preset(shelf, "mug_plain") == {}
    for absent in ("mug", "mug_large", "jar_small"):
        with pytest.raises(UsageError, match=absent):
            plugins.load(shelf, absent)


@pytest.fixture
def own(shelf: str, tmp_path: Path) -> Path:
    """A file of one's own, for a package that takes such."""
    (tmp_path / shelf / "__init__.py").write_text("OWN_FILES = True\n")
    place = tmp_path / "my cup.py"
    place.write_text(PLUGIN + "class Bowl(Cup):\n    pass\nDEEP = 1\n")
    return place


def test_a_file_of_one_s_own_is_a_name(shelf: str, own: Path) -> None:
    assert plugins.build(shelf, str(own), size=7).size == 7
    assert plugins.load(shelf, f"{own}:Bowl").__name__ == "Bowl"
    assert plugins.preset(shelf, str(own)) == {}
    assert plugins.load(shelf, str(own)) is plugins.load(shelf, str(own))
    assert plugins.names(shelf) == ["kiln", "mug"]


def test_an_edited_file_is_read_anew(shelf: str, own: Path) -> None:
    first = plugins.load(shelf, str(own))
    own.write_text(PLUGIN.replace("3", "4"))
    assert plugins.build(shelf, str(own)).size == 4
    assert first().size == 3


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        ("class Cup(:\n", "", "line 1"),
        ("SIZE = 3\n\n\nclass Cup(:\n", "", "line 4"),
        ("SIZE = 3\n", "", "PLUGIN is no class"),
        ("class PLUGIN:\n    def fit(self): ...\n", "", "PLUGIN has no predict, state, restore"),
        ("SIZE = '\0'\n", "", "null bytes"),
        ("raise SystemExit\n", "", "SystemExit.*line 1"),
        ("import sys\nsys.exit(0)\n", "", "SystemExit: 0.*line 2"),
        ("import os\nexit()\n", "", "line 2"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", "", "ZeroDivisionError.*line 2"),
        ("import json\njson.loads('{')\n", "", "JSONDecodeError.*line 2"),
        ("from json import nothing\n", "", "ImportError.*line 1"),
        ("import folkmoot.nothing\n", "", "ModuleNotFoundError.*line 1"),
        ("exec('1 +')\n", "", "SyntaxError.*line 1"),
        (PLUGIN, ":Jug", "Jug is no class"),
        (PLUGIN, ":SIZE.real", "nothing is called"),
    ],
)
def test_a_file_without_the_class_is_refused(
    shelf: str, own: Path, body: str, name: str, said: str
) -> None:
    own.write_text(body)
    with pytest.raises(UsageError, match=said) as caught:
        plugins.load(shelf, f"{own}{name}")
    assert caught.value.allowed
    assert "line None" not in str(caught.value)


def test_a_file_that_needs_what_is_not_installed_says_so(shelf: str, own: Path) -> None:
    own.write_text("\nimport no_such_package_anywhere\n")
    with pytest.raises(EnvironmentProblem, match="line 2") as caught:
        plugins.load(shelf, str(own))
    assert caught.value.allowed == "install no_such_package_anywhere"


def test_an_interrupt_is_no_fault_of_the_file(shelf: str, own: Path) -> None:
    own.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        plugins.load(shelf, str(own))


def test_a_file_that_fails_leaves_nothing_behind(shelf: str, own: Path) -> None:
    own.write_text("raise ZeroDivisionError\n")
    plugins.names(shelf)
    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises(UsageError, match="ZeroDivisionError"):
            plugins.load(shelf, str(own))
    assert set(sys.modules) == before
    with pytest.raises(DataError, match="cannot be read"):
        plugins.load(shelf, f"{own}.py")


def test_a_package_that_takes_no_files_runs_none(shelf: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise ZeroDivisionError\n")
    with pytest.raises(UsageError, match="nothing is called"):
        plugins.load(shelf, str(tmp_path / "mine.py"))
