"""`folkmoot train` and `folkmoot models`: from bars to a version in use, and back to a file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.app.commands import answer

from folkmoot import models
from folkmoot.app import cli
from folkmoot.app.cli.models_tables import spark
from folkmoot.app.cli.train import given
from folkmoot.app.exporting import TREES
from folkmoot.app.load import committee_of
from folkmoot.app.shelf_names import named
from folkmoot.app.shelved import shelf
from folkmoot.core.errors import DataError, UnknownOption, UsageError
from folkmoot.core.settings import settings
from folkmoot.features import feature_set, labels, windows
from folkmoot.market import world
from folkmoot.training.artefacts import load_model
from folkmoot.training.predictor import NeuralPredictor

pytest.importorskip("torch", reason="needs the extra neural")

BARS = "world:planted:0:2400"
QUICK = ("epochs=2", "windows=256", "batch=64", "holdout_windows=100")
TRAIN = ["train", BARS, "--models", "dlinear,lightgbm", "--horizons", "1,5", "--name", "t"]
TRAIN += ["--workers", "1", "--set", "lookback=20", "--set", "trees=4", "--set", "bins=16"]
TRAIN += [word for option in QUICK for word in ("--set", f"training.{option}")]
PRESETS = {"lstm_standard": 145_091, "gru_stacked": 410_027, "transformer_informer": 333_507}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data root in which two members were trained twice; the second versions are in use."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("FOLKMOOT_DATA_ROOT", str(root))
        settings.cache_clear()
        assert cli.run([*TRAIN, "--promote"]) == 0
        assert cli.run([*TRAIN, "--promote"]) == 0
        yield root
    settings.cache_clear()


@pytest.fixture(autouse=True)
def rooted(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(trained))
    settings.cache_clear()
    yield
    settings.cache_clear()


def documented(rows: list[dict[str, Any]]) -> list[str]:
    """Return the members whose line in docs/models.md is missing or tells another size."""
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    sizes = {
        cells[1].strip(" `"): cells[3].strip()
        for line in page.splitlines()
        if len(cells := line.split("|")) == 8
    }
    told = {row["id"]: f"{row['parameters']:,}" if row["parameters"] else "-" for row in rows}
    return [name for name, size in told.items() if sizes.get(name) != size]


def card(name: str = "t_dlinear") -> dict[str, Any]:
    return dict(json.loads(shelf().path(name, 2).with_suffix(".json").read_text()))


def test_the_card_records_what_it_was_made_of() -> None:
    told = card()
    assert told["data"]["bars"] == 2400
    assert len(told["folds"]) == 6
    assert all(fold["purged"] >= 2 for fold in told["folds"])
    assert told["sizes"]["parameters"] > 1000
    assert told["seeds"] == [7]
    assert told["plan"]["epochs"] == 2
    assert told["served"]["by"] in {"onnx", "torch"}
    assert told["cost"]["seconds"] > 0.0
    assert {"python", "torch", "numpy"} <= set(told["made_by"]["libraries"])


def test_every_score_stands_beside_the_baselines_with_an_interval() -> None:
    validation = card()["validation"]
    assert validation["passed"]
    for row in validation["horizons"].values():
        assert set(row["baselines"]) == {"base_rate", "persistence", "ar1"}
        for one in (row, *row["baselines"].values()):
            for score in ("log_loss", "brier", "accuracy", "pinball_bp"):
                middle, low, high = one[score]
                assert low <= middle <= high
        assert row["earned"] == (row["p"] <= 0.05)


def test_a_second_training_computes_nothing_and_makes_the_same_validation() -> None:
    first = json.loads(shelf().path("t_dlinear", 1).with_suffix(".json").read_text())
    second = card()
    assert first["folds"] == second["folds"]
    assert first["validation"] == second["validation"]


def test_a_predictor_serves_what_was_trained_with_its_calibration() -> None:
    predictor, bars = NeuralPredictor(), world("planted", 2400).bars
    predictor.load_model("net", shelf().path("t_dlinear", 2))
    predictor.load_model("trees", shelf().path("t_lightgbm", 2))
    told = predictor.predict(bars)
    assert told["horizons"] == (1, 5)
    assert np.isfinite(told["p_up"]).all()
    assert set(card()["calibration"]) == {"1", "5"}


def test_every_member_is_listed_with_its_size(capfd: pytest.CaptureFixture[str]) -> None:
    code, facts = answer(capfd, "models", "list")
    known = {row["id"]: row for row in facts["models"]}
    assert code == 0
    assert len(known) >= 33
    assert {name: known[name]["parameters"] for name in PRESETS} == PRESETS
    assert known["dlinear"]["status"] == "trained"
    assert known["dlinear"]["parameters_in_use"] == card()["sizes"]["parameters"]
    assert [one["version"] for one in known["dlinear"]["versions"]] == [1, 2]
    assert known["lightgbm"]["parameters"] is None
    assert known["lstm_standard"]["status"] == "untrained"
    assert known["ensemble"]["kind"] == "committee"
    assert documented(facts["models"]) == []
    assert cli.run(["models"]) == 0
    assert "t_dlinear" in capfd.readouterr().out


def test_a_card_is_shown_in_words_and_as_a_page(
    trained: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("t_dlinear", "t_lightgbm@1"):
        page = trained / f"{name}.html"
        assert cli.run(["models", "show", name, "--html", str(page)]) == 0
        text = page.read_text()
        assert "http://" not in text
        assert "<script" not in text
        assert "Share of each column" in text
    told = capfd.readouterr().out
    assert "base_rate" in told
    assert "validation loss: " in told
    assert "looked at most: " in told


def test_a_damaged_version_is_listed_as_such_and_neither_shown_nor_promoted(
    trained: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = shelf().path("t_dlinear", 3)
    place.write_bytes(b"\x80\x04 a pickle")
    try:
        _, facts = answer(capfd, "models")
        assert "t_dlinear" in str(facts["damaged"])
        for words in (["show", "t_dlinear@3"], ["promote", "t_dlinear", "3"]):
            code, facts = answer(capfd, "models", *words)
            assert (code, facts["error"]["type"]) == (3, "DataError")
    finally:
        place.unlink()
    assert shelf().current("t_dlinear") == 2


def test_a_card_that_training_did_not_write_is_refused_where_it_is_to_be_shown(
    capfd: pytest.CaptureFixture[str],
) -> None:
    found = load_model(shelf().path("t_lightgbm", 1))
    shelf().add("bare", "lightgbm", found.member, {"validation": {"passed": True}})
    code, facts = answer(capfd, "models", "show", "bare")
    assert (code, facts["error"]["type"]) == (3, "DataError")
    assert cli.run(["models", "compare", "bare", "t_lightgbm"]) == 0
    assert cli.run(["models", "list"]) == 0


def test_versions_are_promoted_and_rolled_back(capfd: pytest.CaptureFixture[str]) -> None:
    assert answer(capfd, "models", "rollback", "t_dlinear")[1]["version"] == 1
    assert answer(capfd, "models", "rollback", "t_dlinear")[0] == 2
    assert answer(capfd, "models", "promote", "t_dlinear", "2")[0] == 0
    assert shelf().current("t_dlinear") == 2
    assert cli.run(["models", "promote", "t_dlinear", "9"]) == 2


def test_two_versions_are_compared(capfd: pytest.CaptureFixture[str]) -> None:
    code, facts = answer(capfd, "models", "compare", "t_dlinear@1", "t_lightgbm")
    assert code == 0
    assert facts["same_bars"]
    assert list(facts["horizons"]) == ["1", "5"]
    assert cli.run(["models", "compare", "t_dlinear", "t_lightgbm"]) == 0


def test_an_exported_file_loads_whatever_it_is_called(trained: Path) -> None:
    path = trained / "mine.pt"
    assert cli.run(["models", "export", "t_dlinear", str(path)]) == 0
    assert load_model(path).id == "dlinear"
    assert json.loads((trained / "mine.pt.card.json").read_text()) == card()


def test_an_exported_graph_answers_with_its_scaling(trained: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    path = trained / "net.onnx"
    assert cli.run(["models", "export", "t_dlinear", str(path)]) == 0
    told = json.loads((trained / "net.onnx.json").read_text())
    columns, steps = told["input"]["columns"], told["input"]["steps"]
    assert len(told["input"]["centre"]) == len(columns)
    running = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    row = np.zeros((1, steps, len(columns)), dtype=np.float32)
    (raw,) = running.run(["raw"], {"input0": row})
    assert raw.shape == (1, 8 * len(told["output"]["horizons"]))


def test_the_lines_in_the_documentation_answer_by_the_version_in_use(trained: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    found: dict[str, Any] = {"bars": world("planted", 2400).bars}
    exec(lines.replace("btc_gru_attention", "t_dlinear"), found)  # noqa: S102  our own page
    assert shelf().current("t_dlinear") == 2
    assert found["member"].plan.epochs == 2
    assert np.isfinite(found["answer"]["p_up"]).all()


def listed(folder: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in folder.iterdir()}


def test_exports_of_one_stem_leave_each_other_alone(trained: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    pytest.importorskip("lightgbm", reason="needs the extra boost")
    folder = trained / "exports"
    folder.mkdir()
    before: dict[str, bytes] = {}
    for name, ending in (("t_dlinear", ".onnx"), ("t_dlinear", ".pt"), ("t_lightgbm", ".txt")):
        words = ["models", "export", name, str(folder / f"x{ending}")]
        assert cli.run(words) == 0
        now = listed(folder)
        assert now == now | before
        assert len(now) >= len(before) + 2
        assert cli.run(words) == 2
        assert listed(folder) == now
        assert cli.run([*words, "--overwrite"]) == 0
        before = now


@pytest.mark.parametrize("taken", ["y.onnx", "y.onnx.json"])
def test_nothing_is_written_where_one_of_the_files_is_there(trained: Path, taken: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    folder = trained / f"held_{taken}"
    folder.mkdir()
    (folder / taken).write_text("mine")
    assert cli.run(["models", "export", "t_dlinear", str(folder / "y.onnx")]) == 2
    assert listed(folder) == {taken: b"mine"}


def test_no_export_goes_onto_the_shelf_and_no_page_under_another_ending(trained: Path) -> None:
    place = shelf().path("t_dlinear", 1)
    before = place.read_bytes()
    assert cli.run(["models", "export", "t_dlinear", str(place), "--overwrite"]) == 2
    for name in ("page.md", "page", str(place)):
        assert cli.run(["models", "show", "t_dlinear", "--html", name, "--overwrite"]) == 2
    assert place.read_bytes() == before
    page = trained / "held.html"
    page.write_text("mine")
    assert cli.run(["models", "show", "t_dlinear", "--html", str(page)]) == 2
    assert page.read_text() == "mine"
    assert cli.run(["models", "show", "t_dlinear", "--html", str(page), "--overwrite"]) == 0


def raw_scores(library: str, file: Path, values: Any) -> Any:
    """Return what a boosting library answers from its own file."""
    own = pytest.importorskip(library, reason="needs the extra boost")
    if library == "lightgbm":
        return own.Booster(model_file=str(file)).predict(values, raw_score=True)
    if library == "xgboost":
        booster = own.Booster(model_file=str(file))
        return booster.predict(own.DMatrix(values), output_margin=True)
    made = own.CatBoost()
    made.load_model(str(file), format="json")
    return made.predict(values)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_exported_trees_answer_in_their_own_library(trained: Path, library: str) -> None:
    pytest.importorskip(library, reason="needs the extra boost")
    bars = world("planted", seed=0, n=1200).bars
    columns = feature_set("core", bars.timeframe).plus(feature_set("bars", bars.timeframe))
    x = windows(columns.matrix(bars), 1)
    y = np.column_stack([labels(bars, h).y for h in (1, 5)])
    member = models.build(library, horizons=(1, 5), trees=5).fit(x, y, np.ones(len(x)))
    shelf().add(f"own_{library}", library, member, {"validation": {"passed": True}})
    path = trained / f"own_{library}{TREES[library]}"
    assert cli.run(["models", "export", f"own_{library}@1", str(path)]) == 0
    told = json.loads(path.with_name(f"{path.name}.card.json").read_text())
    values = np.column_stack([x.of(name)[:, 0] for name in told["input"]["columns"]])
    answer_of = member.predict(x)
    for k, h in enumerate(told["output"]["horizons"]):
        up, scale = (
            raw_scores(library, path.with_suffix(f".{part}_{h}{path.suffix}"), values)
            for part in ("up", "scale")
        )
        np.testing.assert_allclose(1.0 / (1.0 + np.exp(-up)), answer_of.p_up[:, k], rtol=1e-5)
        spread = x.of("ewma_vol")[:, -1] * np.sqrt(h) * np.exp(scale)
        quantiles = spread[:, None] * np.array(told["output"]["shape"][k])
        np.testing.assert_allclose(quantiles, answer_of.quantiles[:, k], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["train", BARS, "--models", "crystal_ball"], 2),
        (["train", BARS, "--models", "base_rate"], 2),
        (["train", BARS, "--models", "logistic", "--horizons", "1,two"], 2),
        (["train", BARS, "--models", "logistic", "--set", "hidden=16"], 2),
        (["train", BARS, "--models", "logistic", "--name", "../up"], 2),
        (["train", "nowhere.csv", "--models", "logistic"], 3),
        (["train", "world:planted:0:60", "--models", "logistic"], 3),
        (["models", "show", "../../etc"], 2),
        (["models", "show", "nobody"], 2),
        (["models", "show", "t_dlinear@two"], 2),
        (["models", "show", f"t_dlinear@{'9' * 5000}"], 2),
        (["models", "rollback", "CON"], 2),
        (["models", "export", "t_lightgbm", "trees.onnx"], 2),
        (["models", "export", "t_lightgbm", "card.json"], 2),
    ],
)
def test_bad_requests_are_refused_with_a_code(words: list[str], code: int) -> None:
    assert cli.run(words) == code


def test_options_reach_the_members_that_have_them() -> None:
    chosen = given(("dlinear", "lightgbm"), ["trees=7", "training.epochs=2", "lookback=30"])
    assert chosen["lightgbm"] == {"trees": 7}
    assert chosen["dlinear"] == {"training": {"epochs": 2}, "lookback": 30}
    with pytest.raises(UnknownOption):
        given(("dlinear",), ["trees=7"])
    with pytest.raises(UsageError):
        given(("dlinear",), ["trees"])


def test_a_file_of_ones_own_is_a_member_with_a_plain_name() -> None:
    own = str(Path(__file__).parents[2] / "examples" / "own_network.py")
    assert committee_of(own, 1).models == (own,)
    assert named(f"{own}:OwnNetwork") == "own_network_ownnetwork"
    assert given((own,), ["hidden=8"]) == {own: {"hidden": 8}}
    with pytest.raises(DataError):
        committee_of("nowhere.py", 1)


def test_a_sparkline_has_its_extremes_at_foot_and_top() -> None:
    assert [ord(block) - 0x2581 for block in spark([1.0, 3.0, 2.0])] == [0, 7, 4]
    assert spark([None, 1.0]) == " " + chr(0x2581)
