"""Kernel regression against the formula written out."""

from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.errors import DataError, UsageError
from folkmoot.models.kernel import regress


def test_answers_are_weighted_shares_and_weighted_quantiles() -> None:
    rng = np.random.default_rng(3)
    values, places = rng.random((40, 5)), rng.random((300, 5))
    ratio = rng.standard_normal(300)
    ratio[150] = 0.0
    ratio.sort()
    told = np.column_stack((ratio, rng.random(300) + 0.1))
    levels = np.array([0.1, 0.5, 0.9])
    p_up, quantiles = regress(values, places, told, np.array([0.2, 50.0, 0.52]), levels)
    for row, p, q in zip(values, p_up, quantiles, strict=True):
        square = ((row - places) ** 2).sum(axis=1)
        weight = told[:, 1] * (1.0 + square / (2.0 * 0.2**2)) ** -1.0
        rose, moved = weight[ratio > 0.0].sum(), weight[ratio != 0.0].sum()
        assert p == pytest.approx((rose + 50.0 * 0.52) / (moved + 50.0), rel=1e-12)
        weight += 50.0 * told[:, 1] / told[:, 1].sum()
        wanted = np.quantile(ratio, levels, weights=weight, method="inverted_cdf")
        np.testing.assert_array_equal(q, wanted)


def fitted(market: Any, **options: Any) -> Any:
    model = models.build("kernel", **options)
    x, y = market.x(), market.labels(1, 1)
    return model.fit(x.rows(slice(0, 2400)), y[:2400], np.ones(2400))


def test_a_huge_prior_is_the_base_rate(market: Any) -> None:
    model = fitted(market, prior=1e9)
    answer = model.predict(market.x().rows(slice(2400, 2900)))
    np.testing.assert_allclose(answer.p_up, model.learnt["rate"][0], atol=1e-5)


def test_the_bandwidth_is_narrow_where_the_ranks_tell_and_wide_where_not(make_market: Any) -> None:
    telling = fitted(make_market(seed=2), bandwidths=(0.1, 10.0))
    silent = fitted(make_market(seed=2, same=0.5), bandwidths=(0.1, 10.0))
    assert telling.learnt["bandwidth"][0] == 0.1
    assert silent.learnt["bandwidth"][0] == 10.0


def test_analogues_are_the_most_recent_known_rows_at_their_stride(market: Any) -> None:
    model = fitted(market, analogues=100, stride=3)
    wanted = market.x().of(*model.columns)[2399 - 3 * np.arange(100)]
    found = model.learnt["places_1"]
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(wanted, axis=0))
    assert (np.diff(model.learnt["told_1"][:, 0]) >= 0.0).all()


@pytest.mark.parametrize("options", [{"bandwidths": ()}, {"prior": 0.0}, {"stride": 0}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("kernel", **options)


def test_analogues_out_of_order_or_without_weight_are_refused(market: Any) -> None:
    model = fitted(market)
    arrays, facts = model.state()
    told = arrays["told_1"]
    for wrong in (told[::-1].copy(), told * [1.0, -1.0], told * [1.0, 0.0]):
        with pytest.raises(DataError, match="order"):
            type(model).restore({**arrays, "told_1": wrong}, facts)
