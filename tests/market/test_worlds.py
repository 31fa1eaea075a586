"""Laws of the synthetic worlds: the truth they state is the truth they hold."""

import numpy as np
import pytest

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.worlds import RECIPES, World, plant, sign_randomised, world

SEEDS = range(20)


def net_per_bar(made: World, side: float) -> float:
    """Trade sign[t] from open[t+1] to open[t+2] and return the mean net log return."""
    held = made.sign[:-2].astype(float)
    gain = held * np.diff(np.log(made.bars.open))[1:]
    return float((gain.sum() - side * np.abs(np.diff(held, prepend=0.0)).sum()) / len(held))


def agreement(made: World) -> float:
    """Return the share of labels, zero labels dropped, that have the planted sign."""
    label = np.sign(np.diff(np.log(made.bars.open))[1:])
    sign = made.sign[:-2]
    known = (sign != 0) & (label != 0)
    return float((label[known] == sign[known]).mean())


def flips(made: World) -> float:
    sign = made.sign[made.sign != 0]
    return float((np.diff(sign) != 0).mean())


def gapped(n: int = 20_000) -> Bars:
    """Make daily bars whose gaps are as large as their bodies."""
    rng = np.random.default_rng(5)
    body, gap = 0.01 * rng.standard_normal((2, n))
    close = 50.0 * np.exp(np.cumsum(body + gap))
    open_ = close / np.exp(body)
    high = np.maximum(open_, close) * np.exp(0.004 * rng.random(n))
    low = np.minimum(open_, close) * np.exp(-0.004 * rng.random(n))
    day = Timeframe.of("1d")
    times = day.ms * np.arange(1000, n + 1000, dtype=np.int64)
    return Bars("GAP/USD", day, times, open_, high, low, close, rng.lognormal(3, 1, n))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_planted_sign_pays_in_b_and_cannot_pay_in_c(seed: int) -> None:
    slow, fast = world("planted", seed=seed), world("fast", seed=seed)
    for side in (0.0005, 0.0015):
        assert net_per_bar(slow, side) > 0.0
        assert net_per_bar(fast, side) < 0.0


@pytest.mark.parametrize("name", ["planted", "fast"])
def test_the_next_move_has_the_planted_sign_on_55_percent_of_bars(name: str) -> None:
    shares = [agreement(world(name, seed=seed)) for seed in SEEDS]
    np.testing.assert_allclose(shares, 0.55, atol=0.011)
    np.testing.assert_allclose(np.mean(shares), 0.55, atol=0.002)


def test_the_slow_sign_flips_on_one_percent_of_bars_and_the_fast_one_on_half() -> None:
    slow = np.mean([flips(world("planted", seed=seed)) for seed in SEEDS])
    fast = np.mean([flips(world("fast", seed=seed)) for seed in SEEDS])
    assert 0.005 < slow < 0.015
    assert 0.47 < fast < 0.54


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_world_is_a_market_of_the_stated_volatility_with_gapless_opens(name: str) -> None:
    bars = world(name, seed=3).bars
    moves = np.diff(np.log(bars.close))
    assert 0.005 < moves.std() < 0.0072
    np.testing.assert_array_equal(bars.open[1:], bars.close[:-1])
    assert bars.volume.min() > 0.0
    assert 0.05 < np.corrcoef(np.abs(moves), np.log(bars.volume[1:]))[0, 1] < 0.6


def test_volatility_clusters_in_the_martingale_and_not_in_the_random_walk() -> None:
    def memory(bars: Bars) -> float:
        size = np.abs(np.diff(np.log(bars.close)))
        return float(np.corrcoef(size[:-1], size[1:])[0, 1])

    assert memory(world("martingale", seed=1).bars) > 0.1
    assert abs(memory(world("random_walk", seed=1).bars)) < 0.02


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_world_is_the_same_for_the_same_seed_and_another_for_another(name: str) -> None:
    assert world(name, 500, 1).bars.hash() == world(name, 500, 1).bars.hash()
    assert world(name, 500, 1).bars.hash() != world(name, 500, 2).bars.hash()


def test_the_slow_sign_is_that_of_the_exponential_means_of_the_closes_so_far() -> None:
    made = world("planted", 400, seed=2)
    x = np.log(made.bars.close)

    def ema(n: int) -> Floats:
        out = np.full(len(x), np.nan)
        out[n - 1] = x[:n].mean()
        for t in range(n, len(x)):
            out[t] = out[t - 1] + 2.0 / (n + 1) * (x[t] - out[t - 1])
        return out

    np.testing.assert_array_equal(made.sign[79:], np.sign(ema(20) - ema(80))[79:])
    assert not made.sign[:79].any()


def test_a_sign_randomised_copy_keeps_sizes_volume_and_times_and_loses_direction() -> None:
    bars = gapped()
    copy = sign_randomised(bars, seed=4)
    move, other = np.diff(np.log(bars.close)), np.diff(np.log(copy.close))
    np.testing.assert_allclose(np.abs(move), np.abs(other), atol=1e-12)
    np.testing.assert_allclose(
        np.log(bars.high / bars.low), np.log(copy.high / copy.low), atol=1e-12
    )
    np.testing.assert_array_equal(bars.volume, copy.volume)
    np.testing.assert_array_equal(bars.open_time, copy.open_time)
    assert abs(float((np.sign(move) == np.sign(other)).mean()) - 0.5) < 0.015
    assert copy.hash() != sign_randomised(bars, seed=5).hash()


@pytest.mark.parametrize("fast", [False, True])
def test_a_planted_copy_of_bars_with_gaps_carries_the_edge_in_its_labels(fast: bool) -> None:
    bars = gapped()
    shares = [agreement(plant(bars, seed, fast=fast)) for seed in range(5)]
    np.testing.assert_allclose(shares, 0.55, atol=0.015)
    size = np.abs(np.diff(np.log(bars.open)))
    copy = plant(bars, 0, fast=fast).bars
    np.testing.assert_allclose(size, np.abs(np.diff(np.log(copy.open))), atol=1e-12)


def test_the_future_of_the_bars_does_not_change_a_copy_so_far() -> None:
    bars = gapped(3000)
    whole = plant(bars, 1).bars.close[:1999]
    np.testing.assert_array_equal(whole, plant(bars.until(2000), 1).bars.close[:1999])


def test_real_bars_are_copied_without_breaking_them(shared: object) -> None:
    import pandas as pd

    frame = pd.read_parquet(f"{shared}/data/ohlcv/BTC-USDT_1h.parquet").head(20_000)
    bars = Bars.from_frame(frame, "BTC/USDT", "1h")
    assert len(sign_randomised(bars, 1)) == len(bars)
    assert abs(agreement(plant(bars, 1)) - 0.55) < 0.012


def test_an_unknown_world_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="martingale"):
        world("narnia")
