"""A search reads nothing that is scored, counts every try once, and survives being killed."""

import json
import math
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.conftest import make_bars

from folkmoot import models
from folkmoot.app import cli
from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.settings import settings
from folkmoot.features import feature_set
from folkmoot.proof.keys import lineage
from folkmoot.proof.studies import Studies
from folkmoot.proof.tried import Ledger
from folkmoot.proof.tuning import tune
from folkmoot.training import InMemory, layout
from folkmoot.training.material import Material
from folkmoot.training.tuning import Search
from folkmoot.training.tuning_spaces import space_of
from folkmoot.training.tuning_trial import Question, inner_blocks, judged, try_out

pytest.importorskip("optuna", reason="needs the extra tune")

ROWS = 4_000
FIGURES = ("front", "chosen", "own", "trials", "study", "blocks", "toml")
SCRIPT = """
import sys
from pathlib import Path
from tests.training.conftest import make_bars
from folkmoot.proof.tuning import tune
tune("logistic", make_bars(4_000), trials=10, folds=2, root=Path(sys.argv[1]),
     progress=lambda what, share: print(what, flush=True))
"""


@pytest.fixture(scope="module")
def market() -> Bars:
    return make_bars(ROWS)


@pytest.fixture(scope="module")
def first(market: Bars, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("first")
    return {**tune("logistic", market, trials=10, folds=2, root=root), "root": root}


def figures(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in FIGURES}


def test_one_seed_finds_one_answer_and_another_seed_tries_other_options(
    first: dict[str, Any], market: Bars, tmp_path: Path
) -> None:
    again = tune("logistic", market, trials=10, folds=2, root=tmp_path)
    assert figures(again) == figures(first)
    other = tune("logistic", market, trials=3, folds=2, root=tmp_path, seed=1)
    assert other["study"] != first["study"]
    assert other["own"] == first["own"]
    options = {row.read_bytes() for row in (tmp_path / "trials").rglob("*.json")}
    assert len(options) == 10 + 2


def test_the_future_of_the_training_part_changes_no_trial(
    first: dict[str, Any],
    market: Bars,
    tmp_path: Path,
    change: Callable[[Bars, int], Bars],
) -> None:
    cut = layout(len(market)).train
    later = change(market, cut)
    assert not np.array_equal(later.close, market.close)
    found = tune("logistic", later, trials=10, folds=2, root=tmp_path)
    assert figures(found) == figures(first)
    assert first["blocks"][-1][1] <= cut
    earlier = tune("logistic", change(market, cut - 1), trials=1, folds=2, root=tmp_path)
    assert earlier["study"] != first["study"]


def test_every_trial_is_a_row_of_the_ledger_once_and_a_study_counts_it(
    first: dict[str, Any], market: Bars
) -> None:
    root, name = first["root"], lineage(market)
    assert first["ledger"] == {"tuned": 10, "trials": 10}
    again = tune("logistic", market, trials=10, folds=2, root=root)
    assert (again["ledger"], again["trials"]["finished"]) == (first["ledger"], 10)
    further = tune("logistic", market, trials=12, folds=2, root=root)
    assert further["ledger"]["tuned"] == Ledger(root).count(name) == 12
    assert Studies(root).trials(name) == 12
    assert Studies(root).trials("another") == 0


def test_the_ledger_knows_a_configuration_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add("x", {"a": 1, "b": [1.0]})
    ledger.add("x", {"b": [1.0], "a": 1})
    ledger.add("y", {"a": 1})
    assert [ledger.count(name) for name in ("x", "y", "z")] == [1, 1, 0]


def killed(root: Path, lines: int, wait: float) -> None:
    """Kill a search after so many lines and a moment."""
    place = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: TID251  # the child's own
    command = [sys.executable, "-c", SCRIPT, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)


def test_a_killed_search_goes_on_and_ends_as_one_that_was_not(
    first: dict[str, Any], market: Bars, tmp_path: Path
) -> None:
    for lines, wait in ((3, 0.0), (3, 0.03)):
        killed(tmp_path, lines, wait)
    counted = Ledger(tmp_path).count(lineage(market))
    assert 3 <= counted < 10
    found = tune("logistic", market, trials=10, folds=2, root=tmp_path)
    assert without_numbers(found) == without_numbers(first)
    assert found["ledger"]["tuned"] == 10
    journal = Path(found["storage"])
    # A power failure can leave half a line: it is cut off, and nothing else is lost.
    with journal.open("ab") as file:
        file.write(b'{"op_code":')
    assert tune("logistic", market, trials=10, folds=2, root=tmp_path)["front"] == found["front"]


def without_numbers(facts: dict[str, Any]) -> Any:
    """Return what was found; a trial that was killed has used up its number."""
    kept = figures(facts)
    rows = [*kept["front"], kept["chosen"], kept["own"]]
    kept["front"], kept["chosen"], kept["own"] = None, None, None
    return kept, [{k: v for k, v in row.items() if k != "number"} for row in rows]


def test_two_workers_finish_the_trials_that_one_then_reads(market: Bars, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path / 'trials.db'}"
    asked = {"trials": 4, "folds": 2, "root": tmp_path, "storage": place}
    found = tune("logistic", market, workers=2, **asked)
    assert found["trials"] == {"finished": 4, "complete": 4, "given_up": 0, "refused": 0}
    assert found["ledger"]["tuned"] == 4
    assert figures(tune("logistic", market, **asked)) == figures(found)


def test_the_front_is_what_no_other_trial_beats_and_the_choice_lies_on_it(
    market: Bars, tmp_path: Path
) -> None:
    part = Search(
        market, feature_set("core", "1h"), "lightgbm", small_trees(), tmp_path, folds=2, trials=8
    )
    found = part.run()
    each = [(t.verdict.log_loss, -t.verdict.sharpe) for t in found.tried]
    best = {p for p in each if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in each)}
    shown = [(t.verdict.log_loss, -t.verdict.sharpe) for t in found.front]
    assert set(shown) == best
    assert shown == sorted(shown)
    assert found.chosen() == found.front[0]
    assert found.chosen("sharpe").verdict.sharpe == max(t.verdict.sharpe for t in found.tried)
    with pytest.raises(UsageError, match="nothing is chosen by"):
        found.chosen("luck")


