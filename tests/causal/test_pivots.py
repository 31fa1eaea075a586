"""Swings, the lines through them and the watch on a line, against plain searches."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.causal import Expr, channel, close, column, compile, high, low, swing, watch, wilder
from folkmoot.causal.inputs import volume
from folkmoot.causal.operators import true_range
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

Event = tuple[int, int, float, int]
"""Bar of confirmation, 1 for a high or -1 for a low, price, bar of the swing."""

REACH = 2.0


def real(folder: Path, name: str) -> Bars:
    import pyarrow.parquet as pq

    files = {"BTC": "ohlcv/BTC-USDT_1h", "ES": "ohlcv/ES_5m"}
    path = files.get(name, "oracles/tradingview_lorentzian_NIFTY_1d")
    table = pq.read_table(folder / "data" / f"{path}.parquet")
    times = table["timestamp"].cast("int64").to_numpy()
    prices = [table[c].to_numpy() for c in ("open", "high", "low", "close")]
    frame = Timeframe.of({"BTC": "1h", "ES": "5m"}.get(name, "1d"))
    return Bars(name, frame, times, *prices, np.full(len(times), np.nan))


def events_of(values: dict[str, Floats]) -> list[Event]:
    bars = np.flatnonzero(np.nan_to_num(values["turn"]))
    return [
        (int(t), int(values["turn"][t]), float(values["price"][t]), int(t - values["age"][t]))
        for t in bars
    ]


def zigzag(reach: Expr | float) -> dict[str, Expr]:
    return {name: swing(high, low, reach, name) for name in ("turn", "price", "age", "side")}


def searched(bars: Bars, reach: float) -> list[Event]:
    """Find swings by looking over all bars since the last one, every time anew."""
    found: list[Event] = []
    begin, side = 0, 0
    for t in range(len(bars)):
        top, bottom = bars.high[begin : t + 1], bars.low[begin : t + 1]
        fall = top.max() - bars.close[t] if side >= 0 else -1.0
        rise = bars.close[t] - bottom.min() if side <= 0 else -1.0
        if max(fall, rise) < reach or fall == rise:
            continue
        side = -1 if fall > rise else 1
        place = begin + int(top.argmax() if side < 0 else bottom.argmin())
        price = bars.high[place] if side < 0 else bars.low[place]
        confirmed = found[-1][0] if found else 0
        found.append((t, -side, float(price), place))
        begin = min(t, max(place + 1, confirmed))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("reach", [0.5, 2.0, 7.0])
def test_swings_are_those_of_a_search_over_all_bars(seed: int, reach: float) -> None:
    bars = random_walk(3_000, seed)
    found = events_of(compile(zigzag(reach)).batch(bars))
    expected = searched(bars, reach)
    assert len(expected) > 5
    assert found == expected


def test_highs_and_lows_take_turns_and_are_known_later_than_they_were() -> None:
    found = events_of(compile(zigzag(REACH)).batch(random_walk()))
    sides = [side for _, side, _, _ in found]
    assert all(a == -b for a, b in pairwise(sides))
    assert all(swung <= known for known, _, _, swung in found)
    assert [t for *_, t in found] == sorted(t for *_, t in found)


def test_upside_down_highs_are_lows() -> None:
    bars = random_walk()
    level = bars.high.max() + bars.low.min()
    turned = replace(
        bars,
        open=level - bars.open,
        high=level - bars.low,
        low=level - bars.high,
        close=level - bars.close,
    )
    reach = 2.5 * wilder(true_range(), 14)
    plain, other = (compile(zigzag(reach)).batch(b) for b in (bars, turned))
    np.testing.assert_array_equal(other["turn"], -plain["turn"])
    np.testing.assert_array_equal(other["age"], plain["age"])
    np.testing.assert_allclose(other["price"], level - plain["price"])


@pytest.mark.parametrize("name", ["BTC", "ES", "NIFTY"])
def test_no_past_swing_changes_when_more_bars_are_known(shared: Path, name: str) -> None:
    bars = real(shared, name)
    program = compile(zigzag(3.0 * wilder(true_range(), 14)))
    whole = events_of(program.batch(bars))
    assert len(whole) > 100
    cuts = np.random.default_rng(1).integers(50, len(bars), 25)
    changed = 0
    for cut in cuts.tolist():
        part = events_of(program.batch(bars.until(cut)))
        changed += part != [event for event in whole if event[0] < cut]
    assert changed == 0


def test_older_swings_move_back_by_one_at_every_turn() -> None:
    bars = random_walk()
    names = {f"price{k}": swing(high, low, REACH, "price", k) for k in range(9)}
    names |= {f"age{k}": swing(high, low, REACH, "age", k) for k in range(9)}
    values = compile(names | zigzag(REACH)).batch(bars)
    events = events_of(values)
    last = len(bars) - 1
    for k in range(9):
        _, _, price, place = events[-1 - k]
        assert values[f"price{k}"][last] == price
        assert values[f"age{k}"][last] == last - place


def test_a_market_that_does_not_move_has_no_swing_even_without_reach() -> None:
    n = 200
    level = np.full(n, 7.3)
    times = 3_600_000 * np.arange(n, dtype=np.int64)
    flat = Bars("F", Timeframe.of("1h"), times, level, level, level, level, level)
    values = compile(zigzag(0.0 * close) | {"seen": swing(high, low, 0.0, "seen")}).batch(flat)
    assert not values["turn"].any()
    assert not values["seen"].any()
    assert np.isnan(values["price"]).all()
    assert np.isnan(values["side"]).all()


def test_a_bar_that_falls_and_rises_at_once_confirms_nothing_first() -> None:
    times = 3_600_000 * np.arange(3, dtype=np.int64)
    top, bottom = np.array([110.0, 103.0, 99.0]), np.array([90.0, 97.0, 90.5])
    last = np.array([100.0, 100.0, 91.0])
    bars = Bars("B", Timeframe.of("1h"), times, last, top, bottom, last, last)
    found = events_of(compile(zigzag(5.0)).batch(bars))
    assert found == [(2, 1, 110.0, 0)]


@pytest.mark.parametrize("touches", [2, 3, 4])
def test_lines_are_the_least_squares_lines_through_the_last_swings(touches: int) -> None:
    bars = random_walk(seed=3)
    names = ("upper", "lower", "upper_slope", "lower_slope", "deviation", "span")
    lines = {name: channel(high, low, REACH, name, touches) for name in names}
    values = compile(lines | zigzag(REACH)).batch(bars)
    events = events_of(values)
    for t in range(700, len(bars), 37):
        known = [event for event in events if event[0] <= t]
        far = []
        for side, line in ((1, "upper"), (-1, "lower")):
            picked = [event for event in known if event[1] == side][-touches:]
            x, y = np.array([e[3] - t for e in picked]), np.array([e[2] for e in picked])
            slope, level = np.polyfit(x, y, 1)
            far.append(np.abs(y - level - slope * x).max())
            assert values[line][t] == pytest.approx(level, abs=1e-8)
            assert values[f"{line}_slope"][t] == pytest.approx(slope, abs=1e-8)
        assert values["deviation"][t] == pytest.approx(max(far), abs=1e-8)
        assert values["span"][t] == t - known[-2 * touches][3]


def watched(bars: Bars, events: Floats, life: int, above: bool) -> tuple[Floats, Floats]:
    """Return the line and the breakouts of lines from 1 above the close, falling 0.02 a bar."""
    line, broken = np.full(len(bars), np.nan), np.zeros(len(bars))
    for start in np.flatnonzero(events):
        stop = min([*(t for t in np.flatnonzero(events) if t > start), start + life, len(bars)])
        level = bars.close[start] + 1.0
        line[start : min(start + life, len(bars))] = np.nan
        ages = np.arange(stop - start)
        line[start:stop] = level - 0.02 * ages
        beyond = np.flatnonzero((bars.close > line)[start:stop] == above)
        if len(beyond):
            broken[start + beyond[0]] = 1.0
    return line, broken


@pytest.mark.parametrize("above", [True, False])
def test_a_line_is_broken_by_the_first_close_beyond_it(above: bool) -> None:
    walked = random_walk(seed=5)
    events = (np.random.default_rng(2).random(len(walked)) < 0.02).astype(float)
    bars = replace(walked, extra={"event": events})
    read = (column("event"), close + 1.0, -0.02)
    names = ("line", "age", "breakout", "crossed")
    values = compile({name: watch(*read, name, above, life=40) for name in names}).batch(bars)
    line, broken = watched(bars, events, 40, above)
    np.testing.assert_allclose(values["line"], line)
    np.testing.assert_array_equal(values["breakout"], broken)
    assert np.nanmax(values["age"]) == 40.0
    np.testing.assert_array_equal(np.isnan(values["age"]), np.cumsum(events) == 0)
    assert (values["crossed"] >= values["breakout"]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: swing(high, low, 1.0, "pivot"),
        lambda: swing(high, low, 1.0, "price", 9),
        lambda: channel(high, low, 1.0, "middle"),
        lambda: channel(high, low, 1.0, "upper", 5),
        lambda: watch(close > 1.0, close, 0.0, "state", above=True),
        lambda: watch(close > 1.0, volume, 0.0, "line", above=True, life=0),
    ],
)
def test_what_is_not_there_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()
