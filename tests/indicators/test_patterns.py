"""Chart patterns on drawn charts, upside down, on straight lines and on real bars."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.causal import Expr, compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators.double_tops import double_tops
from folkmoot.indicators.fibonacci import EXTENSIONS, RETRACEMENTS, fibonacci
from folkmoot.indicators.flags import flags
from folkmoot.indicators.head_and_shoulders import head_and_shoulders
from folkmoot.indicators.patterns import SIGNED, SYMMETRICAL, patterns
from folkmoot.indicators.rectangles import rectangles
from folkmoot.indicators.swings import swings
from folkmoot.indicators.triangles import triangles

HOUR = Timeframe.of("1h")
WICK, SLOPE = 0.25, 0.8
RANGE = SLOPE + 2.0 * WICK
"""The true range of every bar of a chart of legs, and so its ATR."""

FAMILIES: dict[str, Callable[..., dict[str, Expr]]] = {
    "head_and_shoulders": head_and_shoulders,
    "double_tops": double_tops,
    "triangles": triangles,
    "rectangles": rectangles,
    "flags": flags,
}
MIRROR = {
    "top": "bottom",
    "double_top": "double_bottom",
    "triple_top": "triple_bottom",
    "ascending": "descending",
    "rising_wedge": "falling_wedge",
    "symmetrical": "symmetrical",
    "rectangle": "rectangle",
    "bear": "bull",
}
OPPOSITE = MIRROR | {other: name for name, other in MIRROR.items()}
KINDS = tuple(OPPOSITE)


def bars_of(close: Floats, wick: float = WICK) -> Bars:
    start = np.concatenate((2.0 * close[:1] - close[1:2], close[:-1]))
    top, bottom = np.maximum(start, close) + wick, np.minimum(start, close) - wick
    times = HOUR.ms * np.arange(len(close), dtype=np.int64)
    return Bars("DRAWN", HOUR, times, start, top, bottom, close, np.ones(len(close)))


def legs(*moves: float, start: float = 80.0) -> Bars:
    """Draw a path of straight legs, each bar of which moves by `SLOPE`."""
    steps = [np.full(round(abs(move) / SLOPE), np.sign(move) * SLOPE) for move in moves]
    return bars_of(start + np.concatenate(([0.0], np.cumsum(np.concatenate(steps)))))


def knots(*points: tuple[float, float]) -> Bars:
    """Draw a path through (bar, price)."""
    x, y = zip(*points, strict=True)
    return bars_of(np.interp(np.arange(x[-1] + 1), x, y))


def reflected(bars: Bars) -> Bars:
    level = bars.high.max() + bars.low.min()
    prices = {"open": bars.open, "high": bars.low, "low": bars.high, "close": bars.close}
    return replace(bars, **{name: level - values for name, values in prices.items()})


def inverted(bars: Bars) -> Bars:
    prices = {"open": bars.open, "high": bars.low, "low": bars.high, "close": bars.close}
    return replace(bars, **{name: 1.0 / values for name, values in prices.items()})


def everything(**options: bool) -> dict[str, Expr]:
    return {name: expr for family in FAMILIES.values() for name, expr in family(**options).items()}


def seen(bars: Bars, made: dict[str, Expr]) -> dict[str, Floats]:
    return compile(made).batch(bars)


def when(values: Floats) -> list[int]:
    return np.flatnonzero(np.nan_to_num(values)).tolist()


def found(values: dict[str, Floats]) -> dict[str, list[int]]:
    """Return the kinds that were found and where."""
    return {kind: when(values[kind]) for kind in KINDS if kind in values and when(values[kind])}


SHOULDERS = legs(20, -8.8, 12.8, -12, 8, -24)
"""Left shoulder on bar 25, trough 36, head 52, trough 67, right shoulder 77, then down."""


def test_a_head_and_shoulders_is_known_when_its_right_shoulder_is_confirmed() -> None:
    values = seen(SHOULDERS, head_and_shoulders())
    # The close has to fall by 3 ATR below the shoulder's high: 5 bars of 0.8 and the wick.
    assert found(values) == {"top": [82]}
    rise = 0.8 / 31
    level = 91.2 - WICK + rise * (82 - 36)
    assert values["top_level"][82] == pytest.approx(level, abs=1e-9)
    assert values["top_level"][90] == pytest.approx(level + 8 * rise, abs=1e-9)
    head = 104.0 + WICK - (91.2 - WICK + rise * (52 - 36))
    assert values["top_height"][82] == pytest.approx(head / RANGE, abs=1e-9)
    assert when(values["top_breakout"]) == [87]
    assert values["top_age"][90] == 8.0
    assert values["top_breakout_age"][90] == 3.0


def test_the_quality_of_a_head_and_shoulders_is_as_defined() -> None:
    values = seen(SHOULDERS, head_and_shoulders())
    expected = (1.0 + (1.0 - 0.8 / RANGE) + 25 / 27) / 3.0
    assert values["top_quality"][82] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("percent", "known"), [(0.9, [82]), (0.3, [])])
def test_levels_may_be_compared_in_percent_of_the_price(percent: float, known: list[int]) -> None:
    # The troughs are 0.8 apart and the close is 96: 0.42 % on either side of their mean.
    values = seen(SHOULDERS, head_and_shoulders(percent=percent))
    assert when(values["top"]) == known


def test_a_close_above_the_head_voids_the_breakout() -> None:
    values = seen(legs(20, -8, 12, -12, 8, -4.8, 12, -32), head_and_shoulders())
    assert len(when(values["top"])) == 1
    assert when(values["top_breakout"]) == []


@pytest.mark.parametrize(
    ("moves", "kind", "level", "height"),
    [
        ((24, -10.4, 10.4, -24), "double_top", -10.4, 10.4),
        ((24, -12, 8, -8, 12, -24), "double_top", -12.0, 12.0),
        ((24, -8, 8, -8, 8, -24), "triple_top", -8.0, 8.0),
        ((24, -8, 8.8, -8.8, 8, -24), "triple_top", -8.0, 8.8 / 3.0 + 8.0 - 0.8 / 3.0 * 10),
    ],
)
def test_level_tops_are_found_with_the_trough_between(
    moves: tuple[float, ...], kind: str, level: float, height: float
) -> None:
    bars = legs(*moves)
    values = seen(bars, double_tops(apart=20))
    (known,) = when(values[kind])[-1:]
    last_top = len(bars) - 1 - 30
    assert known == last_top + 5
    assert values[f"{kind}_level"][known] == pytest.approx(104.0 + level - WICK, abs=1e-9)
    tops = (height + 2.0 * WICK) / RANGE
    assert values[f"{kind}_height"][known] == pytest.approx(tops, abs=0.3)
    (broken,) = when(values[f"{kind}_breakout"])[-1:]
    assert bars.close[broken] < 104.0 + level - WICK < bars.close[broken - 1]


def test_two_tops_too_near_to_each_other_are_no_double_top() -> None:
    bars = legs(24, -8, 8, -24)
    assert found(seen(bars, double_tops(apart=20))) == {}
    assert found(seen(bars, double_tops(apart=19))) == {"double_top": [55]}


def test_a_double_top_needs_an_advance_into_it() -> None:
    # The swing before the first top lies above the trough between the two.
    bars = legs(24, -8, 8, -12, 12, -24)
    assert "double_top" not in found(seen(bars, double_tops(apart=25)))


LINES = {
    "symmetrical": (-0.1, 0.1),
    "ascending": (0.0, 0.2),
    "descending": (-0.2, 0.0),
    "rising_wedge": (0.1, 0.3),
    "falling_wedge": (-0.3, -0.1),
}
TURNS = (30, 50, 68, 84, 98, 110)


def between_lines(upper: float, lower: float, after: float) -> Bars:
    """Draw a path that touches two lines in turn, three times each, and then goes elsewhere."""
    points = [(0, 70.0)]
    for place, turn in enumerate(TURNS):
        level = 80.0 + lower * turn if place % 2 else 105.0 + upper * turn
        points.append((turn, level))
    return knots(*points, (150, points[-1][1] + after))


@pytest.mark.parametrize("kind", LINES)
def test_lines_that_converge_are_found_with_their_levels(kind: str) -> None:
    upper, lower = LINES[kind]
    bars = between_lines(upper, lower, 40.0)
    values = seen(bars, triangles(reach=2.0))
    assert set(found(values)) == {kind}
    known = when(values[kind])[-1]
    assert TURNS[-1] < known <= TURNS[-1] + 8
    assert values[f"{kind}_upper"][known] == pytest.approx(105.0 + WICK + upper * known)
    assert values[f"{kind}_lower"][known] == pytest.approx(80.0 - WICK + lower * known)
    (broken,) = when(values[f"{kind}_breakout_up"])[-1:]
    assert bars.close[broken] > 105.0 + WICK + upper * broken
    assert bars.close[broken - 1] <= 105.0 + WICK + upper * (broken - 1)
    assert when(values[f"{kind}_breakout_down"]) == []


def test_the_quality_of_a_triangle_counts_fit_and_progress() -> None:
    values = seen(between_lines(0.0, 0.2, 40.0), triangles(reach=2.0))
    known = when(values["ascending"])[-1]
    span, apex = known - TURNS[0], (25.0 + 2.0 * WICK) / 0.2 - known
    expected = 0.5 * (1.0 + span / (span + apex))
    assert values["ascending_quality"][known] == pytest.approx(expected, abs=1e-9)


def test_a_market_between_two_levels_is_a_rectangle_and_no_triangle() -> None:
    bars = legs(24, -8, 8, -8, 8, -8, 24)
    values = seen(bars, rectangles() | triangles())
    assert list(found(values)) == ["rectangle"]
    # The fifth swing within the range is its third top, the sixth its third low.
    assert found(values)["rectangle"] == [75, 85]
    assert values["rectangle_upper"][80] == pytest.approx(104.0 + WICK)
    assert values["rectangle_lower"][80] == pytest.approx(96.0 - WICK)
    assert values["rectangle_height"][80] == pytest.approx((8.0 + 2.0 * WICK) / RANGE)
    assert values["rectangle_quality"][80] == pytest.approx(1.0)
    assert when(values["rectangle_breakout_up"]) == [91]
    assert when(values["rectangle_breakout_down"]) == []


FLAG = ((0, 95.0), (30, 120.0), (40, 100.0), (48, 105.0), (54, 102.0), (62, 107.0), (85, 80.0))


def test_a_short_channel_against_a_steep_fall_is_a_bear_flag() -> None:
    bars = knots(*FLAG)
    values = seen(bars, flags())
    assert list(found(values)) == ["bear"]
    (known,) = when(values["bear"])
    assert 62 < known < 66
    line = 100.0 - WICK + 2.0 / 14.0 * (known - 40)
    assert values["bear_level"][known] == pytest.approx(line)
    (broken,) = when(values["bear_breakout"])
    assert bars.close[broken] < 100.0 - WICK + 2.0 / 14.0 * (broken - 40) < bars.close[broken - 1]
    assert 0.0 < values["bear_quality"][known] <= 1.0


def test_a_channel_that_takes_back_too_much_is_no_flag() -> None:
    deep = (*FLAG[:3], (48, 111.0), (54, 108.0), (62, 113.0), (85, 80.0))
    assert found(seen(knots(*deep), flags())) == {}


DRAWN = {
    "head and shoulders": SHOULDERS,
    "double top": legs(24, -10.4, 10.4, -24),
    "triple top": legs(24, -8, 8, -8, 8, -24),
    "ascending": between_lines(0.0, 0.2, 40.0),
    "rising wedge": between_lines(0.1, 0.3, -40.0),
    "rectangle": legs(24, -8, 8, -8, 8, -8, 24),
    "flag": knots(*FLAG),
    "walk": random_walk(6_000, 3),
}


def same(found_: Floats, expected: Floats) -> None:
    np.testing.assert_allclose(found_, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("log", [False, True])
def test_upside_down_every_pattern_is_its_opposite(name: str, log: bool) -> None:
    bars = DRAWN[name]
    turned = inverted(bars) if log else reflected(bars)
    plain, other = seen(bars, everything(log=log)), seen(turned, everything(log=log))
    total = 0
    for kind, opposite in OPPOSITE.items():
        assert when(other[opposite]) == when(plain[kind]), kind
        total += len(when(plain[kind]))
        same(other[f"{opposite}_quality"], plain[f"{kind}_quality"])
        same(other[f"{opposite}_height"], plain[f"{kind}_height"])
        for way, back in (("breakout", "breakout"), ("breakout_up", "breakout_down")):
            if f"{kind}_{way}" in plain:
                assert when(other[f"{opposite}_{back}"]) == when(plain[f"{kind}_{way}"])
    assert total > 0


@pytest.mark.parametrize("step", [0.0, 0.3, -0.1])
def test_a_straight_line_has_no_pattern(step: float) -> None:
    values = seen(bars_of(200.0 + step * np.arange(600.0)), everything())
    assert found(values) == {}
    assert not any(when(values[name]) for name in values if "breakout" in name)


def test_a_pattern_is_forgotten_after_two_hundred_bars() -> None:
    quiet = np.concatenate((SHOULDERS.close, SHOULDERS.close[-1] - 0.01 * np.arange(300.0)))
    values = seen(bars_of(quiet), head_and_shoulders())
    assert values["top_age"].tolist()[82 + 150 :: 50] == [150.0] + [200.0] * 3
    for name in ("top_level", "top_height", "top_quality"):
        assert np.flatnonzero(~np.isnan(values[name])).tolist() == list(range(82, 282)), name


def real(folder: Path, name: str) -> Bars:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "data" / f"{name}.parquet")
    times = table["timestamp"].cast("int64").to_numpy()
    prices = [table[c].to_numpy() for c in ("open", "high", "low", "close")]
    frame = Timeframe.of({"1h": "1h", "5m": "5m"}.get(name[-2:], "1d"))
    return Bars(name, frame, times, *prices, np.full(len(times), np.nan))


def list_of(values: dict[str, Floats]) -> list[tuple[int, str, float, float]]:
    """Return every event with its quality and its level, as they were when it became known."""
    events = []
    for kind in KINDS:
        level = values.get(f"{kind}_level", values.get(f"{kind}_upper"))
        rows = when(values[kind])
        events += [(t, kind, values[f"{kind}_quality"][t], level[t]) for t in rows]
        for way in ("breakout", "breakout_up", "breakout_down"):
            events += [
                (t, f"{kind} {way}", 0.0, 0.0) for t in when(values.get(f"{kind}_{way}", level[:0]))
            ]
    return sorted(events)


REAL = ("ohlcv/BTC-USDT_1h", "ohlcv/ES_5m", "oracles/tradingview_lorentzian_NIFTY_1d")


@pytest.mark.parametrize("name", REAL)
def test_no_past_pattern_changes_when_more_bars_are_known(shared: Path, name: str) -> None:
    bars = real(shared, name)
    program = compile(everything())
    whole = list_of(program.batch(bars))
    assert len(whole) > 40
    changed = 0
    for cut in np.random.default_rng(7).integers(300, len(bars), 12).tolist():
        part = list_of(program.batch(bars.until(cut)))
        changed += part != [event for event in whole if event[0] < cut]
    assert changed == 0


def test_patterns_of_bitcoin_are_rare_and_their_quality_is_a_share(
    shared: Path, record_property: Callable[[str, object], None]
) -> None:
    bars = real(shared, REAL[0])
    values = seen(bars, everything())
    counts = {kind: len(rows) for kind, rows in found(values).items()}
    record_property("patterns on BTC 1h", counts)
    assert counts.keys() == set(KINDS)
    assert all(3 <= count <= 300 for count in counts.values())
    for kind in KINDS:
        quality = values[f"{kind}_quality"]
        assert 0.0 <= np.nanmin(quality) <= np.nanmax(quality) <= 1.0
        assert np.nanmin(values[f"{kind}_height"]) > 1.0


@pytest.mark.parametrize("log", [False, True])
def test_the_sums_of_patterns_change_sign_with_the_chart(log: bool) -> None:
    bars = random_walk(6_000, 3)
    turned = inverted(bars) if log else reflected(bars)
    plain, other = seen(bars, patterns(log=log)), seen(turned, patterns(log=log))
    for name in (*SIGNED, "breakouts"):
        assert np.nanstd(plain[name]) > 0.01
        same(other[name], -plain[name])
    for name in SYMMETRICAL:
        same(other[name], plain[name])


def test_what_a_pattern_added_halves_in_twenty_bars() -> None:
    values = seen(SHOULDERS, patterns() | {"quality": head_and_shoulders()["top_quality"]})
    line = values["head_and_shoulders"]
    assert line[81] == 0.0
    assert line[82] == -values["quality"][82]
    assert line[102] == pytest.approx(0.5 * line[82])


def test_fibonacci_levels_are_shares_of_the_last_leg() -> None:
    bars = random_walk()
    values = seen(bars, fibonacci() | swings(log=True))
    turns = sorted(when(values["high"]) + when(values["low"]))
    price = np.log(values["price"])
    for before, last in pairwise(turns):
        start, end, here = price[before], price[last], np.log(bars.close[last])
        assert values["position"][last] == pytest.approx((end - here) / (end - start))
        for share in RETRACEMENTS:
            gap = (here - (end - share * (end - start))) / abs(end - start)
            assert values[f"back_{1000 * share:.0f}"][last] == pytest.approx(gap, abs=1e-9)
        for share in EXTENSIONS:
            gap = (here - (start + share * (end - start))) / abs(end - start)
            assert values[f"beyond_{1000 * share:.0f}"][last] == pytest.approx(gap, abs=1e-9)
