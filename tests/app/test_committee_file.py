"""A committee in a TOML file is what `fm.Committee` makes of the same arguments, or is refused."""

from pathlib import Path

import pytest
from tests.app.commands import answer

from folkmoot import Committee
from folkmoot.app.cli.train import given
from folkmoot.app.load import committee_of
from folkmoot.core.errors import FolkmootError
from folkmoot.training.tuning_spaces import toml

OPTIONS = {"lookback": 30, "dropout": 0.0, "training": {"epochs": 2, "rate": 1e-05}}


def written(folder: Path, text: str) -> str:
    path = folder / "committee.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_tune_writes_is_the_committee_it_means(tmp_path: Path) -> None:
    path = written(tmp_path, toml("dlinear", 5, OPTIONS))
    wanted = Committee(models=["dlinear"], horizon=5, options={"dlinear": OPTIONS})
    assert committee_of(path, 1) == wanted
    assert committee_of(path, 5) == wanted


def test_a_file_without_a_horizon_takes_the_one_that_was_asked(tmp_path: Path) -> None:
    path = written(tmp_path, '[committee]\nmodels = ["logistic", "ewma"]\n')
    assert committee_of(path, 4) == Committee(models=["logistic", "ewma"], horizon=4)


def test_the_word_on_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    found = committee_of(written(tmp_path, toml("dlinear", 1, OPTIONS)), 1)
    chosen = given(found.models, ["lookback=20", "training.epochs=7"], found.options)
    assert chosen["dlinear"] == {
        "lookback": 20,
        "dropout": 0.0,
        "training": {"epochs": 7, "rate": 1e-05},
    }
    assert found.options["dlinear"] == OPTIONS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = [", "TOML"),
        ('models = ["logistic"]', "no table"),
        ('[committee]\nmodels = "logistic"', "no table"),
        ('[committee]\nmodels = ["logistic"]\nmembers = 3', "members"),
        ('[committee]\nmodels = ["logistc"]', "logistc"),
        ('[committee]\nmodels = ["logistic"]\nhorizon = 2', "horizon 3"),
        ('[committee]\nmodels = ["logistic"]\nhorizon = "a"', "horizon"),
        ('[committee]\nmodels = ["logistic"]\nhorizons = 5', "horizons"),
        ('[committee]\nmodels = ["logistic"]\n[committee.options]\nlogistic = 5', "options"),
        ('[committee]\nmodels = ["logistic"]\n[committee.options.ewma]\na = 1', "ewma"),
        ('[committee]\nmodels = ["logistic"]\nweights = { logistic = "2" }', "weights"),
        ('[committee]\nmodels = ["logistic"]\nanalysts = 5', "analysts"),
        ("[committee]\nmodels = []", "model"),
        ("[committee]\nmodels = [3]", "3"),
    ],
)
def test_what_is_no_committee_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FolkmootError, match=said):
        committee_of(written(tmp_path, text), 3)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FolkmootError, match="nowhere"):
        committee_of("nowhere.toml", 1)


def test_prove_takes_options_from_the_file(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = '[committee]\nmodels = ["logistic"]\n[committee.options.logistic]\n'
    prove = ["prove", "world:martingale:0:2000", "--workers", "1", "--models"]
    code, facts = answer(capfd, *prove, written(own_root, f"{text}c = 0.5"))
    assert code == 0
    assert "logistic" in [row["name"] for row in facts["members"]]
    code, facts = answer(capfd, *prove, written(own_root, f"{text}sea = 0.5"))
    assert code == 2
    assert "sea" in str(facts)
