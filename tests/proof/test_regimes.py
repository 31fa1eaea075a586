"""The rows of a study by the state of the market, counted by hand."""

import numpy as np
import pytest

from folkmoot.causal import compile
from folkmoot.core.bars import Bars
from folkmoot.indicators import regime
from folkmoot.indicators.regime import REGIMES
from folkmoot.proof.regimes import UNKNOWN, by_regime
from folkmoot.proof.report import render
from folkmoot.proof.scored import CONSENSUS, Scored
from folkmoot.proof.statistics import wilson


def study_of(rows: np.ndarray) -> Scored:
    rng = np.random.default_rng(4)
    up = (rng.random(len(rows)) < 0.5).astype(np.float64)
    p = np.clip(0.5 + 0.1 * (up - 0.5) + 0.1 * rng.standard_normal(len(rows)), 0.01, 0.99)
    return Scored(rows, up - 0.5, up, {CONSENSUS: p}, {}, 1)


def test_rows_are_counted_in_the_state_known_when_they_were_decided(walk: Bars) -> None:
    found = study_of(np.arange(300, 1_990))
    codes = compile({"state": regime()}).batch(walk)["state"]
    told = by_regime(walk, found)
    assert [row["regime"] for row in told] == [*REGIMES, UNKNOWN]
    assert sum(row["n"] for row in told) == len(found)
    for code, row in enumerate(told[:-1]):
        inside = codes[found.rows] == code
        p, up = found.p[CONSENSUS][inside], found.up[inside]
        right = (p > 0.5) == (up == 1.0)
        assert row["n"] == inside.sum()
        assert row["accuracy"] == right.mean()
        assert row["accuracy_interval"] == pytest.approx(wilson(float(right.sum()), row["n"]))
        assert (row["said"], row["rose"]) == (pytest.approx(p.mean()), up.mean())
    assert told[-1]["n"] == np.isnan(codes[300:1_990]).sum() == 262


def test_a_study_of_nothing_has_no_states(walk: Bars) -> None:
    assert by_regime(walk, study_of(np.arange(0))) == []


def test_the_report_shows_every_state(walk: Bars) -> None:
    told = by_regime(walk, study_of(np.arange(300, 1_990)))
    page = render({"regimes": told})
    for row in told:
        assert row["regime"].replace("_", " ") in page
        assert f"{100.0 * row['accuracy']:.1f}" in page
    assert "not run: nothing was scored" in render({})
