"""The skill tests on coin flips: what they find must be as rare as they say, at every horizon."""

import numpy as np
import pytest

from folkmoot.models import REFERENCES
from folkmoot.proof.scored import CONSENSUS, Scored
from folkmoot.proof.skill import skill
from folkmoot.proof.verdict import CONTROL_Z, SKILL_P

N, SEEDS = 3_000, 300
MEMBERS = ("patient", "hasty")


def coin_flips(seed: int, horizon: int) -> Scored:
    """Forecasts that know nothing of the flips; one of them keeps its side for about 50 bars."""
    rng = np.random.default_rng(seed)
    path = np.concatenate(([0.0], rng.choice([-1.0, 1.0], N + horizon).cumsum()))
    returns = path[horizon:-1] - path[: -horizon - 1]
    rows = np.flatnonzero(returns)
    slow = np.where(np.cumsum(rng.random(N) < 0.02) % 2, 0.47, 0.53)
    p = {
        "patient": slow,
        "hasty": 0.5 + 0.03 * rng.standard_normal(N),
        CONSENSUS: 0.5 + 0.5 * (slow - 0.5) + 0.01 * rng.standard_normal(N),
    }
    p |= {name: 0.5 + 0.005 * rng.standard_normal(N) for name in REFERENCES}
    said = {name: values[rows] for name, values in p.items()}
    up = (returns[rows] > 0.0).astype(float)
    return Scored(rows, returns[rows], up, said, {}, horizon)


@pytest.mark.parametrize("horizon", [1, 5, 24])
def test_overlapping_coin_flips_show_no_skill(horizon: int) -> None:
    found = [skill(coin_flips(seed, horizon), MEMBERS) for seed in range(SEEDS)]
    z = np.array([one.z for one in found])
    assert np.mean(np.abs(z) <= CONTROL_Z) >= 0.99
    assert z.std() == pytest.approx(1.0, abs=0.15)
    assert np.mean([one.p <= SKILL_P for one in found]) <= 0.01


def test_the_z_of_old_took_overlap_for_skill() -> None:
    plain = [coin_flips(seed, 24) for seed in range(SEEDS)]
    wrong = [skill(Scored(s.rows, s.returns, s.up, s.p, s.raw, 1), ()).z for s in plain]
    assert np.mean(np.abs(wrong) > CONTROL_Z) > 0.2


def test_a_real_edge_is_still_found_through_overlap() -> None:
    rng = np.random.default_rng(8)
    known = coin_flips(1, 24)
    lean = np.where(rng.random(len(known)) < 0.65, known.up, 1.0 - known.up)
    p = dict(known.p) | {CONSENSUS: 0.5 + 0.1 * (lean - 0.5)}
    seen = skill(Scored(known.rows, known.returns, known.up, p, {}, 24), MEMBERS)
    assert seen.z > CONTROL_Z
    assert seen.p <= SKILL_P