def small_trees() -> dict[str, Any]:
    space = space_of("lightgbm")
    return space | {"trees": replace(space["trees"], low=2, high=8, step=2)}  # type: ignore[type-var]


def test_what_is_chosen_goes_into_a_committee(first: dict[str, Any]) -> None:
    given = tomllib.loads(first["toml"])["committee"]
    seated = Committee(**given)
    assert seated.options["logistic"] == first["chosen"]["options"]
    assert models.build("logistic", **seated.options["logistic"]).c > 0.0


@pytest.fixture(scope="module")
def material(market: Bars) -> Material:
    columns = feature_set("core", "1h").only(("return_1", "rsi_14")).plus(feature_set("bars", "1h"))
    return Material.of(market.until(1_600), columns, (1, 3), 50)


def test_no_label_that_teaches_is_known_after_the_first_row_asked(material: Material) -> None:
    blocks = inner_blocks(material, 3, 4)
    known_at, place = material.table.known_at, material.horizons.index(3)
    for taught, asked in blocks:
        assert material.label_known_at[taught, place].max() < known_at[asked[0]]
        assert taught[-1] == asked[0] - 3 - 2
    rows = np.concatenate([asked for _, asked in blocks])
    assert np.array_equal(rows, np.arange(rows[0], 1_600 - 4))


def test_the_judge_agrees_with_a_plain_count(material: Material) -> None:
    question = Question("x", "", "", 3, 2, 0.002)
    asked = [rows for _, rows in inner_blocks(material, 3, 2)]
    rng = np.random.default_rng(4)
    answers = [np.where(rng.random(len(r)) < 0.1, np.nan, rng.random(len(r))) for r in asked]
    verdict = judged(question, asked, answers, material, {})
    losses, gains = plainly(material, asked, answers, 0.002)
    assert verdict.log_loss == pytest.approx(np.mean(losses), rel=1e-12)
    times = material.table.known_at
    hours = (times[asked[-1][-1]] - times[asked[0][0]]) / 3_600_000.0
    year = sum(map(len, asked)) / (hours / 8_766.0)
    ratio = np.mean(gains) / np.std(gains, ddof=1) * math.sqrt(year)
    assert verdict.sharpe == pytest.approx(ratio, rel=1e-9)
    assert verdict.answered == sum(int(np.isfinite(a).sum()) for a in answers)


def plainly(
    material: Material, asked: list[Any], answers: list[Any], cost: float
) -> tuple[list[float], list[float]]:
    """Return each row's log loss and each bar's gain, one at a time."""
    losses, gains = [], []
    for rows, p_up in zip(asked, answers, strict=True):
        p = dict(zip(rows.tolist(), np.where(np.isnan(p_up), 0.5, p_up), strict=True))
        for row, chance in p.items():
            up = material.y[row, 1] > 0.0
            losses.append(-math.log(np.clip(chance if up else 1.0 - chance, 1e-4, 1.0)))
        held = 0.0
        for bar in range(rows[0], rows[-1] + 4):
            wanted = sum(2.0 * p.get(bar - back, 0.5) - 1.0 for back in range(3)) / 3.0
            gain = wanted * math.expm1(material.y[bar, 0]) if wanted else 0.0
            gains.append(gain - cost * abs(wanted - held))
            held = wanted
    return losses, gains


