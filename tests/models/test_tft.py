"""The Temporal Fusion Transformer as a member: its calendar, its options, what it explains."""

from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.models.tft import CALENDAR, Calendar

pytest.importorskip("torch", reason="needs the extra neural")

HOUR = 3_600_000
QUICK: dict[str, Any] = {"lookback": 8, "hidden": 8, "training": {"epochs": 1, "windows": 256}}
REFUSED: list[dict[str, Any]] = [
    {"hidden": 0},
    {"hidden": 30},
    {"width": 0},
    {"dropout": 1.0},
    {"heads": 0},
]


def fitted(market: Any, **options: Any) -> Any:
    model = models.build("tft", **{**QUICK, **options})
    x = market.x(8).rows(slice(0, 500))
    return model.fit(x, market.labels(8, len(model.horizons))[:500], np.ones(500))


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_make_no_network_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("tft", **options)


def test_a_calendar_tells_the_place_in_each_cycle_and_the_distance() -> None:
    # Midnight of Thursday 1 January 1970, and six hours later: a quarter of a day.
    calendar = Calendar(np.array([0, 6 * HOUR]), np.array([-3.0, 0.0, 6.0]), HOUR, 60)
    found = calendar.take(np.array([1, 0]))
    assert found.shape == (2, 3, len(CALENDAR))
    np.testing.assert_allclose(found[0, 1, :2], [1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(found[1, 2, :2], [1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(found[1, 1, :4], [0.0, 1.0] * 2, atol=1e-6)
    far = np.log([4.0, 1.0, 7.0]) / np.log(61.0)
    np.testing.assert_allclose(found[0, :, -1], far * [-1.0, 0.0, 1.0], atol=1e-6)


def test_the_calendar_of_a_row_is_made_of_its_own_moment_alone(market: Any) -> None:
    model = fitted(market)
    x = market.x(8)
    moved = x.known_at.copy()
    moved[100] += 5 * HOUR
    before, after = (
        model.predict(Features(x.values, x.names, known_at)).p_up[:, 0]
        for known_at in (x.known_at, moved)
    )
    changed = np.flatnonzero(np.abs(after - before) > 1e-7)
    np.testing.assert_array_equal(changed, [100])


def test_the_length_of_a_bar_is_learnt_past_gaps_and_kept(market: Any) -> None:
    x = market.x(8).rows(slice(0, 500))
    known_at = x.known_at + np.where(np.arange(500) > 200, 40 * HOUR, 0)
    model = models.build("tft", **QUICK)
    model.fit(Features(x.values, x.names, known_at), market.labels(8, 1)[:500], np.ones(500))
    assert model.learnt["own.bar"].tolist() == [HOUR]
    again = type(model).restore(*model.state())
    np.testing.assert_array_equal(again.predict(x).p_up, model.predict(x).p_up)


def test_rows_of_one_moment_have_no_length_of_a_bar(market: Any) -> None:
    x = market.x(8).rows(slice(0, 500))
    still = Features(x.values, x.names, np.full(500, HOUR))
    with pytest.raises(DataError, match="later"):
        models.build("tft", **QUICK).fit(still, market.labels(8, 1)[:500], np.ones(500))


def test_it_tells_which_variables_and_bars_it_used(market: Any) -> None:
    model = fitted(market, horizons=(1, 5))
    told, names = model.explain(market.x(8).rows(slice(600, 605))), model.variables()
    assert names["past"][:2] == ("momentum", "noise")
    for kind in ("past", "future", "static"):
        assert told[kind].shape == (5, len(names[kind]))
        np.testing.assert_allclose(told[kind].sum(axis=1), 1.0, rtol=1e-5)
    assert told["attention"].shape == (5, 4, 2, 10)
    np.testing.assert_allclose(told["attention"].sum(axis=3), 1.0, rtol=1e-5)


def test_four_horizons_are_four_steps_of_the_decoder(market: Any) -> None:
    model = models.build("tft", **QUICK, horizons=(1, 5, 15, 30))
    x, y = market.x(8).rows(slice(0, 500)), market.labels(8, 1)[:500]
    answer = model.fit(x, np.repeat(y, 4, axis=1), np.ones(500)).predict(x)
    assert answer.quantiles.shape == (500, 4, 7)
    assert (np.diff(answer.quantiles, axis=2) > 0.0).all()


def test_the_reference_has_the_parameters_that_are_listed() -> None:
    from folkmoot.models.networks.head import count

    assert count(models.build("tft").reference()) == 211_951
