"""The verdict says what docs/verdict.md says, on every branch."""

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from folkmoot.core.errors import UsageError
from folkmoot.proof.verdict import Control, Facts, Planted, judge, needs

CLEAN = (Control(0.4, 0.3), Control(0.9, -1.2))
EDGE = Facts(
    scored=20_000, skill_p=0.0001, member_p={"a": 0.001, "b": 0.5}, sharpe_lower=0.8,
    sharpe_upper=2.5, changes=400, deflated=0.99, accuracy=0.55, gross_sharpe=3.0, controls=CLEAN,
    planted=Planted(5, 5),
)  # fmt: skip
NOTHING = replace(
    EDGE, skill_p=0.3, member_p={"a": 0.03, "b": 0.5}, sharpe_lower=-1.0, sharpe_upper=0.5,
    deflated=0.2, accuracy=0.501, gross_sharpe=0.1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "word", "reason"),
    [
        (EDGE, "EDGE FOUND", "edge"),
        (replace(EDGE, planted=None), "EDGE FOUND", "edge"),
        (replace(EDGE, skill_p=0.005), "EDGE FOUND", "edge"),
        (replace(EDGE, skill_p=math.nan), "NOT PROVEN", "member_only"),
        (replace(EDGE, sharpe_lower=0.0), "NOT PROVEN", "skill_without_profit"),
        (replace(EDGE, changes=29), "NOT PROVEN", "skill_without_profit"),
        (replace(EDGE, deflated=0.949), "NOT PROVEN", "skill_without_profit"),
        (replace(EDGE, deflated=math.nan), "NOT PROVEN", "skill_without_profit"),
        (replace(EDGE, controls=(*CLEAN, Control(0.004, 0.1))), "NOT PROVEN", "control_failed"),
        (replace(EDGE, controls=(*CLEAN, Control(0.5, -3.3))), "NOT PROVEN", "control_failed"),
        (replace(EDGE, accuracy=0.581), "NOT PROVEN", "suspect"),
        (replace(EDGE, gross_sharpe=10.7), "NOT PROVEN", "suspect"),
        (replace(EDGE, gross_sharpe=10.7, audited=True), "EDGE FOUND", "edge"),
        (replace(EDGE, gross_sharpe=20.0, bars_a_year=105_192), "EDGE FOUND", "edge"),
        (replace(EDGE, scored=999), "NOT PROVEN", "too_short"),
        (replace(EDGE, planted=Planted(0, 0)), "NOT PROVEN", "too_short"),
        (replace(EDGE, sharpe_lower=-3.0, sharpe_upper=-0.1), "NO EDGE", "loses_money"),
        (NOTHING, "NO EDGE", "no_skill"),
        (replace(NOTHING, planted=Planted(4, 5)), "NO EDGE", "no_skill"),
        (replace(NOTHING, planted=Planted(3, 5)), "NOT PROVEN", "too_short"),
        (replace(NOTHING, member_p={"a": 0.02, "b": 0.5}), "NOT PROVEN", "member_only"),
        (replace(NOTHING, member_p={}), "NO EDGE", "no_skill"),
        (replace(NOTHING, sharpe_lower=0.2), "NO EDGE", "no_skill"),
        (
            replace(NOTHING, sharpe_lower=0.2, planted=Planted(1, 5)),
            "NOT PROVEN",
            "profit_without_skill",
        ),
        (replace(NOTHING, sharpe_upper=-0.1, planted=None), "NO EDGE", "loses_money"),
        (replace(NOTHING, controls=(Control(0.001, 4.0),)), "NO EDGE", "no_skill"),
    ],
)
def test_the_facts_decide_the_word_and_the_reason(facts: Facts, word: str, reason: str) -> None:
    verdict = judge(facts)
    assert (verdict.word, verdict.reason) == (word, reason)
    assert verdict.reasons[0].startswith(f"{reason}: ")
    assert len(set(verdict.reasons)) == len(verdict.reasons)


def test_no_edge_is_worded_as_what_was_looked_for() -> None:
    sentence = judge(replace(NOTHING, planted=Planted(4, 5))).reasons[0]
    assert "these members, on these features, show none" in sentence
    assert "a planted 55 % edge was found in 4 of 5 copies of your bars" in sentence


def test_only_what_decides_is_needed() -> None:
    assert needs(replace(EDGE, controls=None)) == {"controls"}
    assert needs(replace(EDGE, controls=())) == {"controls"}
    assert needs(replace(NOTHING, planted=None)) == {"power"}
    unknown = {"controls": None, "planted": None}
    for decided in (
        replace(EDGE, deflated=0.5, **unknown),
        replace(EDGE, scored=10, **unknown),
        replace(EDGE, accuracy=0.7, **unknown),
        replace(NOTHING, sharpe_upper=-0.1, **unknown),
        replace(NOTHING, member_p={"a": 0.001}, **unknown),
    ):
        assert needs(decided) == set()
        judge(decided)


def test_the_verdict_waits_for_what_it_rests_on() -> None:
    for facts, name in ((replace(EDGE, controls=None), "controls"), (NOTHING, "power")):
        with pytest.raises(UsageError, match=name):
            judge(replace(facts, planted=None))


def test_what_need_not_be_run_could_not_have_changed_the_word() -> None:
    for p, member, lower, dsr in product((0.001, 0.3), (0.001, 0.9), (-1.0, 0.5), (0.2, 0.99)):
        facts = replace(EDGE, skill_p=p, member_p={"a": member}, sharpe_lower=lower, deflated=dsr)
        if "power" not in needs(replace(facts, planted=None)):
            words = {judge(replace(facts, planted=Planted(k, 5))).word for k in range(6)}
            assert len(words) == 1
        if "controls" not in needs(replace(facts, controls=None)):
            bad = (Control(0.0001, 9.0),)
            assert judge(replace(facts, controls=bad)).word == judge(facts).word


def test_the_page_names_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text(encoding="utf-8")
    source = Path(__file__).parents[2] / "src" / "folkmoot" / "proof" / "verdict.py"
    codes = set(re.findall(r'"(\w+)": _\w+,', source.read_text(encoding="utf-8")))
    assert len(codes) == 9
    assert codes <= set(re.findall(r"`(\w+)`", page))
