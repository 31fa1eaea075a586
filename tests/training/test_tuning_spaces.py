"""Every family's ranges are options of its members, and a file's ranges stand in their place."""

from pathlib import Path
from typing import Any

import pytest

from folkmoot import models
from folkmoot.core.errors import DataError, FolkmootError, UnknownOption, UsageError
from folkmoot.training.tuning_spaces import SPACES, default_point, nested, space_of, suggest

FAMILIES = [name for name in models.MODELS if any(name.split("_")[0] == k for k in SPACES)] + [
    "lstm_model",
    "trading_model",
]


@pytest.mark.parametrize("name", sorted(set(FAMILIES)))
def test_a_family_may_try_what_its_members_have_their_own_options_among_it(name: str) -> None:
    space = space_of(name)
    own = default_point(name, space)
    assert own is not None
    assert set(own) == set(space)
    for point in (own, ends(space, "low"), ends(space, "high")):
        member = models.build(name, **nested(point))
        assert all(getattr(member, k) == v for k, v in point.items() if "." not in k)


def ends(space: dict[str, Any], which: str) -> dict[str, Any]:
    return {name: getattr(entry, which) for name, entry in space.items()}


def test_networks_of_the_ranges_ends_answer() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra neural")
    torch.set_num_threads(1)
    for name in ("gru_attention", "lstm_model", "cnn_standard", "cnn_tcn", "transformer_informer"):
        for which in ("low", "high"):
            member = models.build(name, **nested(ends(space_of(name), which)))
            network = member.network(6, 8).eval()
            assert network(torch.zeros(2, member.lookback, 6)).shape == (2, 8)


@pytest.mark.parametrize(
    ("text", "problem", "said"),
    [
        ("[depth]\nlow = 1\nhigh = 2", UnknownOption, "has no option 'depth'"),
        ("[training.rate]\nlow = 1\nhigh = 2", UnknownOption, "has no option 'training'"),
        ("[horizons]\nchoices = [1]", UsageError, "horizons is asked"),
        ("[c]\nlow = 1.0\nhigh = 1.0", UsageError, "is no range"),
        ("[c]\nlow = 0.0\nhigh = 1.0\nlog = true", UsageError, "is no range"),
        ("[passes]\nlow = 1\nhigh = 4\nstep = 2", UsageError, "is no range"),
        ("[c]\nchoices = []", UsageError, "is no range"),
        ("[c]\nleast = 1", UnknownOption, "a range has no least"),
        ("c = 0.1", UsageError, "nothing of logistic may be tried"),
        ("[c", DataError, "table declaration"),
    ],
)
def test_what_is_no_range_of_the_member_is_refused(
    text: str, problem: type[FolkmootError], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(problem, match=said):
        space_of("logistic", path)


def test_an_unknown_option_of_a_fit_lists_the_valid_ones(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("[training]\nepoch = 3")
    with pytest.raises(UnknownOption) as refused:
        space_of("gru_attention", path)
    assert "epochs" in (refused.value.allowed or "")


def test_ranges_of_a_file_replace_a_familys_and_choices_keep_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("[kernels]\nchoices = [[3], [5]]\n[width]\nchoices = [16, 32]")
    space = space_of("cnn_tcn", path)
    assert [space["width"].holds(size) for size in (32, 80)] == [True, False]
    assert set(space_of("cnn_tcn")) < set(space)
    found = suggest(Highest(), space)
    assert (found["kernels"], found["width"], found["lookback"]) == ([5], 32, 120)


class Highest:
    """Whoever proposes the last of everything."""

    def suggest_categorical(self, name: str, labels: list[str]) -> str:
        return labels[-1]

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
        return high

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> float:
        return high
