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
from folkmoot.proof.statistics import share_interval, wilson


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


def test_the_share_that_rose_is_less_sure_where_labels_overlap(walk: Bars) -> None:
    rng, rows = np.random.default_rng(3), np.arange(300, 1_990)
    up = (np.convolve(rng.standard_normal(len(rows) + 9), np.ones(10), "valid") > 0.0).astype(float)
    p = {CONSENSUS: np.clip(0.5 + 0.1 * rng.standard_normal(len(rows)), 0.01, 0.99)}
    near, far = (by_regime(walk, Scored(rows, up - 0.5, up, p, {}, h)) for h in (1, 10))
    codes = compile({"state": regime()}).batch(walk)["state"][rows]
    for code, (one, other) in enumerate(zip(near[:-1], far[:-1], strict=True)):
        assert one["rose"] == other["rose"]
        assert one["rose_interval"] == pytest.approx(wilson(one["rose"] * one["n"], one["n"]))
        assert other["rose_interval"] == list(share_interval(up[codes == code], 10))
        width, wider = (row["rose_interval"][1] - row["rose_interval"][0] for row in (one, other))
        assert wider > 1.3 * width
