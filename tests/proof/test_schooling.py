"""What a card says of a member: earned against every reference, calibrated, explained."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.market import world
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.proof import prove
from folkmoot.proof.exam import FEWEST, exam, line, pinball
from folkmoot.proof.keys import lineage
from folkmoot.proof.schooling import explained, school
from folkmoot.proof.scored import Scored
from folkmoot.proof.studies import Studies
from folkmoot.proof.tried import Ledger, trained
from folkmoot.training import Ballots, TaskStore
from folkmoot.training.artefacts import Shelf

NAMES = ("member", *REFERENCES)


def sheet(p: Any, up: Any, others: float = 0.5) -> tuple[Scored, Ballots]:
    n = len(up)
    returns = np.where(up > 0.5, 0.01, -0.01)
    said = {"member": p, **{name: np.full(n, others) for name in REFERENCES}}
    found = Scored(np.arange(n), returns, up, said, said, 1)
    quantiles = np.tile(np.linspace(-0.02, 0.02, len(LEVELS)), (n, len(NAMES), 1))
    times = np.arange(n, dtype=np.int64)
    block = np.ones(n, dtype=np.int8)
    return found, Ballots(
        NAMES, np.stack(list(said.values()), axis=1), quantiles, returns, times, times, block,
        [], [], 0, 0, {},
    )  # fmt: skip


def outcomes(n: int = 4000, seed: int = 3) -> Any:
    return (np.random.default_rng(seed).random(n) < 0.5).astype(float)


def test_skill_is_earned_by_who_knows_more_than_every_reference() -> None:
    up = outcomes()
    found, ballots = sheet(np.where(up > 0.5, 0.6, 0.45), up)
    row = exam(found, "member", ballots)
    assert row["earned"]
    assert row["gain"][1] > 0.0
    assert row["log_loss"][0] < math.log(2.0)


def test_beating_bad_references_alone_earns_nothing() -> None:
    up = outcomes()
    found, ballots = sheet(np.full(len(up), 0.55), up, others=0.9)
    row = exam(found, "member", ballots)
    assert row["log_loss"][0] < row["baselines"]["base_rate"]["log_loss"][0]
    assert (row["earned"], row["reference"]) == (False, "coin")


def test_too_few_rows_are_said_to_be_too_few() -> None:
    found, ballots = sheet(np.full(FEWEST - 1, 0.5), outcomes(FEWEST - 1))
    assert exam(found, "member", ballots) == {"n": FEWEST - 1, "earned": False}


def test_the_calibration_undoes_a_forecast_that_is_too_sure() -> None:
    rng = np.random.default_rng(5)
    logit = rng.normal(size=20_000)
    up = (rng.random(len(logit)) < 1.0 / (1.0 + np.exp(-logit))).astype(float)
    slope, level = line(1.0 / (1.0 + np.exp(-3.0 * logit)), up)
    assert slope == pytest.approx(1.0 / 3.0, abs=0.02)
    assert level == pytest.approx(0.0, abs=0.05)


def test_a_forecast_that_never_moves_has_no_slope() -> None:
    up = (np.arange(1000) % 4 > 0).astype(float)
    slope, level = line(np.full(1000, 0.5), up)
    assert slope == 1.0
    assert level == pytest.approx(math.log(3.0), abs=0.01)
    assert line(np.empty(0), np.empty(0)) == (1.0, 0.0)


def test_pinball_is_the_mean_over_the_levels_in_basis_points() -> None:
    truth, quantiles = np.array([0.01]), np.zeros((1, len(LEVELS)))
    assert pinball(truth, quantiles)[0] == pytest.approx(1e4 * 0.01 * np.mean(LEVELS))


class Telling:
    columns = ("a", "b")

    def explain(self, x: Any) -> dict[str, Any]:
        del x
        heads = np.zeros((3, 2, 4, 4))
        heads[:, :, -1] = [0.1, 0.2, 0.3, 0.4]
        return {"rows": np.arange(3), "attention": heads, "importance": np.array([[1.0, 3.0]] * 3)}


def test_what_a_member_tells_is_kept_as_means_largest_first() -> None:
    told = explained(Telling(), None)  # type: ignore[arg-type]  # it looks at no rows
    assert told["importance"] == [["b", 0.75], ["a", 0.25]]
    assert told["attention"] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert explained(object(), None) == {}  # type: ignore[arg-type]


def test_baselines_and_nobody_are_not_trained(tmp_path: Any) -> None:
    bars, store = world("planted", 300).bars, TaskStore(tmp_path)
    asked: list[dict[str, dict[str, Any]]] = [{"base_rate": {}}, {}]
    for chosen in asked:
        with pytest.raises(UsageError, match="not trained"):
            school(
                bars, chosen, names={"base_rate": "b"}, store=store, shelf=Shelf(tmp_path),
                ledger=Ledger(tmp_path),
            )  # fmt: skip
    assert Studies(tmp_path).trials(lineage(bars)) == 0


def train(root: Path, bars: Bars, chosen: dict[str, dict[str, Any]], horizons: Any = (1,)) -> int:
    """Train under a data root, and return the trials that its lineage has from then on."""
    school(
        bars, chosen, names={name: name for name in chosen}, features="core", horizons=horizons,
        store=TaskStore(root / "tasks"), shelf=Shelf(root / "models"), ledger=Ledger(root),
    )  # fmt: skip
    return Studies(root).trials(lineage(bars))


def test_every_trained_configuration_is_a_trial_once_and_a_study_counts_it(tmp_path: Path) -> None:
    bars = world("martingale", 2_000, seed=4).bars
    variants = [{}, {"c": 9.0}, {"c": 99.0}]
    counts = [train(tmp_path, bars.until(1_900), {"logistic": given}) for given in variants]
    assert counts == [1, 2, 3]
    # Trained again, on further bars or with an option that says what the member does anyway.
    assert train(tmp_path, bars, {"logistic": {"c": models.build("logistic").c}}) == 3
    assert train(tmp_path, bars, {"logistic": {}, "har_rv": {}}) == 4
    assert train(tmp_path, bars, {"logistic": {}}, horizons=(1, 2)) == 5
    committee = Committee(models=["logistic"], options={"logistic": {"c": 9.0}})
    study = prove(committee, bars, root=tmp_path, workers=1, controls="needed", plants=1)
    desk, itself = 1, 1
    assert study.facts["trials"] == 5 - itself + itself + desk + len(BASELINES)
    # What a study scores already is no further trial when it is trained afterwards.
    assert train(tmp_path, bars, {"logistic": {"c": 9.0}}) == study.facts["trials"]
    assert train(tmp_path, bars, {"logistic": {"c": 8.0}}) == study.facts["trials"] + 1


def test_bars_too_few_and_options_unknown_are_refused_before_anything_is_counted(
    tmp_path: Path,
) -> None:
    bars = world("planted", 300).bars
    with pytest.raises(UsageError, match="no option 'lightness'"):
        train(tmp_path, bars, {"logistic": {"lightness": 1.0}})
    with pytest.raises(DataError, match="too few"):
        train(tmp_path, bars.until(80), {"logistic": {}})
    assert Studies(tmp_path).trials(lineage(bars)) == 0


def test_an_edited_member_of_ones_own_is_another_configuration(tmp_path: Path) -> None:
    place = tmp_path / "mine.py"
    text = (Path(__file__).parents[2] / "examples" / "own_estimator.py").read_text("utf-8")
    place.write_text(text)
    first = trained(str(place), {}, (1,), "columns")
    assert trained(str(place), {}, (1,), "columns") == first
    place.write_text(text.replace("trees: int = 60", "trees: int = 5"))
    assert trained(str(place), {}, (1,), "columns") != first


def test_a_damaged_row_is_an_error_and_no_smaller_count(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add("x", trained("logistic", {}, (1,), "columns"))
    next((tmp_path / "trials" / "x").glob("*.json")).write_bytes(b'{"tuned"')
    with pytest.raises(DataError, match="damaged"):
        Studies(tmp_path).trials("x")
