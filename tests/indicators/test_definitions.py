"""What an indicator means where no table says so: known worlds, edges, and refusals."""

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.causal import Expr, compile, lag
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import (
    corwin_schultz,
    efficiency_ratio,
    fractals,
    heikin_ashi,
    hurst,
    ichimoku,
    obv,
    obv_slope,
    permutation_entropy,
    pivot_points,
    roll_spread,
    supertrend,
    variance_ratio,
    vwap,
)
from folkmoot.indicators.pivot_points import KINDS

HOUR = Timeframe.of("1h")


def bars_of(close: Floats, reach: float = 0.0, start: int = 0) -> Bars:
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) + reach, np.minimum(open_, close) - reach
    times = start + HOUR.ms * np.arange(len(close), dtype=np.int64)
    return Bars("X", HOUR, times, open_, high, low, close, np.ones(len(close)))


def last(expr: Expr, bars: Bars) -> float:
    return float(compile({"x": expr}, bars.timeframe).batch(bars)["x"][-1])


def traded(spread: float, bars: int = 3_000, trades: int = 200) -> Bars:
    """Make bars of a walk that is bought and sold half a relative spread away from its middle."""
    rng = np.random.default_rng(3)
    middle = np.cumsum(0.0005 * rng.standard_normal(bars * trades))
    side = rng.choice([-1.0, 1.0], bars * trades)
    price = 100.0 * np.exp(middle + 0.5 * spread * side).reshape(bars, trades)
    times = HOUR.ms * np.arange(bars, dtype=np.int64)
    ends = (price[:, 0], price.max(axis=1), price.min(axis=1), price[:, -1])
    return Bars("X", HOUR, times, *ends, np.ones(bars))


def test_the_spread_estimators_find_the_spread_that_was_put_in() -> None:
    assert last(roll_spread(2_900), traded(0.02)) == pytest.approx(0.02, rel=0.1)
    assert last(corwin_schultz(2_900), traded(0.01)) == pytest.approx(0.01, rel=0.15)


def test_a_walk_has_no_memory_and_a_line_has_all_of_it() -> None:
    walk = random_walk(4_000)
    line = bars_of(np.exp(0.001 * np.arange(300.0)))
    assert last(hurst(n=3_000), walk) == pytest.approx(0.5, abs=0.05)
    assert last(hurst(n=100), line) == pytest.approx(1.0, abs=1e-9)
    assert last(variance_ratio(n=3_000), walk) == pytest.approx(1.0, abs=0.1)
    assert last(permutation_entropy(n=3_000), walk) > 0.99
    assert last(efficiency_ratio(n=100), line) == pytest.approx(1.0)


def test_the_slope_of_obv_forgets_where_the_sum_began() -> None:
    bars = random_walk(400)
    whole = compile({"x": obv_slope()}).batch(bars)["x"]
    later = compile({"x": obv_slope()}).batch(bars.rows(150, 400))["x"]
    np.testing.assert_array_equal(later[19:], whole[169:])
    assert last(obv(), bars) != last(obv(), bars.rows(150, 400))


def test_the_direction_of_supertrend_is_unknown_until_a_close_leaves_a_band() -> None:
    quiet = 100.0 + 0.1 * np.sin(np.arange(60.0))
    close = np.concatenate((quiet, quiet[-1] + 3.0 * np.arange(1.0, 20.0)))
    values = compile(supertrend()).batch(bars_of(close, reach=1.0))
    first = int(np.flatnonzero(~np.isnan(values["direction"]))[0])
    assert first >= 60
    assert set(values["direction"][first:]) == {1.0}
    np.testing.assert_array_equal(values["line"][first:], values["lower"][first:])


def test_the_first_averaged_candle_opens_in_the_middle_of_its_own_body() -> None:
    bars = random_walk(50)
    opens = compile(heikin_ashi()).batch(bars)["open"]
    assert opens[0] == (bars.open[0] + bars.close[0]) / 2.0


def test_no_line_of_the_cloud_is_drawn_back_in_time() -> None:
    bars, lines = random_walk(300), ichimoku()
    exprs = {"now": lines["span_a"], "under": lines["cloud_a"], "late": lag(lines["span_a"], 25)}
    values = compile(exprs).batch(bars)
    np.testing.assert_array_equal(values["under"], values["late"])
    values = compile({"x": lines["lagging"]}).batch(bars)["x"]
    np.testing.assert_array_equal(values[25:], bars.close[25:] - bars.close[:-25])


def test_a_session_begins_anew_with_its_anchor() -> None:
    bars = bars_of(100.0 + np.arange(60.0), start=5 * HOUR.ms)
    values = compile(vwap()).batch(bars)
    typical = (bars.high + bars.low + bars.close) / 3.0
    assert np.isnan(values["vwap"][:19]).all()
    assert values["vwap"][19] == typical[19]
    assert values["upper"][43] == values["lower"][43] == typical[43]
    assert values["vwap"][42] == pytest.approx(typical[19:43].mean(), rel=1e-14)


def test_pivot_points_stand_through_the_day_after() -> None:
    bars = bars_of(100.0 + np.sin(np.arange(96.0)))
    pivots = compile(pivot_points()).batch(bars)["p"]
    assert np.isnan(pivots[:24]).all()
    for day in (1, 2, 3):
        before = slice(24 * day - 24, 24 * day)
        top, bottom = bars.high[before].max(), bars.low[before].min()
        expected = (top + bottom + bars.close[24 * day - 1]) / 3.0
        np.testing.assert_allclose(pivots[24 * day : 24 * day + 24], expected, rtol=1e-15)


def test_the_third_pivots_differ_by_kind() -> None:
    bars = bars_of(100.0 + np.sin(np.arange(72.0)))
    top, bottom, end = bars.high[24:48].max(), bars.low[24:48].min(), bars.close[47]
    middle = (top + bottom + end) / 3.0
    expected = (
        (top + 2.0 * (middle - bottom), bottom - 2.0 * (top - middle)),
        (middle + 2.0 * (top - bottom), middle - 2.0 * (top - bottom)),
        (middle + (top - bottom), middle - (top - bottom)),
    )
    for kind, levels in zip(KINDS, expected, strict=True):
        made = pivot_points(kind)
        assert (last(made["r3"], bars), last(made["s3"], bars)) == pytest.approx(levels, rel=1e-14)


def test_an_unknown_kind_of_pivot_is_refused() -> None:
    with pytest.raises(UsageError, match="camarilla"):
        pivot_points("camarilla")


def test_a_fractal_is_told_two_bars_after_it_stood() -> None:
    close = np.array([5.0, 6.0, 7.0, 9.0, 7.0, 6.0, 5.0, 4.0])
    bars = Bars("X", HOUR, HOUR.ms * np.arange(8), close, close, close, close, np.ones(8))
    values = compile(fractals()).batch(bars)
    assert values["top"].tolist()[4:] == [0.0, 1.0, 0.0, 0.0]
    assert values["top_price"][5:].tolist() == [9.0, 9.0, 9.0]
    assert values["top_age"][5:].tolist() == [0.0, 1.0, 2.0]
