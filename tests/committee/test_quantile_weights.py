"""Quantiles are weighed by what quantiles have shown, whoever knows the direction."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.committee.ballots import REFERENCES, ballots

from folkmoot.committee import Minutes, Prequential
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS
from folkmoot.training.ballots import Ballots

SHARP = 3


def sharp(horizon: int = 1, n: int = 9_000) -> Ballots:
    """Nobody knows the direction; the first member knows how far the market may move."""
    b = ballots(n, edge=0.5, horizon=horizon, others=1, seed=8)
    swing = np.exp(0.8 * np.sin(np.arange(n) / 60.0))
    quantiles = np.repeat(b.quantiles[:, :1], len(b.members), axis=1)
    quantiles[:, SHARP] *= swing[:, None]
    quantiles[:, SHARP + 1] *= 1.3
    return replace(b, y=b.y * swing, quantiles=quantiles)


def heard(b: Ballots, **options: object) -> tuple[Prequential, Minutes]:
    found = Prequential(b.members, references=REFERENCES, members=b.members[3:], **options)
    return found, found.run(b)


def pinball(y: Floats, quantiles: Floats) -> Floats:
    error, levels = y[:, None] - quantiles, np.array(LEVELS)
    return np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)


@pytest.fixture(scope="module")
def known() -> tuple[Ballots, Prequential, Minutes]:
    b = sharp()
    return b, *heard(b)


def test_who_knows_the_size_speaks_for_it_without_a_weight_in_direction(
    known: tuple[Ballots, Prequential, Minutes],
) -> None:
    b, stand, said = known
    scored = (b.block >= 1) & np.isfinite(b.y)
    assert said.weights[scored].sum() == 0.0
    assert (said.quantile_weights[scored, SHARP] == 1.0).all()
    gain = pinball(b.y, b.quantiles[:, 0])[scored] - pinball(b.y, said.quantiles)[scored]
    assert gain.mean() / (gain.std() / math.sqrt(len(gain))) > 5.0
    standing = stand.standing()
    assert standing["wise"].quantile_weight == 1.0
    assert standing["noise0"].quantile_weight == 0.0
    assert standing["noise0"].quantile_gain < 0.0 == standing["base_rate"].quantile_weight


@pytest.mark.parametrize("horizon", [1, 5])
def test_gain_and_z_are_those_of_the_rows_matured_at_the_last_refit(horizon: int) -> None:
    b = sharp(horizon, 6_000)
    stand, _ = heard(b, horizon=horizon)
    last = (len(b) - 1) // 250 * 250
    used = np.isfinite(b.y) & (b.block >= 0) & (b.label_known_at <= b.known_at[last])
    usual = b.quantiles[used, 0]
    x = pinball(b.y[used], usual) - pinball(b.y[used], b.quantiles[used, SHARP])
    x /= usual[:, -1] - usual[:, 0]
    n, d = len(x), x - x.mean()
    lags = max(horizon - 1, math.floor(4.0 * (n / 100.0) ** (2.0 / 9.0)))
    variance = d @ d / n
    for k in range(1, lags + 1):
        variance += 2.0 * (1.0 - k / (lags + 1)) * (d[k:] @ d[:-k]) / n
    found = stand.standing()["wise"]
    assert (b.y[used] == 0.0).any()
    assert found.quantile_gain == pytest.approx(x.mean(), rel=1e-9)
    assert found.quantile_z == pytest.approx(x.mean() / math.sqrt(variance / n), rel=1e-9)


def test_a_calm_half_counts_like_a_wild_one(known: tuple[Ballots, Prequential, Minutes]) -> None:
    b, stand, _ = known
    size = np.where(np.arange(len(b)) < 6_000, 1.0, 30.0)
    scaled = replace(b, y=b.y * size, quantiles=b.quantiles * size[:, None, None])
    other = heard(scaled)[0].standing()["wise"]
    assert other.quantile_gain == pytest.approx(stand.standing()["wise"].quantile_gain, rel=1e-9)


def test_quantiles_that_are_climatologys_earn_nothing_and_it_speaks() -> None:
    b = sharp()
    same = replace(b, quantiles=np.repeat(b.quantiles[:, :1], len(b.members), axis=1))
    stand, said = heard(same)
    assert (said.quantile_weights == 0.0).all()
    middle = said.quantiles[b.block >= 0, 3]
    np.testing.assert_array_equal(middle, b.quantiles[b.block >= 0, 0, 3])
    assert stand.standing()["wise"].quantile_gain == 0.0


def test_unknown_quantiles_are_no_rows_and_are_left_out() -> None:
    b = sharp()
    quantiles = b.quantiles.copy()
    quantiles[7_000:7_100, SHARP, 6] = np.nan
    gaps = replace(b, quantiles=quantiles)
    before, after = heard(b)[0].standing()["wise"], heard(gaps)[0].standing()["wise"]
    lost = np.isfinite(b.y[7_000:7_100]).sum()
    assert after.quantile_n == before.quantile_n - lost
    said = heard(gaps)[1]
    assert (said.quantile_weights[7_000:7_100] == 0.0).all()
    assert np.isfinite(said.quantiles[7_000:7_100]).all()
    assert said.quantile_weights[7_100, SHARP] == 1.0


def test_an_outcome_that_comes_after_the_ring_is_passed_over() -> None:
    b = sharp(n=6_000)
    late = b.label_known_at.copy()
    late[4_000] = b.known_at[4_000 + 300]
    before, after = heard(b)[0].standing(), heard(replace(b, label_known_at=late))[0].standing()
    assert after["wise"].quantile_n == before["wise"].quantile_n - 1
    assert after["wise"].n == before["wise"].n


def test_a_stale_committee_says_climatologys_quantiles() -> None:
    b = sharp()
    said = heard(replace(b, block=np.minimum(b.block, 2)))[1]
    stale = said.status == 4
    assert stale.any()
    assert (said.quantile_weights[stale] == 0.0).all()
    np.testing.assert_array_equal(said.quantiles[stale, 3], b.quantiles[stale, 0, 3])
