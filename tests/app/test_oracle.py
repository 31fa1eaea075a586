"""The service's answers are the desk's, and only where a study stands behind them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.test_analyze import decide
from tests.conftest import random_walk

from folkmoot.app.load import load, store
from folkmoot.app.members import members
from folkmoot.app.oracle import Market, StudyOracle, markets, prediction
from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.clock import SystemClock
from folkmoot.core.decision import Decision, Signal
from folkmoot.core.errors import UnknownSymbol, Untrained, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.settings import settings
from folkmoot.execution import Costs, Limits
from folkmoot.proof import last_decision, prove
from folkmoot.proof.studies import Studies

PLANTED = "world:planted:0:12000"
SHORT = "world:planted:7:3000"
SILENT = "world:martingale:5:24000"
OTHER = "world:planted:3:1900"
COMMITTEE = Committee(models=("logistic",))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLKMOOT_DATA_ROOT", str(home))
        patch.chdir(home)
        settings.cache_clear()
        prove(COMMITTEE, load(PLANTED).bars, copies=1, plants=1, workers=1, root=home)
        yield home
    settings.cache_clear()


def oracle(committee: Committee = COMMITTEE, features: str = "core") -> StudyOracle:
    served = [*markets([PLANTED], None, None), Market("WORLD/A", "1h", "world:martingale:0:1200")]
    return StudyOracle(served, committee, features, Costs())


def test_a_member_is_trained_where_a_study_holds_it(root: Path) -> None:
    status = {(one.market, one.id): one.status for one in oracle().members()}
    assert status["WORLD/B", "ensemble"] == "trained"
    assert status["WORLD/B", "logistic"] == "trained"
    assert status["WORLD/B", "persistence"] == "trained"
    assert status["WORLD/B", "lightgbm"] == "untrained"
    assert {status["WORLD/A", one.id] for one in members()} == {"untrained"}


def test_the_answer_is_the_decision_of_the_proved_pipeline(root: Path) -> None:
    said = oracle().predict("WORLD/B", None, "ensemble")
    decision = last_decision(load(PLANTED).bars, COMMITTEE, root=root)
    assert (said["signal"], said["reason"]) == (decision.signal.name, decision.reason)
    assert said["p_up"] == decision.consensus.p_up
    assert said["known_at"] == decision.known_at
    assert said["confidence"] is None or said["confidence"] == decision.confidence


@pytest.fixture(scope="module")
def silent(root: Path) -> StudyOracle:
    prove(COMMITTEE, load(SILENT).bars, controls="needed", plants=1, workers=1, root=root)
    return StudyOracle(markets([SILENT], None, None), COMMITTEE, "core", Costs())


@pytest.mark.parametrize("model", ["logistic", "ensemble"])
def test_who_earned_no_weight_may_be_read_but_not_followed(silent: StudyOracle, model: str) -> None:
    said = silent.predict("WORLD/A", "1h", model)
    assert said["model"] == model
    assert {one.skill["status"] for one in silent.members() if one.id == model} == {
        "no_earned_weight"
    }
    assert (said["status"], said["signal"]) == ("no_earned_weight", "HOLD")
    assert said["confidence"] is None
    assert (said["verdict"], said["verdict_reason"]) == ("NO EDGE", "no_skill")
    assert said["caveats"][0].startswith("NO EDGE: no_skill: ")


def test_an_ensemble_without_weight_in_its_study_holds_whatever_the_bar_says() -> None:
    heard = dataclasses.replace(
        decide("", random_walk(400)), status="ok", signal=Signal.BUY, confidence=0.6
    )
    assert prediction(heard, "ensemble", earned=True)["signal"] == "BUY"
    said = prediction(heard, "ensemble", earned=False)
    assert (said["signal"], said["confidence"]) == ("HOLD", None)
    assert said["status"] == "no_earned_weight"


@pytest.mark.parametrize("model", ["logistic", "ensemble", "persistence"])
def test_a_study_that_failed_itself_trains_nobody_and_is_named(root: Path, model: str) -> None:
    prove(COMMITTEE, load(SHORT).bars, controls="needed", plants=1, workers=1, root=root)
    found = StudyOracle(markets([SHORT], None, None), COMMITTEE, "core", Costs())
    assert {one.status for one in found.members()} == {"untrained"}
    assert {one.verdict for one in found.members() if one.id == model} == {"NOT PROVEN"}
    with pytest.raises(Untrained, match=r"NOT PROVEN \(too_short\)"):
        found.predict("WORLD/B", None, model)


def test_only_a_venue_goes_by_the_clock_and_its_decision_ages(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def heard(bars: Bars, who: Committee, *, clock: Any, **_: Any) -> Decision:
        given.append(clock)
        return decide("", bars)

    history = load(PLANTED).bars
    monkeypatch.setattr(Market, "bars", lambda self: history)
    monkeypatch.setattr("folkmoot.proof.last_decision", heard)
    for data, source in (("ccxt:binance", None), ("X", "ccxt:binance"), (PLANTED, None)):
        served = StudyOracle([Market("WORLD/B", "1h", data, source)], COMMITTEE, "core", Costs())
        served.predict("WORLD/B", None, "ensemble")
        served.predict("WORLD/B", None, "ensemble")
    assert [type(clock) for clock in given] == [SystemClock, SystemClock, type(None)]


def test_the_ensemble_is_listed_with_the_committee_that_is_served(root: Path) -> None:
    told = [one.parameters for one in oracle().members() if one.id == "ensemble"]
    assert told == [{"models": ["logistic"]}] * 2


@pytest.mark.parametrize(
    ("earned", "weight", "status", "signal", "confidence"),
    [
        (True, 0.4, "ok", "BUY", 0.53),
        (False, 0.4, "no_earned_weight", "HOLD", None),
        (True, 0.0, "no_earned_weight", "HOLD", None),
    ],
)
def test_only_weight_earned_in_the_study_and_at_the_bar_gives_a_member_a_side(
    earned: bool, weight: float, status: str, signal: str, confidence: float | None
) -> None:
    belief = Belief("logistic", "X", 1, 1, 0.53, weight=weight)
    heard = dataclasses.replace(
        decide("", random_walk(400)), status="ok", beliefs=(belief,), confidence=0.53
    )
    said = prediction(heard, "logistic", earned=earned)
    assert (said["status"], said["signal"], said["confidence"]) == (status, signal, confidence)
    assert said["p_up"] == 0.53


def test_a_study_of_other_rows_does_not_count_though_its_market_is_called_the_same(
    root: Path,
) -> None:
    other = markets(["world:planted:1:3000"], None, None)
    found = StudyOracle(other, COMMITTEE, "core", Costs())
    assert {one.status for one in found.members()} == {"untrained"}
    with pytest.raises(Untrained):
        found.predict("WORLD/B", None, "ensemble")


def test_newer_studies_of_something_else_do_not_hide_the_one_that_fits(root: Path) -> None:
    before = {one.id: one for one in oracle().members() if one.market == "WORLD/B"}
    quick = {"controls": "needed", "plants": 1, "workers": 1, "root": root}
    prove(COMMITTEE, load("world:planted:2:2000").bars, **quick)
    prove(COMMITTEE, load(PLANTED).bars, costs=Costs(fee=0.0), **quick)
    prove(Committee(models=("lorentzian",)), load(PLANTED).bars, **quick)
    after = {one.id: one for one in oracle().members() if one.market == "WORLD/B"}
    assert after["logistic"].study == before["logistic"].study
    assert after["ensemble"].study == before["ensemble"].study
    assert after["lorentzian"].study not in (None, before["logistic"].study)


def test_a_status_names_the_study_and_its_verdict(root: Path) -> None:
    for one in oracle().members():
        if one.market == "WORLD/B" and one.id in ("ensemble", "logistic"):
            assert one.verdict in ("NO EDGE", "EDGE FOUND", "NOT PROVEN")
            assert (root / "studies" / f"{one.study}.json").exists()
            assert one.skill["status"] in ("ok", "earned", "no_earned_weight")


def test_a_model_without_a_study_says_nothing(root: Path) -> None:
    with pytest.raises(Untrained, match="untrained"):
        oracle().predict("WORLD/B", None, "lightgbm")
    with pytest.raises(Untrained, match="folkmoot prove"):
        oracle().predict("WORLD/A", None, "ensemble")


def test_a_study_of_another_horizon_does_not_count(root: Path) -> None:
    other = oracle(Committee(models=("logistic",), horizon=4))
    with pytest.raises(Untrained):
        other.predict("WORLD/B", None, "ensemble")


def test_another_timeframe_is_not_served(root: Path) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        oracle().predict("WORLD/B", "4h", "ensemble")
    assert caught.value.allowed == ["1h"]


def test_what_is_stored_is_served_where_nothing_is_named(root: Path) -> None:
    store().append(load("world:fast:0:1200").bars)
    assert markets(None, None, None) == [Market("WORLD/C", "1h", "WORLD/C", "store")]
    assert len(markets(None, None, None)[0].bars()) == 1200
    assert markets(None, None, "4h") == []


def test_each_file_has_one_symbol(root: Path) -> None:
    with pytest.raises(UsageError, match="1 data, 2 symbols"):
        markets([PLANTED], ["A", "B"], None)


@pytest.mark.parametrize(
    "other",
    [
        {"strategy": "follow_sign"},
        {"score_from": "2020-02-01"},
        {"limits": Limits(max_weight=0.1)},
        {"committee": Committee(models=("logistic",), options={"logistic": {"c": 0.5}})},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_study_of_another_strategy_span_limit_or_option_trains_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(tmp_path))
    settings.cache_clear()
    asked = {"committee": COMMITTEE, "bars": load(OTHER).bars, **other}
    prove(**asked, controls="needed", copies=1, plants=1, workers=1, root=tmp_path)
    found = StudyOracle(markets([OTHER], None, None), COMMITTEE, "core", Costs())
    assert len(Studies(tmp_path).all()) == 1
    assert {(one.status, one.study) for one in found.members()} == {("untrained", None)}
    settings.cache_clear()
