"""A file is a registration; an entry point registers an outsider."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.core import plugins
from folkmoot.core.errors import UnknownOption, UsageError

PLUGIN = '''"""A plug-in."""
class Cup:
    def __init__(self, size: int = 3, handle: bool = True) -> None:
        self.size, self.handle = size, handle
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
