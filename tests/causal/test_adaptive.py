"""Operators that another series steers, against plain loops and TA-Lib."""

import math

import numpy as np
import pytest
import talib

from folkmoot.causal import (
    NEVER,
    Expr,
    at,
    barssince,
    blend,
    close,
    column,
    compile,
    const,
    decay,
    floor,
    high,
    highest,
    highest_ever,
    highest_since,
    hold,
    lag,
    leak,
    low,
    lowest,
    lowest_ever,
    lowest_since,
    otherwise,
    ratchet,
    running,
    starts,
    steady,
    total,
    total_since,
    true_range,
    valuewhen,
    volume,
    wilder,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

HOUR = 3_600_000
MONDAY = 1_704_067_200_000
NAN = math.nan
x, y = column("x"), column("y")


def one(expr: Expr, bars: Bars) -> Floats:
    return compile({"it": expr}).batch(bars)["it"]


def series(first: list[float], second: list[float] | None = None, start: int = MONDAY) -> Bars:
    n = len(first)
    level = np.ones(n)
    extra = {"x": np.array(first), "y": np.array(second or [0.0] * n)}
    times = start + HOUR * np.arange(n)
    return Bars("S", Timeframe.of("1h"), times, level, level, level, level, level, extra)


def check(expr: Expr, first: list[float], second: list[float] | None, wanted: list[float]) -> None:
    np.testing.assert_array_equal(one(expr, series(first, second)), wanted)


def golden() -> Bars:
    t = np.arange(300)
    line = 100 + 10 * np.sin(t / 7) + 3 * np.sin(t / 2.3) + 0.02 * t
    start = np.concatenate((line[:1], line[:-1]))
    top = np.maximum(start, line) + 0.5 + 0.3 * np.cos(t) ** 2
    bottom = np.minimum(start, line) - 0.5 - 0.3 * np.sin(t) ** 2
    return Bars("G", Timeframe.of("1h"), HOUR * t, start, top, bottom, line, np.ones(300))


def test_kaufmans_average_is_that_of_talib(walk: Bars) -> None:
    n = 10
    path = total(abs(close - lag(close)), n)
    share = abs(close - lag(close, n)) / path
    weight = (share * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0) ** 2
    ours = blend(weight, close, least=(2.0 / 31.0) ** 2)
    expected = talib.KAMA(walk.close, n)
    np.testing.assert_allclose(one(ours, walk), expected, rtol=1e-12)
    assert ours.warmup == int(np.flatnonzero(~np.isnan(expected))[0])
    assert ours.stable < 4_000


def test_after_its_stable_length_an_average_has_forgotten_its_start(walk: Bars) -> None:
    weight = 0.02 + 0.2 * abs(close / lag(close) - 1.0)
    for expr in (blend(weight, close, least=0.02), leak(close, 0.97 - weight, most=0.95)):
        late = one(expr, walk.rows(500, len(walk)))[expr.stable :]
        np.testing.assert_allclose(late, one(expr, walk)[500 + expr.stable :], rtol=1e-6)


def test_a_constant_weight_is_an_ordinary_average(walk: Bars) -> None:
    np.testing.assert_allclose(one(blend(0.1, close), walk), one(decay(close, 0.9), walk))
    assert blend(0.1, close).stable == decay(close, 0.9).stable
    assert blend(x, close).stable == NEVER
    np.testing.assert_array_equal(one(blend(1.0, close), walk), walk.close)


def test_an_average_begins_before_the_first_known_weight() -> None:
    check(blend(x, y), [NAN, NAN, 0.5, NAN, 1.0], [8, 4, 6, 9, 7], [NAN, NAN, 5, NAN, 7])
    check(blend(x, y), [0.5, 0.5, 0.5], [NAN, 8, 6], [NAN, 8, 7])
    check(blend(x, y, least=0.5), [0.5, 0.0, 0.25], [8, 4, 6], [8, 6, 6])
    check(blend(x, y), [0.5, -1.0, 2.0], [8, 4, 6], [8, 8, 6])


def test_a_leak_keeps_a_share() -> None:
    check(leak(x, 0.5), [4, 2, NAN, 1], None, [4, 4, NAN, 3])
    check(leak(x, y, most=0.5), [4, 2, 1], [1, 1, -1], [4, 4, -1])
    assert leak(x, 1.0).stable == NEVER
    assert leak(x, 0.5).stable == decay(x, 0.5).stable


def test_a_leak_that_keeps_all_is_a_running_sum(walk: Bars) -> None:
    np.testing.assert_allclose(one(leak(volume, 1.0), walk), one(running(volume), walk), rtol=1e-12)


def test_a_trailing_stop_gives_the_golden_chandelier() -> None:
    distance = 3.0 * wilder(true_range(), 22)
    long = ratchet(highest(close, 22) - distance, close)
    short = ratchet(lowest(close, 22) + distance, close, "short")
    places = [70, 150, 299]
    expected = [103.6416189, 107.3272218, 110.5757311], [101.007216, 103.9520832, 100.6476179]
    np.testing.assert_allclose(one(long, golden())[places], expected[0], rtol=1e-9)
    np.testing.assert_allclose(one(short, golden())[places], expected[1], rtol=1e-9)


def test_a_stop_falls_back_after_the_price_has_crossed_it() -> None:
    check(ratchet(x, y), [5, 4, 6, 3, 2], [9, 9, 5, 9, 9], [5, 5, 6, 3, 3])
    check(ratchet(x, y), [5, 4, NAN, 3], [9, 9, 1, 9], [5, 5, NAN, 5])
    check(ratchet(x, y, "short"), [5, 6, 4, 7], [1, 1, 9, 1], [5, 5, 4, 7])


def test_since_an_event_all_bars_count(walk: Bars) -> None:
    event = close < lag(low)
    ours = {"total": total_since(event, volume), "top": highest_since(event, high)}
    seen = compile({**ours, "bottom": lowest_since(event, low), "age": barssince(event)})
    values = seen.batch(walk)
    for t in (50, 400, 1999):
        span = slice(t - int(values["age"][t]), t + 1)
        assert values["total"][t] == pytest.approx(walk.volume[span].sum(), rel=1e-12)
        assert values["top"][t] == walk.high[span].max()
        assert values["bottom"][t] == walk.low[span].min()
    assert np.isnan(values["total"][0])


def test_an_event_begins_anew_even_where_the_value_is_unknown() -> None:
    event, value = [0, 1, 0, 1, 0, NAN, 0], [1, 2, 3, NAN, 5, 6, 7]
    check(total_since(x, y), event, value, [NAN, 2, 5, NAN, 5, NAN, 12])
    check(highest_since(x, y), event, value, [NAN, 2, 3, NAN, 5, NAN, 7])
    check(lowest_since(x, -y), event, value, [NAN, -2, -3, NAN, -5, NAN, -7])


def test_what_awaits_an_event_forgets_its_start_on_the_event(walk: Bars) -> None:
    event, later = lag(close > lag(highest(close, 60))), walk.rows(400, len(walk))
    awaiting = {
        "hold": hold(event, close),
        "age": barssince(event),
        "value": valuewhen(event, close),
        "total": total_since(event, volume),
        "top": highest_since(event, high),
        "bottom": lowest_since(event, low),
    }
    whole, shorter = compile(awaiting).batch(walk), compile(awaiting).batch(later)
    fires = np.flatnonzero(one(event, later) == 1.0)
    for name, expr in awaiting.items():
        assert (expr.awaits, expr.stable) == (True, event.stable)
        first = int(fires[0])
        assert first > expr.stable
        np.testing.assert_array_equal(shorter[name][first:], whole[name][400 + first :], name)
        assert np.isnan(shorter[name][:first]).all(), name
    assert hold(event, close).stable == valuewhen(event, close).stable
    assert [event.awaits, ratchet(close, close).awaits] == [False, False]


def test_records_are_never_forgotten(walk: Bars) -> None:
    np.testing.assert_array_equal(one(highest_ever(high), walk), np.maximum.accumulate(walk.high))
    np.testing.assert_array_equal(one(lowest_ever(low), walk), np.minimum.accumulate(walk.low))
    assert highest_ever(high).stable == NEVER


def test_the_value_at_an_earlier_event() -> None:
    event, value = [0, 1, 0, 1, 1, NAN, 1], [1, 2, 3, 4, NAN, 6, 7]
    check(valuewhen(x, y), event, value, [NAN, 2, 2, 4, NAN, NAN, 7])
    check(valuewhen(x, y, 1), event, value, [NAN, NAN, NAN, 2, NAN, NAN, 4])
    check(valuewhen(x, y, 2), event, value, [NAN, NAN, NAN, NAN, NAN, NAN, 2])


def test_a_steady_value_stands_for_its_bars() -> None:
    check(steady(x, 3), [1, 2, 2, 3, 1, 1, 1], None, [1, 1, 1, 3, 3, 3, 1])
    check(steady(x, 2), [1, NAN, 2, 2], None, [1, NAN, 1, 2])
    check(steady(x, 1), [1, 2, 3, 1], None, [1, 2, 3, 1])


def test_one_operator_replaces_an_unknown() -> None:
    check(otherwise(x, y), [1, NAN, NAN], [5, 6, NAN], [1, 6, NAN])
    check(otherwise(x, const(0.0)), [1, NAN, 3], None, [1, 0, 3])


def test_floor_is_that_of_numpy(walk: Bars) -> None:
    seen = one(floor((close - 100.0) * 3.0), walk)
    np.testing.assert_array_equal(seen, np.floor((walk.close - 100.0) * 3.0))


@pytest.mark.parametrize("label", ["4h", "1d", "1w"])
def test_periods_begin_where_the_calendar_says(label: str) -> None:
    hours = np.delete(np.arange(400), [24, 25, 47, 48, 168, 200])
    one_ = np.ones(len(hours))
    bars = Bars("P", Timeframe.of("1h"), MONDAY + HOUR * hours, one_, one_, one_, one_, one_)
    length = Timeframe.of(label).ms // HOUR
    expected = np.diff(hours // length, prepend=-1) > 0
    np.testing.assert_array_equal(one(starts(label), bars), expected.astype(float))


def test_whether_the_very_first_bar_begins_a_period_may_be_unknown() -> None:
    seen = one(starts("1d"), series([0.0] * 30, start=MONDAY + 5 * HOUR))
    assert np.isnan(seen[0])
    np.testing.assert_array_equal(np.flatnonzero(seen[1:] == 1.0), [18])


def test_starts_can_be_read_on_a_coarser_timeframe() -> None:
    program = compile({"it": at("4h", starts("1d"))}, "1h")
    seen = program.batch(series([0.0] * 49))["it"]
    np.testing.assert_array_equal(np.flatnonzero(seen == 1.0), [3, 4, 5, 6, *range(27, 31)])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: blend(1.5, x), "blend"),
        (lambda: blend(y, x, least=1.0), "blend"),
        (lambda: leak(x, y, most=-1.0), "leak"),
        (lambda: ratchet(x, y, "both"), "ratchet"),  # type: ignore[arg-type]
        (lambda: valuewhen(x, y, -1), "valuewhen"),
        (lambda: valuewhen(x, y, math.inf), "valuewhen"),  # type: ignore[arg-type]
        (lambda: steady(x, math.nan), "steady"),  # type: ignore[arg-type]
        (lambda: steady(x, True), "steady"),
        (lambda: steady(x, 0), "steady"),
        (lambda: starts("3h"), "timeframe"),
    ],
)
def test_an_impossible_argument_is_refused(call: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()  # type: ignore[operator]