def test_a_network_beyond_the_median_of_an_epoch_is_given_up(market: Bars, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra neural")
    path = tmp_path / "space.toml"
    path.write_text(NETWORK)
    asked = {"space": path, "trials": 8, "folds": 2, "root": tmp_path}
    found = tune("dlinear", market, **asked)
    assert found["trials"]["given_up"] >= 1
    assert found["trials"]["given_up"] + found["trials"]["complete"] == 8
    assert found["ledger"]["tuned"] == 8
    assert (
        tomllib.loads(found["toml"])["committee"]["options"]["dlinear"]["training"]["epochs"] == 3
    )
    assert not list((tmp_path / "tasks" / "fits").iterdir())


NETWORK = """
lookback = 8
filters = 2
[training]
epochs = 3
batch = 128
windows = 400
holdout_windows = 100
[training.rate]
low = 1e-4
high = 0.5
log = true
"""


def test_a_step_beyond_its_limit_ends_a_trial_and_leaves_nothing(material: Material) -> None:
    pytest.importorskip("torch", reason="needs the extra neural")
    question, store = Question("dlinear", "", "", 1, 2, 0.0), InMemory()
    options = {"lookback": 8, "training": {"epochs": 2, "windows": 200, "holdout_windows": 100}}
    whole = try_out(question, options, {}, material, store)
    assert list(whole.steps) == ["0.0.0", "0.0.1", "1.0.0", "1.0.1"]
    limits = {step: loss - 1e-9 for step, loss in whole.steps.items() if step.endswith("1")}
    assert try_out(question, options, limits, material, store).pruned == "0.0.1"
    ended = try_out(question, options, limits, material, InMemory())
    assert (ended.pruned, list(ended.steps)) == ("0.0.1", ["0.0.0", "0.0.1"])
    assert try_out(question, options, {}, material, store) == whole


def test_a_search_that_cannot_be_is_refused_by_name(market: Bars, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing of base_rate may be tried"):
        tune("base_rate", market, root=tmp_path)
    with pytest.raises(UsageError, match="nothing is called 'oracle'"):
        tune("oracle", market, root=tmp_path)
    with pytest.raises(UsageError, match="nothing is chosen by"):
        tune("logistic", market, root=tmp_path, choose="luck")
    with pytest.raises(UsageError, match="0 workers"):
        tune("logistic", market, root=tmp_path, workers=0)
    with pytest.raises(UsageError, match="trials 0"):
        tune("logistic", market, root=tmp_path, trials=0)
    with pytest.raises(UsageError, match="no database is behind it"):
        tune("logistic", market, root=tmp_path, storage="nosuch://host/db", trials=1)
    with pytest.raises(DataError, match="labelled rows are left"):
        tune("logistic", market.until(400), root=tmp_path)
    assert not (tmp_path / "trials").exists()


def test_another_file_is_no_journal_and_stays_as_it_was(market: Bars, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\nno newline at the end")
    with pytest.raises(DataError, match="no journal"):
        tune("logistic", market, root=tmp_path, storage=str(path), trials=1)
    assert path.read_text() == "my notes\nno newline at the end"


def test_a_member_that_refuses_every_option_says_why(market: Bars, tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("[c]\nchoices = [-1.0, -2.0]")
    with pytest.raises(DataError, match="no trial came to its end: an option is out of range"):
        tune("logistic", market, space=path, trials=3, folds=2, root=tmp_path)


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(tmp_path / "root"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_command_shows_the_front_the_choice_and_the_table_for_a_committee(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["tune", "world:planted:0:4000", "--model", "logistic", "--trials", "3", "--folds", "2"]
    assert cli.run([*words, "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert {"log_loss", "sharpe", "options"} <= set(facts["front"][0])
    assert facts["chosen"]["log_loss"] == min(row["log_loss"] for row in facts["front"])
    assert Path(facts["storage"]).is_relative_to(own_root / "root")
    kept = own_root / "deep" / "committee.toml"
    assert cli.run([*words, "--out", str(kept)]) == 0
    told = capfd.readouterr().out
    assert "Pareto front" in told
    assert kept.read_text() == facts["toml"]
    assert cli.run([*words, "--out", str(own_root / "committee.json")]) == 2
    capfd.readouterr()
    assert told.endswith(facts["toml"])
    assert cli.run([*words[:2], "--model", "oracle", "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["allowed"]
