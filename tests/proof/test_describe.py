"""What a study says about its data is what its reading saw."""

import pytest

from folkmoot.core.errors import UsageError
from folkmoot.core.frames import Reading
from folkmoot.market import world
from folkmoot.proof.describe import with_reading
from folkmoot.proof.reliability import uncalibrated

BARS = world("martingale", n=50, seed=0).bars


def test_without_a_reading_nothing_is_said_of_duplicates() -> None:
    assert with_reading({"notes": ["a"]}, BARS, None) == {"notes": ["a"], "reading": None}


def test_the_first_refused_rows_are_named_and_the_rest_counted() -> None:
    refused = [(row, "high below low") for row in range(8)]
    found = with_reading({"notes": ["a"]}, BARS, Reading(BARS, refused, 3, ["assumed"], 2))
    assert found["reading"]["refused"] == 8
    assert found["reading"]["refused_rows"][0] == "row 0 (line 2): high below low"
    first, rows, duplicates, last = found["notes"]
    assert (first, duplicates, last) == ("assumed", "duplicates dropped: 3", "a")
    assert rows.startswith(
        "8 bad rows left out (counted from 0): row 0 (line 2): high below low; row 1"
    )
    assert rows.endswith("; and 3 more")


def test_the_reading_of_other_bars_is_refused() -> None:
    with pytest.raises(UsageError, match="other bars"):
        with_reading({"notes": []}, BARS, Reading(BARS.until(40), [], 0, []))


@pytest.mark.parametrize(("p", "said"), [(None, False), (float("nan"), False), (0.05, False)])
def test_a_calibration_is_refused_only_below_five_per_cent(p: float | None, said: bool) -> None:
    assert (uncalibrated(p) is not None) == said
    assert uncalibrated(0.049) == "not calibrated on this history (p 0.049)"
