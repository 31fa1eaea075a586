"""The committee's stream: history is live, the future is unknown, and weights are earned."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests.committee.ballots import NEVER, REFERENCES, ballots, until

from folkmoot.committee import STATUSES, Minutes, Prequential, Row, deliberate
from folkmoot.core.errors import DataError, UsageError
from folkmoot.training.ballots import Ballots

FIELDS = tuple(field.name for field in fields(Minutes) if field.name != "names")


def stream(b: Ballots, **options: object) -> Prequential:
    return Prequential(b.members, references=REFERENCES, members=b.members[3:], **options)


def minutes(b: Ballots, **options: object) -> Minutes:
    return stream(b, **options).run(b)


def rows_after(b: Ballots, start: int) -> list[Row]:
    """The rows from `start` on, each with the labels that become known with it."""
    found = []
    for t in range(start, len(b.known_at)):
        new = (b.label_known_at > b.known_at[t - 1]) & (b.label_known_at <= b.known_at[t])
        labels = tuple(
            (int(i), float(b.y[i]), int(b.label_known_at[i])) for i in np.flatnonzero(new)
        )
        row = Row(int(b.known_at[t]), int(b.block[t]), b.p_up[t], b.quantiles[t], labels)
        found.append(row)
    return found


@pytest.fixture(scope="module")
def wise() -> Ballots:
    return ballots(edge=0.57)


@pytest.fixture(scope="module")
def heard(wise: Ballots) -> Minutes:
    return minutes(wise)


@pytest.mark.parametrize("horizon", [1, 5])
def test_bar_by_bar_continues_history_bit_for_bit(horizon: int) -> None:
    b = ballots(edge=0.57, horizon=horizon)
    whole = minutes(b, horizon=horizon)
    n = len(b.known_at)
    live = stream(b, horizon=horizon)
    live.run(until(b, n - 300))
    for t, row in enumerate(rows_after(b, n - 300), start=n - 300):
        assert repr(live.feed(row)) == repr(whole.at(t))


def test_a_prefix_says_what_the_whole_says_of_it(wise: Ballots, heard: Minutes) -> None:
    for n in (5_100, 7_999, 11_250):
        part = minutes(until(wise, n))
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(part, name), getattr(heard, name)[:n], name)


def test_labels_not_known_at_a_row_do_not_change_it(wise: Ballots, heard: Minutes) -> None:
    n = 9_000
    late = wise.label_known_at > wise.known_at[n]
    y = np.where(late, -7.0 * wise.y, wise.y)
    changed = replace(wise, y=y)
    other = minutes(changed)
    for name in FIELDS:
        np.testing.assert_array_equal(
            getattr(other, name)[: n + 1], getattr(heard, name)[: n + 1], name
        )
    assert not np.array_equal(other.p_up, heard.p_up, equal_nan=True)


def test_noise_earns_nothing_and_the_committee_says_climatology() -> None:
    b = ballots(edge=0.5, others=3, seed=8)
    said = minutes(b)
    silent = said.status != STATUSES.index("ok")
    scored = b.block >= 1
    assert (silent & scored).sum() > 0.5 * scored.sum()
    quiet = silent & scored
    np.testing.assert_array_equal(said.p_up[quiet], said.calibrated[quiet, 0])
    assert np.isnan(said.confidence[quiet]).all()
    assert (said.weights[quiet] == 0.0).all()
    assert (said.n_evidence[quiet] == 0).all()


def test_skill_earns_weight_and_its_confidence_is_right_as_often_as_it_says() -> None:
    b = ballots(36_000, edge=0.57, squeeze=3.0)
    said = minutes(b)
    ok = (said.status == STATUSES.index("ok")) & (b.block >= 1) & (b.y != 0.0) & ~np.isnan(b.y)
    assert ok.sum() > 15_000
    right = (said.p_up[ok] > 0.5) == (b.y[ok] > 0.0)
    assert abs(right.mean() - said.confidence[ok].mean()) < 0.012
    assert (said.interval[ok, 0] <= said.confidence[ok]).all()
    assert (said.confidence[ok] <= said.interval[ok, 1]).all()
    np.testing.assert_allclose(said.weights[ok].sum(axis=1), 1.0, rtol=1e-12)
    assert (said.weights[:, :3] == 0.0).all()


def test_before_there_is_evidence_the_committee_is_warming(wise: Ballots, heard: Minutes) -> None:
    training = wise.block < 0
    warming = STATUSES.index("warming")
    assert (heard.status[training] == warming).all()
    assert np.isnan(heard.p_up[training]).all()
    first = int(np.argmax(wise.block >= 0))
    early = slice(first, first + 500)
    assert (heard.status[early] == warming).all()
    raw = 1.0 / (1.0 + np.exp(-np.log(wise.p_up[early, 0] / (1.0 - wise.p_up[early, 0]))))
    np.testing.assert_allclose(heard.p_up[early], raw, rtol=1e-12)
    np.testing.assert_allclose(heard.calibrated[early, 3], raw, rtol=1e-12)


def test_an_unknown_forecast_is_left_out_and_all_unknown_is_unknown(wise: Ballots) -> None:
    p_up = wise.p_up.copy()
    p_up[11_000, 4] = np.nan
    p_up[11_001, 3:] = np.nan
    p_up[11_002, 3] = np.nan
    gaps = replace(wise, p_up=p_up)
    said = minutes(gaps)
    assert said.at(11_000).status == "ok"
    assert said.at(11_000).weights[4] == 0.0
    assert said.at(11_000).weights[3] == 1.0
    for t in (11_001, 11_002):
        assert said.at(t).status == "unknown_features"
        assert np.isnan(said.p_up[t])
        assert np.isnan(said.quantiles[t]).all()
    assert said.at(11_003).status == "ok"


def test_a_block_length_past_a_missed_refit_the_committee_is_stale(wise: Ballots) -> None:
    block = np.minimum(wise.block, 3)
    late = replace(wise, block=block)
    said = minutes(late)
    length, start = 1_200, int(np.argmax(wise.block == 3))
    assert said.at(start + 2 * length - 1).status == "ok"
    stale = said.at(start + 2 * length)
    assert stale.status == "stale"
    assert stale.p_up == stale.calibrated[0]
    assert np.isnan(stale.confidence)
    assert sum(stale.weights) == 0.0


def test_a_users_ratio_divides_weight_among_those_who_earned_it() -> None:
    b = ballots(edge=0.57, others=1)
    p_up = b.p_up.copy()
    p_up[:, 4] = 0.5 + 0.9 * (p_up[:, 3] - 0.5)
    twins = replace(b, p_up=p_up)
    said = minutes(twins, ratios={"wise": 0.6, "noise0": 0.4})
    both = (said.weights[:, 3] > 0.0) & (said.weights[:, 4] > 0.0)
    assert both.sum() > 3_000
    np.testing.assert_allclose(said.weights[both, 3], 0.6, rtol=1e-12)
    alone = minutes(b, ratios={"wise": 0.6, "noise0": 0.4})
    earned = alone.weights[-1]
    assert earned[3] in (0.6, 1.0)
    assert earned[4] in (0.0, 0.4)


def test_life_comes_from_earlier_blocks_alone(wise: Ballots, heard: Minutes) -> None:
    for block in range(6):
        assert len(np.unique(heard.life[wise.block == block])) == 1
    assert (heard.life >= 1.0).all()
    assert (heard.life <= 50.0).all()
    logit = np.log(heard.p_up / (1.0 - heard.p_up))
    start = int(np.argmax(wise.block == 4))
    usable = (heard.status == 0) & np.isfinite(wise.y)
    usable &= wise.label_known_at <= wise.known_at[start]
    x = logit[:start][usable[:start]]
    pair = usable[1:start] & usable[: start - 1]
    deviation = logit[:start] - x.mean()
    rho = (deviation[1:][pair] * deviation[:-1][pair]).mean() / x.var()
    assert rho > 0.5
    assert heard.life[start] == pytest.approx(min(1.0 / (1.0 - rho), 50.0), rel=1e-9)


def test_the_interval_covers_nine_in_ten_and_recovers_from_a_volatility_break() -> None:
    b = ballots(20_000, edge=0.57)
    y = b.y.copy()
    y[14_000:] *= 3.0
    wild = replace(b, y=y)
    said = minutes(wild)
    inside = (wild.y >= said.quantiles[:, 0]) & (wild.y <= said.quantiles[:, 6])
    known = np.isfinite(wild.y) & (b.block >= 1)
    assert abs(inside[known].mean() - 0.9) < 0.015
    assert inside[14_200:15_200][known[14_200:15_200]].mean() > 0.86
    assert (np.diff(said.quantiles[known], axis=1) >= 0.0).all()


def test_wrong_names_and_contradicting_labels_are_refused(wise: Ballots) -> None:
    with pytest.raises(UsageError, match="no ballots of 'gru'"):
        deliberate(wise, references=REFERENCES, members=["gru"])
    with pytest.raises(UsageError, match="lack the climatology"):
        deliberate(wise, references=["ar1"], members=["wise"])
    with pytest.raises(UsageError, match="none of them a reference"):
        deliberate(wise, references=REFERENCES, members=["ar1"])
    live = stream(wise)
    live.run(until(wise, 6_000))
    with pytest.raises(UsageError, match="were heard"):
        live.run(wise)
    row = rows_after(until(wise, 6_001), 6_000)[0]
    index, y, known_at = row.labels[0]
    for label in ((index - 5, 9.0, known_at), (7_000, y, known_at), (index, np.nan, known_at)):
        with pytest.raises(DataError, match="label"):
            live.feed(Row(row.known_at, row.block, row.p_up, row.quantiles, (label,)))
    with pytest.raises(DataError, match="not known after"):
        live.feed(Row(int(wise.known_at[5_999]), row.block, row.p_up, row.quantiles))
    assert wise.label_known_at.max() == NEVER
