"""The service's answers are the desk's, and only where a study stands behind them."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.app.load import load, store
from folkmoot.app.members import members
from folkmoot.app.oracle import Market, StudyOracle, markets
from folkmoot.committee import Committee
from folkmoot.core.errors import UnknownSymbol, Untrained, UsageError
from folkmoot.core.settings import settings
from folkmoot.execution import Costs
from folkmoot.proof import last_decision, prove

PLANTED = "world:planted:0:3000"
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


def test_a_member_answers_with_its_own_calibrated_belief(root: Path) -> None:
    said = oracle().predict("WORLD/B", "1h", "logistic")
    assert said["model"] == "logistic"
    assert said["p_up"] is not None
    assert said["confidence"] == max(said["p_up"], 1.0 - said["p_up"]) or said["signal"] == "HOLD"
    assert math.isfinite(said["weight"])


@pytest.mark.parametrize("model", ["lightgbm", "lorentzian"])
def test_a_model_without_a_study_says_nothing(root: Path, model: str) -> None:
    with pytest.raises(Untrained, match="untrained"):
        oracle().predict("WORLD/B", None, model)
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
