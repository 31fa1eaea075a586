"""The report says plainly what failed, what is a mean, and what was too short to tell."""

from typing import Any

import pytest
from tests.proof.test_report import Reader, demo, sample

from folkmoot.proof.report import render, render_demo


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return sample()


@pytest.mark.parametrize(("p", "told"), [(0.31, False), (0.004, True), (None, False)])
def test_a_calibration_that_fails_its_test_is_said_to_fail(
    study: dict, p: float | None, told: bool
) -> None:
    page = Reader(render(study | {"calibration": study["calibration"] | {"p": p}})).text
    assert ("Not calibrated on this history (p 0.004)." in page) == told


def test_mean_and_compound_results_are_labelled_as_such(study: dict) -> None:
    page = Reader(render(study)).text
    assert "compound net return" in page
    assert "mean net bp a bar" in page


def test_a_verdict_for_want_of_bars_is_not_called_wrong() -> None:
    short = demo()
    short["worlds"][0] |= {"correct": False, "reason": "too_short", "verdict": "NOT PROVEN"}
    page = Reader(render_demo(short)).text
    assert "not powered at this length" in page
