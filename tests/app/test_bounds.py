"""Numbers, sizes and folders that cannot be are refused at the command line, in words."""

from pathlib import Path

import pytest
from tests.app.commands import answer

from folkmoot.app import cli
from folkmoot.core.errors import UsageError
from folkmoot.core.settings import settings
from folkmoot.market.specs import history

BARS = "world:fast:0:300"
HUGE = "9" * 20


@pytest.mark.parametrize("number", [HUGE, "-1", "9" * 5000, "1e3", ""])
@pytest.mark.parametrize(
    "words",
    [
        ["prove", BARS, "--horizon"],
        ["prove", BARS, "--seed"],
        ["tune", BARS, "--model", "logistic", "--horizon"],
        ["tune", BARS, "--model", "logistic", "--seed"],
        ["train", BARS, "--models", "logistic", "--horizons"],
        ["analyze", BARS, "--horizon"],
        ["features", "screen", BARS, "--horizon"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_number_out_of_all_bounds_is_wrong_use(
    own_root: Path, capfd: pytest.CaptureFixture[str], words: list[str], number: str
) -> None:
    code, facts = answer(capfd, *words, number)
    assert code == 2
    assert facts["error"]["message"]


@pytest.mark.parametrize(
    "spec",
    ["planted:-1:2400", f"planted:{'9' * 30}:10", "planted:0:0", "planted:0:-5", "planted:x:10",
     "planted:0:99999999999999", f"planted:0:{'9' * 5000}", "planted:0:1.5"],
    ids=lambda spec: spec[:24],
)  # fmt: skip
def test_a_world_that_cannot_be_is_refused(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        history(f"world:{spec}")
    assert caught.value.allowed


@pytest.mark.parametrize("below", ["", "below/and/below"])
def test_models_are_not_listed_where_none_could_be_kept(
    own_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    below: str,
) -> None:
    (own_root / "file").write_text("no folder")
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(own_root / "file" / below))
    settings.cache_clear()
    code, facts = answer(capfd, "models", "list")
    assert (code, facts["error"]["type"]) == (3, "EnvironmentProblem")
    assert str(own_root / "file") in facts["error"]["message"]


def test_json_before_a_command_of_models_is_refused_in_json(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "--json", "list"]) == 2
    assert "models list --json" in capfd.readouterr().out
    assert answer(capfd, "models")[0] == 0
