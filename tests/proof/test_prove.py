"""A whole study on a small world: its parts agree and its copies are found."""

from pathlib import Path

import numpy as np
import pytest

from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.execution import Costs
from folkmoot.market.worlds import plant, world
from folkmoot.proof import Study, last_decision, prove
from folkmoot.proof.studies import Studies

# Both lengths have the same anchored blocks.
N, LATER = 6_390, 140
COMMITTEE = Committee()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def whole() -> Bars:
    # A stronger edge than the product plants, so that members earn weight within 6,000 bars.
    return plant(world("martingale", n=N, seed=3).bars, seed=3, p=0.65).bars


@pytest.fixture(scope="module")
def study(home: Path, whole: Bars) -> Study:
    return prove(COMMITTEE, whole.until(N - LATER), root=home, workers=1, copies=1, plants=1)


def test_a_study_holds_every_promised_field(study: Study) -> None:
    promised = (
        "verdict reasons symbol timeframe bars span horizon members baselines controls backtest "
        "power trials report journal_hash cached seconds"
    )
    facts = study.as_dict()
    assert set(promised.split()) <= set(facts)
    for row in (*facts["members"], *facts["baselines"]):
        kept = "name status weight n accuracy accuracy_interval log_loss brier"
        assert set(kept.split()) <= set(row)
    kept = "net_return sharpe sharpe_interval max_drawdown turnover costs buy_and_hold"
    assert set(kept.split()) <= set(facts["backtest"])
    kept = "n bound_accuracy planted_accuracy planted_found planted_tried"
    assert set(kept.split()) <= set(facts["power"])


def test_the_same_study_again_is_read_and_has_the_same_hash(study: Study) -> None:
    again = prove(COMMITTEE, study.bars, root=study.root, workers=1, copies=1, plants=1)
    assert again.facts["cached"]
    assert again.journal_hash == study.journal_hash
    assert again.verdict == study.verdict


def test_a_hundred_appended_bars_recompute_one_block_and_no_control(
    study: Study, whole: Bars
) -> None:
    kept = study.root / "tasks"
    before = set(kept.rglob("*.json"))
    grown = prove(
        COMMITTEE, whole.until(N - LATER + 100), root=study.root, workers=1, copies=1, plants=1
    )
    fitted = len(grown.facts["members"]) + len(grown.facts["baselines"])
    assert grown.facts["tasks"]["run"] == fitted
    assert len(set(kept.rglob("*.json")) - before) == fitted
    assert grown.facts["controls"] == study.facts["controls"]


def test_a_report_is_written(study: Study, tmp_path: Path) -> None:
    page = study.report(tmp_path / "deep" / "report.html").read_text("utf-8")
    assert study.verdict in page


def test_distinct_configurations_are_trials_and_repetitions_are_not(
    study: Study, home: Path
) -> None:
    from folkmoot.proof.keys import lineage

    before = Studies(home).trials(lineage(study.bars))
    prove(COMMITTEE, study.bars, root=home, workers=1, copies=1, plants=1)
    assert Studies(home).trials(lineage(study.bars)) == before
    other = Costs(fee=0.0)
    prove(COMMITTEE, study.bars, root=home, workers=1, controls="needed", costs=other, plants=1)
    assert Studies(home).trials(lineage(study.bars)) == before + len(COMMITTEE.models) + 1


def test_a_later_start_of_scoring_leaves_rows_out(study: Study, home: Path) -> None:
    middle = int(study.bars.close_time[5_000])
    late = prove(
        COMMITTEE, study.bars, root=home, workers=1, controls="needed", score_from=middle, plants=1
    )
    assert 0 < late.facts["scored"] < study.facts["scored"]


def test_the_last_decision_is_that_of_the_study(study: Study) -> None:
    decision = last_decision(study.bars, COMMITTEE, root=study.root)
    assert decision.known_at == int(study.bars.close_time[-1])
    assert [belief.source for belief in decision.beliefs] == list(COMMITTEE.models)
    assert decision.evidence
    assert all(fact.known_at <= decision.known_at for fact in decision.evidence)


def test_few_bars_leave_the_committee_silent(whole: Bars, tmp_path: Path) -> None:
    decision = last_decision(whole.until(400), COMMITTEE, root=tmp_path)
    assert decision.status == "warming"
    assert np.isnan(decision.confidence)


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(DataError, match="too few to train and score"):
        prove(COMMITTEE, world("martingale", n=500).bars)


def test_analysts_cannot_be_proved_yet(whole: Bars) -> None:
    with pytest.raises(UsageError, match="analysts"):
        prove(Committee(analysts=("reasoning",)), whole)
