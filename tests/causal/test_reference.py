"""The operators against independent numbers: plain numpy, TA-Lib, the golden vectors."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from numpy.lib.stride_tricks import sliding_window_view

from folkmoot.causal import (
    Expr,
    barssince,
    close,
    compile,
    correlation,
    crossover,
    day_of_week,
    decay,
    deviation,
    ema,
    gap,
    high,
    highest,
    hlc3,
    hold,
    hour_of_day,
    lag,
    log,
    low,
    lowest,
    maximum,
    mean,
    of,
    rank,
    relu,
    running,
    slope,
    std,
    total,
    true_range,
    volume,
    where,
    wilder,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe

Line = Callable[[Floats], Floats]


def reference(x: Floats, n: int, of: Line) -> Floats:
    windows = sliding_window_view(x, n)
    return np.concatenate((np.full(n - 1, np.nan), of(windows)))


WINDOWS: dict[str, tuple[Callable[[Expr, int], Expr], Line]] = {
    "mean": (mean, lambda w: w.mean(axis=1)),
    "total": (total, lambda w: w.sum(axis=1)),
    "std": (std, lambda w: w.std(axis=1)),
    "highest": (highest, lambda w: w.max(axis=1)),
    "lowest": (lowest, lambda w: w.min(axis=1)),
    "rank": (
        rank,
        lambda w: ((w < w[:, -1:]).sum(1) + 0.5 * (w == w[:, -1:]).sum(1)) / w.shape[1],
    ),
    "deviation": (
        deviation,
        lambda w: np.abs(w - w.mean(axis=1, keepdims=True)).mean(axis=1),
    ),
    "slope": (slope, lambda w: np.polyfit(np.arange(w.shape[1]), w.T, 1)[0]),
}


@pytest.mark.parametrize("n", [2, 3, 4, 5, 14, 21, 100])
@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_agrees_with_numpy(walk: Bars, name: str, n: int) -> None:
    make, of = WINDOWS[name]
    seen = compile({name: make(close, n)}).batch(walk)[name]
    np.testing.assert_allclose(seen, reference(walk.close, n, of), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("n", [2, 5, 30])
def test_correlation_agrees_with_numpy(walk: Bars, n: int) -> None:
    seen = compile({"c": correlation(close, log(volume), n)}).batch(walk)["c"]
    lots = np.log(walk.volume)
    pairs = [(walk.close[t - n + 1 : t + 1], lots[t - n + 1 : t + 1]) for t in range(n, 300)]
    expected = [np.corrcoef(a, b)[0, 1] for a, b in pairs]
    np.testing.assert_allclose(seen[n:300], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n", [2, 10, 26, 200])
def test_means_agree_with_talib(walk: Bars, n: int) -> None:
    ours = compile({"ema": ema(close, n), "wilder": wilder(close, n), "mean": mean(close, n)})
    seen = ours.batch(walk)
    np.testing.assert_allclose(seen["ema"], talib.EMA(walk.close, n), rtol=1e-12)
    np.testing.assert_allclose(seen["wilder"], talib.RMA(walk.close, n), rtol=1e-12)
    np.testing.assert_allclose(seen["mean"], talib.SMA(walk.close, n), rtol=1e-12)


def test_the_simple_memories_do_what_they_say(walk: Bars) -> None:
    rises = close > lag(close)
    ours = compile(
        {
            "lag": lag(close, 3),
            "running": running(volume),
            "since": barssince(rises),
            "hold": hold(rises, low),
            "cross": crossover(close, ema(close, 9)),
            "decay": decay(close, 0.9),
        }
    )
    seen = ours.batch(walk)
    np.testing.assert_array_equal(seen["lag"][3:], walk.close[:-3])
    np.testing.assert_allclose(seen["running"], np.cumsum(walk.volume), rtol=1e-12)
    age, held, decayed = np.nan, np.nan, walk.close[0]
    for t in range(1, 200):
        rose = walk.close[t] > walk.close[t - 1]
        age, held = (0.0, walk.low[t]) if rose else (age + 1.0, held)
        decayed = 0.9 * decayed + (1.0 - 0.9) * walk.close[t]
        np.testing.assert_array_equal([seen["since"][t], seen["hold"][t]], [age, held])
        assert seen["decay"][t] == pytest.approx(decayed, rel=1e-12)
    average = talib.EMA(walk.close, 9)
    above = walk.close > average
    np.testing.assert_array_equal(seen["cross"][10:], (above[10:] & ~above[9:-1]).astype(float))


def test_the_clock_is_that_of_the_close() -> None:
    hours = np.array([0, 1, 2, 5, 30], dtype=np.int64)
    monday = 1_704_067_200_000
    one = np.ones(5)
    bars = Bars("C", Timeframe.of("1h"), monday + 3_600_000 * hours, one, one, one, one, one)
    seen = compile({"hour": hour_of_day, "day": day_of_week, "gap": gap}).batch(bars)
    np.testing.assert_array_equal(seen["hour"], (hours + 1.0) % 24.0)
    np.testing.assert_array_equal(seen["day"], (hours + 1.0) / 24.0)
    np.testing.assert_array_equal(seen["gap"], [0.0, 0.0, 0.0, 2.0, 24.0])


def _rsi(n: int) -> Expr:
    change = close - lag(close)
    rise, fall = wilder(relu(change), n), wilder(relu(-change), n)
    return 100.0 * rise / (rise + fall)


def _directional() -> tuple[Expr, Expr]:
    up, down = high - lag(high), lag(low) - low
    plus = where(up > maximum(down, 0.0), up, 0.0)
    minus = where(down > maximum(up, 0.0), down, 0.0)
    span = wilder(true_range("nan"), 14)
    plus_di, minus_di = 100.0 * wilder(plus, 14) / span, 100.0 * wilder(minus, 14) / span
    return plus_di, 100.0 * wilder(abs(plus_di - minus_di) / (plus_di + minus_di), 14)


def _wave(x: Expr, n1: int, n2: int) -> Expr:
    centre = ema(x, n1)
    return ema((x - centre) / (0.015 * ema(abs(x - centre), n1)), n2)


GOLDEN = {
    "EMA10": (ema(close, 10), 99.90617349, 111.4799595, 97.65009323),
    "RSI14": (_rsi(14), 23.10567367, 60.58944501, 16.90607892),
    "ATR14": (wilder(true_range(), 14), 2.61484443, 2.233588572, 2.299892661),
    "+DI14": (_directional()[0], 11.67767444, 25.68156469, 7.748660472),
    "ADX14": (_directional()[1], 41.61415082, 48.12409194, 46.33910802),
    "CCI20": (
        (hlc3 - mean(hlc3, 20)) / (0.015 * deviation(hlc3, 20)),
        -171.5873511,
        37.49243933,
        -127.5406875,
    ),
    "WT1": (_wave(hlc3, 10, 21), -35.74515075, 39.55786472, -49.47840254),
    "WT2": (mean(_wave(hlc3, 10, 21), 4), -26.23415299, 44.81127553, -45.60997586),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_vectors_are_reproduced(name: str) -> None:
    t = np.arange(300)
    line = 100 + 10 * np.sin(t / 7) + 3 * np.sin(t / 2.3) + 0.02 * t
    start = np.concatenate((line[:1], line[:-1]))
    top = np.maximum(start, line) + 0.5 + 0.3 * np.cos(t) ** 2
    bottom = np.minimum(start, line) - 0.5 - 0.3 * np.sin(t) ** 2
    bars = Bars("G", Timeframe.of("1h"), 3_600_000 * t, start, top, bottom, line, np.ones(300))
    expr, *expected = GOLDEN[name]
    seen = compile({name: expr}).batch(bars)[name][[70, 150, 299]]
    np.testing.assert_allclose(seen, expected, rtol=2e-9)


FADING = [_rsi(14), ema(close, 50), wilder(true_range(), 14), decay(close, 0.97)]


@pytest.mark.parametrize("expr", FADING, ids=str)
def test_after_the_stable_length_the_start_does_not_show(walk: Bars, expr: Expr) -> None:
    program = compile({"x": expr})
    late = program.batch(walk.rows(500, len(walk)))["x"][expr.stable :]
    np.testing.assert_allclose(late, program.batch(walk)["x"][500 + expr.stable :], rtol=1e-6)


def test_what_does_not_move_is_its_own_exponential_mean() -> None:
    for level in (33.333, 100.7, 0.1):
        n = 60
        flat = np.full(n, level)
        times = 3_600_000 * np.arange(n)
        still = Bars("F", Timeframe.of("1h"), times, flat, flat, flat, flat, np.zeros(n))
        seen = compile({"e": ema(close, 10) - close, "w": wilder(close, 7) - close}).batch(still)
        assert np.nanmax(np.abs(seen["e"])) == np.nanmax(np.abs(seen["w"])) == 0.0


def test_a_range_after_an_unknown_close_does_not_depend_on_the_reading() -> None:
    rng = np.random.default_rng(2)
    n = 60
    middle = 100.0 + np.cumsum(rng.standard_normal(n))
    columns = {"open": middle, "high": middle + 1.0, "low": middle - 1.0, "close": middle}
    hole = {name: np.where(np.isin(np.arange(n), (30, 40, 41)), np.nan, values)
            for name, values in columns.items()}  # fmt: skip
    times = 3_600_000 * np.arange(n)
    extra = {f"E.{name}": values for name, values in hole.items()} | {"E.volume": np.ones(n)}
    bars = Bars("O", Timeframe.of("1h"), times, *columns.values(), np.ones(n), extra)
    program = compile({"nan": of("E", true_range("nan")), "range": of("E", true_range())})
    seen, stream = program.batch(bars), program.stream()
    rows = np.array([stream.push_row(bar).copy() for bar in bars])
    np.testing.assert_array_equal(rows[:, 0], seen["nan"])
    np.testing.assert_array_equal(rows[:, 1], seen["range"])
    assert np.isnan(seen["nan"][[0, 30, 31, 40, 41, 42]]).all()
    np.testing.assert_allclose(seen["range"][[31, 42]], 2.0, rtol=1e-12)
