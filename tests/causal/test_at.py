"""Coarser timeframes against bars built by hand, through gaps and unaligned starts."""

import numpy as np
import pytest

from folkmoot.causal import (
    Expr,
    at,
    close,
    column,
    compile,
    ema,
    gap,
    high,
    hour_of_day,
    lag,
    low,
    mean,
    open_,
    ta,
    true_range,
    volume,
    wilder,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

INNER: dict[str, Expr] = {
    "open": open_,
    "high": high,
    "low": low,
    "close": close,
    "volume": volume,
    "extra": column("x"),
    "mean": mean(close, 3),
    "atr": wilder(true_range(), 3),
    "change": close / lag(close, 2),
    "clock": hour_of_day + gap,
    "mixed": ema(volume, 2) * 2.0,
}


def market(fine: str, seed: int, n: int = 900, missing: float = 0.2) -> Bars:
    """A random walk with a share of its bars missing, beginning at an odd moment."""
    rng = np.random.default_rng(seed)
    frame = Timeframe.of(fine)
    line = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(n)))
    start = line * np.exp(0.002 * rng.standard_normal(n))
    top, bottom = np.maximum(start, line) * 1.001, np.minimum(start, line) * 0.999
    skipped = np.cumsum(np.where(rng.random(n) < missing, rng.integers(1, 9, n), 0))
    first = Timeframe.of("1w").floor(1_650_000_000_000) + int(rng.integers(0, 50)) * frame.ms
    times = first + frame.ms * (np.arange(n) + skipped)
    lots = np.where(rng.random(n) < 0.05, np.nan, rng.random(n))
    return Bars("M", frame, times, start, top, bottom, line, lots, {"x": rng.random(n)})


def aggregated(bars: Bars, coarse: Timeframe) -> Bars:
    """Build the coarse bars one by one; the one that began before the series is left out."""
    slots = [coarse.floor(int(time)) for time in bars.open_time]
    groups: dict[int, list[int]] = {}
    for row, slot in enumerate(slots):
        groups.setdefault(slot, []).append(row)
    if bars.open_time[0] != slots[0]:
        del groups[slots[0]]
    rows = list(groups.values())
    columns = [
        [bars.open[g[0]] for g in rows],
        [bars.high[g].max() for g in rows],
        [bars.low[g].min() for g in rows],
        [bars.close[g[-1]] for g in rows],
        [sum(bars.volume[g].tolist()) for g in rows],
    ]
    extra = {"x": np.array([bars.extra["x"][g[-1]] for g in rows])}
    return Bars("M", coarse, np.array(list(groups)), *map(np.array, columns), extra=extra)


def held(bars: Bars, coarse_bars: Bars, values: Floats) -> Floats:
    """Show each coarse value from the first fine bar that closes at or after its end."""
    known = np.searchsorted(coarse_bars.close_time, bars.close_time, side="right") - 1
    # A coarse bar that has not been seen whole cannot be among those that have ended.
    return np.where(known >= 0, values[np.maximum(known, 0)], np.nan)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("fine", "coarse"),
    [("1h", "4h"), ("1h", "1d"), ("1h", "1w"), ("30m", "1h"), ("1d", "1w"), ("15m", "1h")],
)
def test_a_coarse_bar_is_known_at_its_calendar_end(fine: str, coarse: str, seed: int) -> None:
    bars, frame = market(fine, seed), Timeframe.of(coarse)
    coarse_bars = aggregated(bars, frame)
    expected = compile(INNER).batch(coarse_bars)
    seen = compile({name: at(coarse, inner) for name, inner in INNER.items()}, fine).batch(bars)
    for name, values in expected.items():
        np.testing.assert_array_equal(seen[name], held(bars, coarse_bars, values), err_msg=name)


def test_several_timeframes_share_one_program() -> None:
    bars = market("1h", 9)
    wanted = {
        "4h": at("4h", close),
        "1d": at("1d", close),
        "both": at("4h", close) - at("1d", close),
    }
    seen = compile(wanted, "1h").batch(bars)
    np.testing.assert_array_equal(seen["both"], seen["4h"] - seen["1d"])


def test_the_lengths_are_those_of_an_aligned_start() -> None:
    program = compile({"x": at("4h", mean(close, 3))}, "1h")
    assert program.warmup == {"x": 11}
    assert program.stable["x"] >= 11
    whole = market("1h", 1, missing=0.0)
    start = int(np.flatnonzero(whole.open_time % 14_400_000 == 0)[0])
    seen = program.batch(whole.rows(start, len(whole)))["x"]
    assert int(np.flatnonzero(~np.isnan(seen))[0]) == 11


@pytest.mark.parametrize(
    ("wanted", "timeframe"),
    [
        (lambda: at("4h", at("1d", close)), "1h"),
        (lambda: at("1h", close), "1h"),
        (lambda: at("5m", close), "1h"),
        (lambda: at("4h", close), None),
        (lambda: at("3h", close), "1h"),
        (lambda: at("4h", ta("RSI")), "1h"),
    ],
)
def test_what_has_no_meaning_is_refused(wanted: object, timeframe: str | None) -> None:
    assert callable(wanted)
    with pytest.raises(UsageError):
        compile({"x": wanted()}, timeframe)
