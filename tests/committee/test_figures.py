"""How many models a consensus amounts to, and how far they are of one mind."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.committee.ballots import REFERENCES, ballots

from folkmoot.committee import Minutes, Prequential
from folkmoot.committee.figures import agreement, effective_number, entropies, entropy

VOTERS = np.array([1, 2])


def pair(second: float) -> Minutes:
    """Two members that earn a weight: the second is `second` parts the first and noise."""
    b = ballots(9_000, edge=0.62, others=1, life=0.005)
    rng = np.random.default_rng(4)
    p_up = b.p_up.copy()
    logit = np.log(p_up[:, 3] / (1.0 - p_up[:, 3]))
    own = second * logit + (1.0 - second) * (logit + 0.8 * rng.standard_normal(len(b)))
    p_up[:, 4] = 1.0 / (1.0 + np.exp(-own))
    b = replace(b, p_up=p_up)
    return Prequential(b.members, references=REFERENCES, members=b.members[3:]).run(b)


def test_twins_count_as_one_and_others_as_more() -> None:
    for share, low, high in ((1.0, 1.0 - 1e-9, 1.0 + 1e-9), (0.0, 1.05, 2.0)):
        said = pair(share)
        both = (said.weights[:, 3] > 0.0) & (said.weights[:, 4] > 0.0)
        assert both.sum() > 1_000
        assert (said.effective[both] >= low).all()
        assert (said.effective[both] <= high).all()


def test_the_effective_number_is_its_formula() -> None:
    weights = np.array([0.0, 0.3, 0.7])
    for rho in (0.0, 0.5, 1.0):
        r = np.array([[1.0, rho], [rho, 1.0]])
        expected = 1.0 / (weights[1:] @ r @ weights[1:])
        assert effective_number(weights, VOTERS, r) == pytest.approx(expected)
    unknown = np.array([[1.0, math.nan], [math.nan, 1.0]])
    assert math.isnan(effective_number(weights, VOTERS, unknown))
    assert effective_number(np.array([0.0, 1.0, 0.0]), VOTERS, unknown) == 1.0
    assert math.isnan(effective_number(np.zeros(3), VOTERS, unknown))


def test_agreement_is_the_weight_on_the_consensus_side() -> None:
    weights, p_up = np.array([0.0, 0.3, 0.7]), np.array([0.9, 0.6, 0.4])
    assert agreement(weights, p_up, 0.45) == pytest.approx(0.7)
    assert agreement(weights, p_up, 0.55) == pytest.approx(0.3)
    assert math.isnan(agreement(weights, p_up, 0.5))
    assert math.isnan(agreement(np.zeros(3), p_up, 0.6))


def test_the_entropies_are_bits_and_add_up() -> None:
    weights, p_up = np.array([0.0, 0.5, 0.5]), np.array([0.9, 0.0, 1.0])
    assert entropies(weights, p_up) == (0.0, 1.0)
    assert entropies(weights, np.full(3, 0.5)) == (1.0, 0.0)
    aleatoric, epistemic = entropies(weights, np.array([0.9, 0.6, 0.3]))
    assert aleatoric + epistemic == pytest.approx(entropy(0.45))
    assert epistemic > 0.0
    assert all(math.isnan(part) for part in entropies(np.zeros(3), p_up))


def test_without_an_earned_weight_there_is_no_figure() -> None:
    said = pair(0.0)
    silent = said.weights.sum(axis=1) == 0.0
    for name in ("agreement", "effective", "aleatoric", "epistemic"):
        figure = getattr(said, name)
        assert np.isnan(figure[silent]).all()
        assert np.isfinite(figure[~silent]).all()
    spoke = ~silent
    assert ((said.agreement[spoke] >= 0.0) & (said.agreement[spoke] <= 1.0)).all()
    assert ((said.aleatoric + said.epistemic)[spoke] <= 1.0 + 1e-12).all()
