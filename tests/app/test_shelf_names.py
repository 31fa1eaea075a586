"""A name on the shelf is one member's, and what was asked ahead is what is trained."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.models.conftest import make

from folkmoot import models
from folkmoot.app import cli
from folkmoot.app.cli import train
from folkmoot.app.shelf_names import check_names, named
from folkmoot.core.errors import FolkmootError, UnknownOption, UsageError
from folkmoot.core.settings import settings
from folkmoot.training.artefacts import NAME, Shelf

OWN = """
from folkmoot.models.logistic import Logistic

class Mine(Logistic):
    pass

PLUGIN = Mine
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with own members `a/mine.py` and `b/mine.py`, which is the data root too."""
    for name in ("a/mine.py", "b/mine.py", "logistic.py", "мой.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(tmp_path / "root"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def kept(shelf: Shelf, name: str, member: str) -> None:
    """Put a version of that name on the shelf, of a member of that id."""
    market = make(400)
    fitted = models.build("base_rate").fit(market.x(), market.labels(1, 1), market.weights(1))
    shelf.add(name, member, fitted, {"validation": {"passed": True}})


def test_every_member_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = {f"t_{named(member)}" for member in models.MODELS}
    assert len(names) == len(models.MODELS)
    assert all(NAME.fullmatch(name) for name in names)
    check_names(models.MODELS, "t", Shelf(tmp_path))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (["a/mine.py", "b/mine.py"], "t_mine"),
        (["./logistic.py", "logistic"], "t_logistic"),
        (["gru.py:Standard", "gru_standard"], "t_gru_standard"),
        (["мой.py"], "leaves no name"),
    ],
)
def test_members_without_a_name_of_their_own_are_refused(
    tmp_path: Path, members: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_names(members, "t", Shelf(tmp_path))
    assert caught.value.allowed


def test_a_name_stays_with_the_member_whose_newest_version_it_is(place: Path) -> None:
    shelf = Shelf(place / "shelf")
    kept(shelf, "t_mine", "a/mine.py")
    kept(shelf, "t_logistic", "logistic")
    check_names(["a/mine.py", "logistic"], "t", shelf)
    check_names(["./a/../a/mine.py", str(place / "a" / "mine.py")][:1], "t", shelf)
    check_names(["b/mine.py"], "u", shelf)
    for other in ("b/mine.py", "./logistic.py"):
        with pytest.raises(UsageError, match="is the name of") as caught:
            check_names([other], "t", shelf)
        assert caught.value.allowed == "another --name"
    shelf.path("t_mine", 2).write_bytes(b"damaged")
    check_names(["b/mine.py"], "t", shelf)


def test_nothing_is_trained_where_two_would_share_a_name(place: Path) -> None:
    asked = ["train", "world:planted:0:2400", "--models", "a/mine.py,b/mine.py"]
    assert cli.run(asked) == 2
    assert not (place / "root" / "tasks").exists()


FILE = '[committee]\nmodels = ["logistic"]\n'


@pytest.mark.parametrize(
    ("text", "typed", "ahead"),
    [
        (FILE, None, (1, 5, 15, 30)),
        (FILE, "2,4", (2, 4)),
        (FILE + "horizon = 4\n", None, (4,)),
        (FILE + "horizon = 4\n", "4", (4,)),
        (FILE + "horizon = 4\nhorizons = [1, 4]\n", None, (1, 4)),
        (FILE + "horizon = 4\nhorizons = [1, 4]\n", "4,1", (1, 4)),
        (FILE + "horizon = 4\n", "1,4", None),
        (FILE + "horizons = [1, 5]\n", "1", None),
        (FILE + "horizon = 10000000\n", None, None),
        (FILE + "[committee.options.logistic]\nhorizons = [3]\n", None, None),
        (FILE + "[committee.options.logistic]\nc = false\n", None, None),
        (FILE, "1" * 20, None),
        (FILE, "9" * 5000, None),
        (FILE, "0", None),
        (FILE, "", None),
    ],
)
def test_a_committee_s_file_says_how_far_ahead_its_members_are_trained(
    place: Path, text: str, typed: str | None, ahead: tuple[int, ...] | None
) -> None:
    (place / "c.toml").write_text(text)
    if ahead is None:
        with pytest.raises(FolkmootError) as caught:
            train.chosen("c.toml", [], typed)
        assert caught.value.allowed
    else:
        assert train.chosen("c.toml", [], typed)[1] == ahead


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("both=False", False),
        ("both=true", True),
        ("both=True", True),
        ("hidden=16", 16),
        ("dropout=0", 0),
        ("kind=residual", "residual"),
    ],
)
def test_a_value_is_read_as_its_option_wants_it(typed: str, value: object) -> None:
    option = typed.partition("=")[0]
    found, _ = train.chosen("gru_standard", [typed], "1")
    assert found["gru_standard"][option] is value or found["gru_standard"][option] == value
    assert type(found["gru_standard"][option]) is type(value)


@pytest.mark.parametrize("typed", ["both=0", "both=no", "hidden=none", "hidden=1.5", "kind=5"])
def test_a_value_of_another_type_is_refused_before_anything_is_read(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        train.chosen("gru_standard", [typed], "1")
    assert caught.value.allowed
    with pytest.raises(UnknownOption):
        train.chosen("gru_standard", ["horizons=[1]"], "1")
