"""Document 000's rule: one definition, scored as written, silent where an input is missing."""

import math

import numpy as np
import pytest

from folkmoot.agents.evidence import RULE_NAMES, rule_evidence
from folkmoot.agents.rules import rule
from folkmoot.core.bars import Bars
from folkmoot.core.decision import Signal
from folkmoot.features.rule import Readings, program, score, side

NAN = math.nan


@pytest.mark.parametrize(
    ("readings", "total", "called"),
    [
        (Readings(50.0, 0.0, 0.0, 1.5), 0.0, Signal.HOLD),
        (Readings(29.0, 0.0, 0.0, 1.5), 1.0, Signal.BUY),
        (Readings(71.0, 0.0, -3.0, 1.5), -1.5, Signal.SELL),
        (Readings(50.0, 1.0, 0.0, 1.5), 1.0, Signal.BUY),
        (Readings(50.0, -1.0, -1.0, 0.5), -0.75, Signal.HOLD),
        (Readings(30.0, 0.0, 1.0, 1.5), 0.5, Signal.HOLD),
        (Readings(29.0, 1.0, 1.0, 1.0), 1.25, Signal.BUY),
    ],
)
def test_the_rule_of_document_000_scores_as_written(
    readings: Readings, total: float, called: Signal
) -> None:
    assert score(readings) == total
    assert side(total) is called


@pytest.mark.parametrize("name", Readings._fields)
def test_a_missing_input_leaves_the_score_unknown(name: str) -> None:
    known = Readings(29.0, 1.0, 1.0, 2.0)
    assert math.isnan(score(known._replace(**{name: NAN})))
    assert known._replace(**{name: NAN}).missing == (name,)
    assert side(NAN) is Signal.HOLD


def test_the_readings_are_what_a_rule_judge_cites(walk: Bars) -> None:
    assert program().names == Readings._fields
    assert set(Readings._fields) == RULE_NAMES
    totals = [score(Readings(*row)) for row in program().matrix(walk).tolist()]
    for stop in (60, 500, 1_234, len(walk)):
        cited = {fact.id: fact for fact in rule_evidence(walk.until(stop))}
        ruling = rule(cited)
        np.testing.assert_equal(ruling.score, totals[stop - 1])
        assert ruling.signal is side(totals[stop - 1])
