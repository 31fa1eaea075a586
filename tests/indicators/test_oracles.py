"""Every function against every number that somebody else computed; docs/oracles.md lists them."""

from pathlib import Path

import numpy as np
import pytest
import talib
from tests.conftest import random_walk
from tests.indicators.oracle_talib import classic
from tests.indicators.oracles import (
    ORACLES,
    Case,
    Finding,
    every_finding,
    findings,
    without_oracle,
)

from folkmoot.causal import close

PAGE = Path(__file__).parents[2] / "docs" / "oracles.md"


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    if not ORACLES.is_dir():
        pytest.skip("needs the shared data folder beside the checkout")
    return every_finding()


def test_nothing_is_further_from_its_reference_than_its_tolerance(found: list[Finding]) -> None:
    assert [finding for finding in found if not finding.agrees] == []
    assert len(found) > 500


def test_what_is_compared_streams_as_it_batches(found: list[Finding]) -> None:
    assert [finding.function for finding in found if not finding.streams] == []


def test_a_tolerance_wider_than_a_millionth_has_its_reason(found: list[Finding]) -> None:
    assert [finding for finding in found if finding.tolerance > 1e-6 and not finding.note] == []


def test_all_158_functions_of_the_classic_list_are_compared(found: list[Finding]) -> None:
    compared = {finding.function for finding in found}
    assert len(classic()) == len(set(classic())) == 158
    assert set(classic()) <= set(talib.get_functions())
    assert {f"ta({name!r})" for name in classic()} <= compared


def test_the_page_names_every_comparison_and_every_indicator_without_one(
    found: list[Finding],
) -> None:
    lines = PAGE.read_text().splitlines()
    named = {tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines}
    assert {(f"`{f.function}`", f.reference) for f in found} <= named
    assert {(f"`{name}`", "no outside oracle") for name in without_oracle(found)} <= named


def test_a_value_that_only_one_side_knows_is_a_difference() -> None:
    market = random_walk(50)
    theirs = market.close.copy()
    theirs[[0, 1, 20, 49]] = np.nan
    whole = Case("close", "itself", close, market, theirs)
    part = Case("close", "itself", close, market, theirs, sampled=True)
    holed, sampled = findings([whole, part])
    assert not holed.agrees
    assert holed.note == "its warm-up is longer by 2"
    assert sampled.agrees
    assert sampled.note == ""
