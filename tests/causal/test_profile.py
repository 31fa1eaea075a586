"""The volume profile against a plain computation, and what it does with odd windows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.causal import compile, volume_profile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError

NAMES = ("poc", "high", "low")


def of(bars: Bars, n: int, bins: int = 24, share: float = 0.7) -> dict[str, Floats]:
    return compile({name: volume_profile(n, name, bins, share) for name in NAMES}).batch(bars)


def histogram(bars: Bars, bins: int) -> tuple[Floats, Floats]:
    """Return the edges of the bins and the volume in them, each bar spread over its range."""
    edges = np.linspace(bars.low.min(), bars.high.max(), bins + 1)
    held = np.zeros(bins)
    for low, high, lots in zip(bars.low, bars.high, bars.volume, strict=True):
        inside = np.clip(edges, low, high)
        held += lots * np.diff(inside) / (high - low)
    return edges, held


def by_hand(bars: Bars, bins: int, share: float) -> tuple[float, float, float]:
    edges, held = histogram(bars, bins)
    fullest = np.flatnonzero(held > (1.0 - 1e-9) * held.max())
    below = above = int(fullest[np.abs(fullest - 0.5 * (bins - 1)).argmin()])
    centre = 0.5 * (edges[below] + edges[below + 1])
    while held[below : above + 1].sum() < (share - 1e-9) * held.sum():
        up = held[above + 1] if above + 1 < bins else -1.0
        down = held[below - 1] if below else -1.0
        above, below = (above + 1, below) if up > (1.0 - 1e-9) * down else (above, below - 1)
    return centre, edges[above + 1], edges[below]


@pytest.mark.parametrize(("n", "bins", "share"), [(50, 24, 0.7), (120, 10, 0.5), (9, 40, 0.9)])
def test_the_profile_is_that_of_a_histogram(n: int, bins: int, share: float) -> None:
    bars = random_walk(500)
    seen = of(bars, n, bins, share)
    for t in range(n - 1, len(bars), 19):
        expected = by_hand(bars.rows(t - n + 1, t + 1), bins, share)
        found = [seen[name][t] for name in NAMES]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_point_of_control_lies_in_the_value_area_in_the_range() -> None:
    bars = random_walk(800, seed=4)
    seen = of(bars, 60)
    for t in range(59, 800):
        window = bars.rows(t - 59, t + 1)
        order = (window.low.min(), seen["low"][t], seen["poc"][t], seen["high"][t])
        assert list(order) == sorted(order)
        assert seen["high"][t] <= window.high.max() * (1.0 + 1e-12)


def test_upside_down_the_edges_change_places() -> None:
    bars = random_walk(400, seed=6)
    level = bars.high.max() + bars.low.min()
    turned = replace(
        bars,
        open=level - bars.open,
        high=level - bars.low,
        low=level - bars.high,
        close=level - bars.close,
    )
    plain, other = of(bars, 70), of(turned, 70)
    np.testing.assert_allclose(other["poc"], level - plain["poc"], rtol=1e-9)
    np.testing.assert_allclose(other["high"], level - plain["low"], rtol=1e-9)


def test_a_bar_of_large_volume_draws_the_point_of_control() -> None:
    bars = random_walk(100)
    lots = np.where(np.arange(100) == 70, 1e6, 1.0)
    seen = of(replace(bars, volume=lots), 50)["poc"][-1]
    size = np.ptp(np.concatenate((bars.high[50:], bars.low[50:]))) / 24
    assert bars.low[70] - size <= seen <= bars.high[70] + size


def test_without_volume_it_is_unknown_and_without_range_it_is_the_price() -> None:
    bars = random_walk(60)
    nothing = of(replace(bars, volume=np.zeros(60)), 20)
    assert all(np.isnan(values).all() for values in nothing.values())
    level = np.full(60, 12.25)
    flat = replace(bars, open=level, high=level, low=level, close=level)
    assert all((values[19:] == 12.25).all() for values in of(flat, 20).values())


def test_an_unknown_volume_is_unknown_until_it_has_left_the_window() -> None:
    bars = random_walk(200)
    lots = bars.volume.copy()
    lots[80] = np.nan
    plain, holed = of(bars, 30), of(replace(bars, volume=lots), 30)
    for name in NAMES:
        assert np.isnan(holed[name][80:110]).all()
        np.testing.assert_array_equal(holed[name][:80], plain[name][:80])
        np.testing.assert_allclose(holed[name][110:], plain[name][110:], rtol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: volume_profile(10, "vwap"),
        lambda: volume_profile(0, "poc"),
        lambda: volume_profile(10, "poc", bins=1.5),
        lambda: volume_profile(10, "poc", share=0.0),
    ],
)
def test_what_is_not_there_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()
