"""Gramian numbers against the full matrices, golden values and their own laws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.causal.test_laws import golden
from tests.conftest import random_walk
from tests.indicators.oracle_golden import GAF

from folkmoot.causal import (
    GRAMIAN_EVEN,
    GRAMIAN_OUTPUTS,
    GRAMIAN_SIGNED,
    close,
    compile,
    gramian,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError

FLIPPED = [name for name in GRAMIAN_SIGNED if not name.startswith("gasf_")]


def of(bars: Bars, n: int, names: tuple[str, ...] = GRAMIAN_OUTPUTS) -> dict[str, Floats]:
    return compile({name: gramian(close, n, name) for name in names}).batch(bars)


def angles(x: Floats) -> Floats:
    return np.arccos(np.clip(2.0 * (x - x.min()) / (x.max() - x.min()) - 1.0, -1.0, 1.0))


def from_matrices(x: Floats) -> dict[str, float]:
    """Return the thirteen numbers as their source computes them, from both matrices."""
    phi = angles(x)
    gasf, gadf = np.cos(np.add.outer(phi, phi)), np.sin(np.subtract.outer(phi, phi))
    half, diagonal = len(x) // 2, np.diag(gasf)
    recent, old = gasf[-10:, -10:].mean(), gasf[:10, :10].mean()
    return {
        "diagonal_mean": diagonal.mean(),
        "diagonal_std": diagonal.std(),
        "upper_left_mean": gasf[:half, :half].mean(),
        "lower_right_mean": gasf[half:, half:].mean(),
        "gaf_sum_mean": gasf.mean(),
        "gaf_sum_std": gasf.std(),
        "gaf_diff_mean": gadf.mean(),
        "gaf_diff_std": gadf.std(),
        "trend_score": gasf.mean() - gadf.mean(),
        "symmetry": np.abs(gasf - gasf.T).mean(),
        "recent_strength": recent,
        "historical_strength": old,
        "momentum": recent - old,
    }


def signed_from_matrices(x: Floats) -> dict[str, float]:
    phi = angles(x)
    gasf, gadf = np.cos(np.add.outer(phi, phi)), np.sin(np.subtract.outer(phi, phi))
    found = {
        "signed_trend": gadf[np.triu_indices(len(x), 1)].mean(),
        "last_angle": phi[-1],
        "time_correlation": np.corrcoef(np.cos(phi), np.arange(len(x)))[0, 1],
        "log_range": math.log(x.max() / x.min()),
        "realised_vol": np.sqrt(np.mean(np.diff(np.log(x)) ** 2)),
    }
    for k in (1, 2, 4, 8, 16):
        found[f"dphi_{k}"] = phi[-1] - phi[-1 - k]
        found[f"gasf_{k}"] = np.diag(gasf, k).mean()
        found[f"gadf_{k}"] = np.diag(gadf, k).mean()
    return found


def test_golden_numbers_of_the_specification_come_out() -> None:
    seen = of(golden(), 64)
    for name, value in GAF.items():
        assert seen[name][299] == pytest.approx(value, abs=1e-8), name


@pytest.mark.parametrize("n", [17, 24, 64, 101])
def test_every_number_is_that_of_the_full_matrices(n: int) -> None:
    bars = random_walk(600, seed=n)
    seen = of(bars, n)
    for t in range(n - 1, len(bars), 23):
        window = bars.close[t - n + 1 : t + 1]
        expected = from_matrices(window) | signed_from_matrices(window)
        for name, value in expected.items():
            assert seen[name][t] == pytest.approx(value, abs=1e-9), name
        assert expected.keys() | {"slope_t"} == seen.keys()


def test_the_t_statistic_is_that_of_a_regression_on_time() -> None:
    from scipy.stats import linregress

    bars = random_walk(200)
    seen = of(bars, 30, ("slope_t",))["slope_t"]
    fit = linregress(np.arange(30), bars.close[100:130])
    assert seen[129] == pytest.approx(fit.slope / fit.stderr, rel=1e-9)


def mirrored(bars: Bars) -> Bars:
    level = bars.high.max() + bars.low.min()
    prices = {"open": bars.open, "high": bars.low, "low": bars.high, "close": bars.close}
    return replace(bars, **{name: level - values for name, values in prices.items()})


def test_thirteen_numbers_are_blind_to_the_sign_of_a_move_and_the_others_are_not() -> None:
    bars = random_walk(700, seed=2)
    plain, other = of(bars, 40), of(mirrored(bars), 40)
    for name in (*GRAMIAN_EVEN, "gasf_1", "gasf_2", "gasf_4", "gasf_8", "gasf_16"):
        np.testing.assert_allclose(other[name], plain[name], atol=1e-9, err_msg=name)
    for name in FLIPPED:
        turned = math.pi - plain[name] if name == "last_angle" else -plain[name]
        np.testing.assert_allclose(other[name], turned, atol=1e-8, err_msg=name)
        assert np.nanstd(plain[name]) > 1e-3


def test_the_signed_trend_is_positive_up_and_negative_down() -> None:
    bars = random_walk(100)
    line = np.linspace(100.0, 120.0, 100)
    for sign, values in ((1.0, line), (-1.0, line[::-1].copy())):
        straight = replace(bars, open=values, high=values, low=values, close=values)
        seen = of(straight, 100, ("signed_trend", "gadf_4", "trend_score"))
        assert sign * seen["signed_trend"][-1] > 0.5
        assert sign * seen["gadf_4"][-1] > 0.05
        assert seen["trend_score"][-1] == pytest.approx(-0.6033, abs=5e-5)


def test_a_window_that_did_not_move_is_unknown_and_its_size_is_zero() -> None:
    level = np.full(60, 3.7)
    bars = replace(random_walk(60), open=level, high=level, low=level, close=level)
    seen = of(bars, 20)
    for name in (*GRAMIAN_EVEN, *GRAMIAN_SIGNED):
        assert np.isnan(seen[name]).all(), name
    assert seen["log_range"][-1] == 0.0
    assert seen["realised_vol"][-1] == 0.0


def test_lags_that_a_window_does_not_hold_are_unknown() -> None:
    seen = of(random_walk(100), 6)
    assert np.isfinite(seen["gadf_4"][5:]).all()
    assert np.isnan(seen["gadf_8"]).all()
    assert np.isnan(seen["dphi_16"]).all()


@pytest.mark.parametrize(("n", "output"), [(2, "momentum"), (10, "angle"), (9.5, "symmetry")])
def test_what_is_not_there_is_refused(n: float, output: str) -> None:
    with pytest.raises(UsageError):
        gramian(close, n, output)  # type: ignore[arg-type]
