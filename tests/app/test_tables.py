"""What a person reads says each thing once, and what it is."""

from typing import Any

import pytest
from tests.app.test_analyze import analysed

from folkmoot.app.cli.tables import show_decisions, show_demo, show_lines


def decided(**given: Any) -> dict[str, Any]:
    (facts,) = analysed(None)
    said = {"caveats": [], "closed": {"at": "2024-01-01T00:00:00Z", "age": "2 years ago"}}
    return facts | said | given


def test_why_nobody_may_act_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    why = "no member has beaten the baselines out of sample"
    show_decisions([decided(reason=f"{why}; no_earned_weight: nobody may act [rules] HOLD: x")])
    told = capfd.readouterr().out
    assert why in told
    assert "nobody may act" not in told


def test_a_second_voice_is_not_taken_for_the_decision(capfd: pytest.CaptureFixture[str]) -> None:
    show_decisions([decided(signal="SELL")])
    told = " ".join(capfd.readouterr().out.split())
    assert "SELL" in told
    assert "(second voice, not the decision) [rules]" in told


def test_age_and_caveats_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    show_decisions([decided(caveats=["not calibrated on this history (p 0.001)"])])
    told = capfd.readouterr().out
    assert "the last bar closed 2024-01-01T00:00:00Z, 2 years ago" in told
    assert "caveat: not calibrated on this history (p 0.001)" in told


@pytest.mark.parametrize(
    ("correct", "reason", "said"),
    [
        (True, "no_skill", "as it should be"),
        (False, "too_short", "not powered at this length"),
        (False, "edge", "WRONG"),
    ],
)
def test_only_a_powered_verdict_can_be_wrong(
    correct: bool, reason: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world = {"name": "A", "verdict": "NOT PROVEN", "truth": "x"}
    show_demo(
        {
            "self_check": {"columns": 1, "bars": 1, "mismatches": 0, "future_leaks": 0},
            "popular_mistake": {"same_bar_accuracy": 0.7, "point_in_time_accuracy": 0.5},
            "worlds": [world | {"correct": correct, "reason": reason}],
            "seconds": 1.0,
            "report": "r",
            "journal_hash": "h",
        }
    )
    assert f"world A: NOT PROVEN, {said}" in capfd.readouterr().out


def test_lines_show_what_is_printable(capfd: pytest.CaptureFixture[str]) -> None:
    show_lines(["a\x1b[2Jb"])
    assert "\x1b" not in capfd.readouterr().out
