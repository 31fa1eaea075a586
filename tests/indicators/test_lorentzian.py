"""Lorentzian Classification's parts against plain loops that follow its text."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.indicators import kernel_regression, lorentzian_features, lorentzian_filters


def weights(h: float = 8.0, r: float = 8.0, taps: int = 27) -> tuple[Floats, Floats]:
    i = np.arange(taps, dtype=np.float64)
    return (1.0 + i**2 / (2.0 * r * h**2)) ** -r, np.exp(-(i**2) / (2.0 * (h - 2.0) ** 2))


def test_kernels_are_filters_of_27_taps(walk: Bars) -> None:
    seen = compile(kernel_regression()).batch(walk)
    for name, w in zip(("rational_quadratic", "gaussian"), weights(), strict=True):
        expected = lfilter(w / w.sum(), [1.0], walk.close)
        np.testing.assert_allclose(seen[name][26:], expected[26:], rtol=1e-12)
        assert np.isnan(seen[name][:26]).all()


def test_kernel_events_are_its_direction_and_its_crossings(walk: Bars) -> None:
    seen = compile(kernel_regression()).batch(walk)
    slow, fast = seen["rational_quadratic"], seen["gaussian"]
    above = fast[26:] > slow[26:]
    np.testing.assert_array_equal(seen["bullish"][27:], slow[27:] > slow[26:-1])
    np.testing.assert_array_equal(seen["bullish_smooth"][26:], fast[26:] >= slow[26:])
    np.testing.assert_array_equal(seen["cross_up"][27:], above[1:] & ~above[:-1])
    np.testing.assert_array_equal(seen["cross_down"][27:], ~above[1:] & above[:-1])
    assert 20 < np.nansum(seen["cross_up"]) < 400


@pytest.mark.parametrize("given", [{"h": 2.0}, {"r": 0.0}, {"start": -1}, {"earlier": -1}])
def test_a_kernel_without_width_is_refused(given: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(given))):
        kernel_regression(**given)


def wilder(values: list[float], n: int) -> list[float]:
    """Wilder's mean of the known values, begun with the mean of the first n."""
    mean, seen, out = math.nan, [], []
    for value in values:
        if not math.isnan(value):
            seen.append(value)
            if len(seen) == n:
                mean = sum(seen) / n
            elif len(seen) > n:
                mean = (mean * (n - 1) + value) / n
        out.append(math.nan if math.isnan(value) else mean)
    return out


def first_bar_adx(bars: Bars, n: int) -> list[float]:
    """The script's ADX: prices before the first bar are 0, sums begin at 0."""
    span = plus = minus = 0.0
    high_was = low_was = close_was = 0.0
    index = []
    for bar in bars:
        rise, fall = bar.high - high_was, low_was - bar.low
        reach = max(bar.high - bar.low, abs(bar.high - close_was), abs(bar.low - close_was))
        span += reach - span / n
        plus += (max(rise, 0.0) if rise > fall else 0.0) - plus / n
        minus += (max(fall, 0.0) if fall > rise else 0.0) - minus / n
        index.append(100.0 * abs(plus / span - minus / span) / (plus / span + minus / span))
        high_was, low_was, close_was = bar.high, bar.low, bar.close
    return wilder(index, n)


def test_the_features_adx_begins_with_a_jump_from_zero(walk: Bars) -> None:
    seen = compile(lorentzian_features()).batch(walk)["n_adx"]
    np.testing.assert_allclose(100.0 * seen, first_bar_adx(walk, 20), rtol=1e-9)
    assert seen[19] > 0.9


def test_ranked_features_forget_where_the_chart_begins(walk: Bars) -> None:
    program = compile(lorentzian_features(ranked_over=300))
    whole, later = program.matrix(walk), program.matrix(walk.rows(500, len(walk)))
    known = later[800:]
    np.testing.assert_allclose(known, whole[1_300:], atol=2e-2)
    assert np.mean(known == whole[1_300:]) > 0.999
    assert ((known > 0.0) & (known <= 1.0)).all()


def tracking_line(bars: Bars, start: float) -> list[float]:
    """Ehlers' tracking line of ohlc4 from the second bar on, begun at `start` on the first."""
    middle = [(bar.open + bar.high + bar.low + bar.close) / 4.0 for bar in bars]
    moved, ranged, line = 0.0, 0.1 * (bars.high[0] - bars.low[0]), start
    lines = [math.nan]
    for t in range(1, len(bars)):
        moved = 0.2 * (middle[t] - middle[t - 1]) + 0.8 * moved
        ranged = 0.1 * (bars.high[t] - bars.low[t]) + 0.8 * ranged
        square = (moved / ranged) ** 2
        alpha = (-square + math.sqrt(square**2 + 16.0 * square)) / 8.0
        line = alpha * middle[t] + (1.0 - alpha) * line
        lines.append(line)
    return lines


def exponential(values: list[float], n: int) -> list[float]:
    mean, seen, out = math.nan, [], []
    for value in values:
        if not math.isnan(value):
            seen.append(value)
            if len(seen) == n:
                mean = sum(seen) / n
            elif len(seen) > n:
                mean += 2.0 / (n + 1.0) * (value - mean)
        out.append(math.nan if math.isnan(value) else mean)
    return out


@pytest.mark.parametrize("original", [True, False])
def test_the_regime_filter_follows_ehlers(original: bool, walk: Bars) -> None:
    first = sum(walk.column(name)[0] for name in ("open", "high", "low", "close")) / 4.0
    line = np.array(tracking_line(walk, 0.0 if original else first))
    speed = np.abs(np.diff(line, prepend=math.nan))
    usual = np.array(exponential(speed.tolist(), 200))
    seen = compile(lorentzian_filters(original=original)).batch(walk)
    expected = (speed - usual) / usual
    np.testing.assert_allclose(seen["regime_slope"][201:], expected[201:], atol=5e-9)
    np.testing.assert_array_equal(seen["regime"][201:], expected[201:] >= -0.1)


def test_a_tracking_line_from_zero_spoils_the_filter_for_hundreds_of_bars(walk: Bars) -> None:
    original = compile(lorentzian_filters(original=True)).batch(walk)["regime"]
    clean = compile(lorentzian_filters()).batch(walk)["regime"]
    assert np.mean(original[202:500] != clean[202:500]) > 0.05
    np.testing.assert_array_equal(original[1_900:], clean[1_900:])


def test_the_volatility_filter_compares_two_means_of_the_range(walk: Bars) -> None:
    before = np.concatenate(([math.nan], walk.close[:-1]))
    reach = np.fmax(walk.high, before) - np.fmin(walk.low, before)
    expected = reach > np.array(wilder(reach.tolist(), 10))
    seen = compile(lorentzian_filters()).batch(walk)["volatility"]
    np.testing.assert_array_equal(seen[9:], expected[9:])


def test_the_trend_filters_set_the_close_against_two_means(walk: Bars) -> None:
    seen = compile(lorentzian_filters(trend=(50, 200))).batch(walk)
    smooth = np.array(exponential(walk.close.tolist(), 50))
    plain = np.convolve(walk.close, np.full(200, 1.0 / 200.0))[: len(walk)]
    for name, line, first in (("ema", smooth, 49), ("sma", plain, 199)):
        side = walk.close[first:] - line[first:]
        np.testing.assert_array_equal(seen[f"{name}_up"][first:], side > 0.0)
        np.testing.assert_array_equal(seen[f"{name}_down"][first:], side < 0.0)
        assert np.isnan(seen[f"{name}_up"][:first]).all()
