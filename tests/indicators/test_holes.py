"""What an indicator makes of another market that lacks bars, and of values that tie."""

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot import join
from folkmoot.causal import close, column, compile, lag, of, where
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import (
    divergence,
    heikin_ashi,
    lorentzian_features,
    lorentzian_filters,
    relative_volatility,
    vwap,
)
from folkmoot.indicators.divergence import TIE

HOUR = Timeframe.of("1h")
HOLE = slice(300, 303)


def flat(prices: Floats) -> Bars:
    times = HOUR.ms * np.arange(len(prices), dtype=np.int64)
    return Bars("X", HOUR, times, *[prices] * 4, np.ones(len(prices)))


def other(bars: Bars) -> Bars:
    """Return the bars under the name E, without those of the hole."""
    kept = np.r_[: HOLE.start, HOLE.stop : len(bars)]
    names = ("open", "high", "low", "close", "volume")
    columns = (bars.column(name)[kept] for name in names)
    return Bars("E", bars.timeframe, bars.open_time[kept], *columns)


def across(expr: object) -> tuple[Floats, Floats]:
    """Return an expression over a whole walk, and over one that lacks the bars of the hole."""
    walk = random_walk(1_200)
    whole = compile({"x": expr}, "1h").batch(walk)["x"]
    return whole, compile({"x": of("E", expr)}, "1h").batch(join(walk, other(walk)))["x"]


def test_a_price_before_an_unknown_bar_is_not_zero() -> None:
    filters = lorentzian_filters(movement=(14, 60.0), original=True)
    for expr in (lorentzian_features()["n_adx"], 1.0 * filters["adx"]):
        whole, holed = across(expr)
        assert np.isnan(holed[HOLE.start : HOLE.stop + 1]).all()
        np.testing.assert_allclose(holed[HOLE.stop + 1 : 330], whole[HOLE.stop + 1 : 330], atol=0.2)


def test_the_candle_after_an_unknown_bar_has_no_made_up_open() -> None:
    whole, holed = across(heikin_ashi()["open"])
    # The open of the first missing bar is known: it is the middle of the body before.
    assert np.isnan(holed[HOLE.start + 1 : HOLE.stop + 1]).all()
    walk, t = random_walk(1_200), HOLE.stop
    middle = np.mean([walk.column(name)[t] for name in ("open", "high", "low", "close")])
    assert holed[t + 1] == pytest.approx((holed[HOLE.start] + middle) / 2.0, rel=1e-15)
    np.testing.assert_allclose(holed[t + 60 :], whole[t + 60 :], rtol=1e-9)


def frozen() -> Bars:
    """A walk that stands still from its 200th bar on."""
    close = random_walk(1_500).close.copy()
    close[200:] = close[200]
    return flat(close)


@pytest.mark.parametrize("line", [None, close, lag(close) * (1.0 / 3.0) + 0.1 * close])
def test_a_frozen_market_has_no_fractal(line: object) -> None:
    made = divergence(line)
    seen = compile({name: made[name] for name in ("top", "bottom")}).batch(frozen())
    for name in ("top", "bottom"):
        assert np.nansum(seen[name][:200]) > 5.0
        assert np.nansum(seen[name][210:]) == 0.0


def test_values_that_differ_by_rounding_tie() -> None:
    noise = column("noise")
    bars = random_walk(1_000)
    x = 50.0 + 10.0 * TIE * np.random.default_rng(1).random(1_000)
    told = Bars(
        "X", HOUR, bars.open_time, *[bars.column(n) for n in ("open", "high", "low", "close")],
        bars.volume, {"noise": x},
    )  # fmt: skip
    made = divergence(noise)
    seen = compile({"top": made["top"], "bottom": made["bottom"]}).batch(told)
    assert np.nansum(seen["top"]) == np.nansum(seen["bottom"]) == 0.0


def quiet() -> Bars:
    """A walk of which one bar in three repeats the close before it."""
    same = np.random.default_rng(4).random(3_000) < 1.0 / 3.0
    return flat(random_walk(3_000).close[np.cumsum(~same)])


def test_the_fractals_of_a_quiet_market_do_not_hang_on_where_its_history_begins() -> None:
    made = divergence()
    program = compile({name: made[name] for name in ("top", "bottom")})
    whole, later = program.matrix(quiet()), program.matrix(quiet().rows(500, 3_000))
    np.testing.assert_array_equal(later[700:], whole[1_200:])
    assert whole[1_200:].sum() > 50.0


def test_an_unchanged_close_counts_among_the_falling_ones() -> None:
    steps = np.array([1.0, 0.0] * 200)
    seen = compile({"x": relative_volatility()}).batch(flat(100.0 + np.cumsum(steps)))["x"]
    assert seen[-2:] == pytest.approx([50.0, 50.0], abs=6.0)
    falls = compile({"x": relative_volatility()}).batch(flat(500.0 - np.cumsum(steps)))["x"]
    np.testing.assert_array_equal(falls[30:], np.zeros(370))


def test_the_volume_of_a_bar_whose_price_is_unknown_does_not_count() -> None:
    walk = random_walk(240)
    x = where(column("seen") > 0.0, close, column("seen"))
    seen = np.where(np.arange(240) % 5 == 2, np.nan, 1.0)
    known = ~np.isnan(seen)
    told = Bars(
        "X", HOUR, walk.open_time, *[walk.column(n) for n in ("open", "high", "low", "close")],
        walk.volume, {"seen": seen},
    )  # fmt: skip
    values = compile(vwap(x)).batch(told)["vwap"]
    day = (walk.open_time // (24 * HOUR.ms))[-1] == walk.open_time // (24 * HOUR.ms)
    chosen = day & known
    expected = np.average(walk.close[chosen], weights=walk.volume[chosen])
    assert values[np.flatnonzero(known)[-1]] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(values[~known]).all()
