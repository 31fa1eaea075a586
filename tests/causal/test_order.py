"""Ordered, weighted and counted windows, against numpy, scipy, TA-Lib and plain loops."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import talib
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from folkmoot.causal import (
    Expr,
    close,
    column,
    compile,
    const,
    correlation,
    covariance,
    entropy,
    fit,
    highest,
    kurtosis,
    line,
    log,
    mean,
    median,
    quantile,
    since_highest,
    since_lowest,
    skewness,
    std,
    volume,
    weighted,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

x = column("x")
Line = Callable[[Floats], Floats]


def one(expr: Expr, bars: Bars) -> Floats:
    return compile({"it": expr}).batch(bars)["it"]


def reference(values: Floats, n: int, of: Line) -> Floats:
    return np.concatenate((np.full(n - 1, np.nan), of(sliding_window_view(values, n))))


def ends(windows: Floats) -> Floats:
    n = windows.shape[1]
    slope, level = np.polyfit(np.arange(n), windows.T, 1)
    return np.asarray(level + slope * (n - 1))


def squared(windows: Floats) -> Floats:
    places = np.arange(windows.shape[1])
    return np.array([np.corrcoef(places, window)[0, 1] ** 2 for window in windows])


def patterns(windows: Floats, order: int = 3) -> Floats:
    pieces = sliding_window_view(windows, order, axis=1)
    codes = np.argsort(pieces, axis=2, kind="stable") @ order ** np.arange(order)
    entropies = np.zeros(len(windows))
    for code in np.unique(codes):
        shares = (codes == code).mean(axis=1)
        entropies -= shares * np.log(np.where(shares > 0.0, shares, 1.0))
    return entropies / math.log(math.factorial(order))


WINDOWS: dict[str, tuple[Callable[[Expr, int], Expr], Line]] = {
    "quantile": (lambda a, n: quantile(a, n, 0.3), lambda w: np.quantile(w, 0.3, axis=1)),
    "smallest": (lambda a, n: quantile(a, n, 0.0), lambda w: w.min(axis=1)),
    "largest": (lambda a, n: quantile(a, n, 1.0), lambda w: w.max(axis=1)),
    "median": (median, lambda w: np.median(w, axis=1)),
    "since_highest": (since_highest, lambda w: np.argmax(w[:, ::-1], axis=1)),
    "since_lowest": (since_lowest, lambda w: np.argmin(w[:, ::-1], axis=1)),
    "line": (line, ends),
    "fit": (fit, squared),
    "skewness": (skewness, lambda w: stats.skew(w, axis=1)),
    "kurtosis": (kurtosis, lambda w: stats.kurtosis(w, axis=1)),
    "entropy": (entropy, patterns),
}


@pytest.mark.parametrize("n", [3, 4, 5, 14, 21, 100, 500])
@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_agrees_with_an_independent_one(walk: Bars, name: str, n: int) -> None:
    make, of = WINDOWS[name]
    expected = reference(walk.close, n, of)
    np.testing.assert_allclose(one(make(close, n), walk), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", WINDOWS)
def test_ties_are_counted_as_the_reference_counts_them(walk: Bars, name: str) -> None:
    make, of = WINDOWS[name]
    coarse = np.round(np.diff(walk.close, prepend=100.0) * 2.0)
    windows = sliding_window_view(coarse, 9)
    moved = np.ptp(windows, axis=1) > 0.0
    seen = one(make(x, 9), with_column(walk, coarse))[8:][moved]
    np.testing.assert_allclose(seen, of(windows[moved]), rtol=1e-8, atol=1e-9)


def with_column(bars: Bars, values: Floats) -> Bars:
    prices = (bars.open_time, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Bars(bars.symbol, bars.timeframe, *prices, {"x": values})


@pytest.mark.parametrize("n", [5, 14, 30])
def test_lines_and_ages_agree_with_talib(walk: Bars, n: int) -> None:
    program = compile({"line": line(close, n), "high": since_highest(close, n)})
    seen, newest = program.batch(walk), np.arange(len(walk))
    np.testing.assert_allclose(seen["line"], talib.LINEARREG(walk.close, n), rtol=1e-9)
    places = newest - talib.MAXINDEX(walk.close, n)
    np.testing.assert_array_equal(seen["high"][n:], places[n:])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 20, 201])
def test_weights_run_from_the_newest(walk: Bars, n: int) -> None:
    weights = np.random.default_rng(3).standard_normal(n)
    expected = np.convolve(walk.close, weights)[: len(walk)]
    seen = one(weighted(close, weights.tolist()), walk)
    np.testing.assert_allclose(seen[n - 1 :], expected[n - 1 :], rtol=1e-9, atol=1e-9)
    assert np.isnan(seen[: n - 1]).all()


def test_linear_weights_are_the_weighted_average_of_talib(walk: Bars) -> None:
    weights = [2.0 * (10 - k) / (10 * 11) for k in range(10)]
    np.testing.assert_allclose(one(weighted(close, weights), walk), talib.WMA(walk.close, 10))


@pytest.mark.parametrize("n", [1, 2, 20])
def test_covariance_agrees_with_numpy(walk: Bars, n: int) -> None:
    program = compile({"it": covariance(close, log(volume), n), "own": covariance(close, close, n)})
    seen, lots = program.batch(walk), np.log(walk.volume)
    pairs = [(walk.close[t - n + 1 : t + 1], lots[t - n + 1 : t + 1]) for t in range(n, 300)]
    expected = [np.cov(a, b, bias=True)[0, 1] for a, b in pairs]
    np.testing.assert_allclose(seen["it"][n:300], expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(seen["own"], one(std(close, n) ** 2, walk), rtol=1e-9)


def test_a_fit_is_the_squared_correlation_with_time(walk: Bars) -> None:
    timed = with_column(walk, np.arange(len(walk), dtype=np.float64))
    expected = one(correlation(close, x, 12) ** 2, timed)
    np.testing.assert_allclose(one(fit(close, 12), timed), expected, rtol=1e-9, atol=1e-12)


def test_the_extremes_of_entropy() -> None:
    n = 60
    rising, ones = np.arange(n, dtype=np.float64), np.ones(n)
    times = 3_600_000 * np.arange(n)
    bars = Bars("E", Timeframe.of("1h"), times, ones, ones, ones, ones, ones, {"x": rising})
    turning = np.tile([0.0, 1.0], n // 2)
    assert set(one(entropy(x, 20), bars)[19:]) == {0.0}
    assert set(one(entropy(close, 20), bars)[19:]) == {0.0}
    np.testing.assert_allclose(one(entropy(x, 21, 2), with_column(bars, turning))[20:], 1.0)


def test_where_nothing_moved_a_shape_is_unknown() -> None:
    level = np.full(50, 0.1 + 0.2)
    times, nothing = 3_600_000 * np.arange(50), np.zeros(50)
    bars = Bars("F", Timeframe.of("1h"), times, level, level, level, level, nothing)
    shapes = {"s": skewness(close, 7), "k": kurtosis(close, 7), "f": fit(close, 7)}
    assert all(np.isnan(values).all() for values in compile(shapes).batch(bars).values())
    levels = {"line": line(close, 7), "median": median(close, 6), "top": highest(close, 3)}
    for values in compile(levels).batch(bars).values():
        assert set(values[6:]) == {0.1 + 0.2}
    assert set(one(since_highest(close, 7), bars)[6:]) == {0.0}
    assert set(one(covariance(close, close, 7), bars)[6:]) == {0.0}


def test_a_window_begins_anew_after_an_unknown(walk: Bars) -> None:
    values = walk.close.copy()
    values[[300, 303, 330, 700]] = np.nan
    bars = with_column(walk, values)
    with np.errstate(invalid="ignore"):
        expected = reference(values, 25, lambda w: np.median(w, axis=1))
    np.testing.assert_array_equal(one(median(x, 25), bars), expected)


def test_a_mean_is_a_weighted_window(walk: Bars) -> None:
    seen = one(weighted(close, [0.125] * 8), walk)
    np.testing.assert_allclose(seen, one(mean(close, 8), walk), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: quantile(x, 5, 1.5), "quantile"),
        (lambda: median(x, 0), "median"),
        (lambda: median(x, math.nan), "median"),  # type: ignore[arg-type]
        (lambda: median(x, math.inf), "median"),  # type: ignore[arg-type]
        (lambda: skewness(x, 1_000_001), "skewness"),
        (lambda: quantile(x, "5", 0.5), "quantile"),  # type: ignore[arg-type]
        (lambda: weighted(x, [0.0] * 1_000_001), "weighted"),
        (lambda: weighted(x, ["1"]), "weighted"),  # type: ignore[list-item]
        (lambda: since_highest(x, 2.5), "since_highest"),  # type: ignore[arg-type]
        (lambda: weighted(x, []), "weighted"),
        (lambda: weighted(x, [1.0, math.nan]), "weighted"),
        (lambda: line(x, 1), "line"),
        (lambda: entropy(x, 5, 8), "entropy"),
        (lambda: entropy(x, 2, 3), "entropy"),
        (lambda: covariance(x, const(1.0), True), "covariance"),
    ],
)
def test_an_impossible_argument_is_refused(call: Callable[[], Expr], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()
