"""Chandelier Exit against the golden values and a plain loop over everget's rules."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.indicators.test_golden import ROWS, written_out

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.indicators import chandelier

UP = [43, 86, 130, 173, 217, 261]
DOWN = [65, 109, 152, 196, 240, 283]


@pytest.fixture(scope="module")
def golden() -> dict[str, Floats]:
    return compile(chandelier()).batch(written_out())


def test_stops_and_direction_are_the_golden_ones(golden: dict) -> None:
    rows = list(ROWS)
    assert golden["long_stop"][rows] == pytest.approx((103.6416189, 107.3272218, 110.5757311))
    assert golden["short_stop"][rows] == pytest.approx((101.007216, 103.9520832, 100.6476179))
    np.testing.assert_array_equal(golden["direction"][rows], (-1.0, 1.0, -1.0))


def test_the_direction_turns_on_the_listed_bars(golden: dict) -> None:
    assert np.flatnonzero(golden["buy"] == 1.0).tolist() == UP
    assert np.flatnonzero(golden["sell"] == 1.0).tolist() == DOWN


def test_the_first_bars_are_unknown_and_no_signal(golden: dict) -> None:
    first = {name: int(np.flatnonzero(~np.isnan(v))[0]) for name, v in golden.items()}
    assert (first["long_stop"], first["short_stop"]) == (21, 21)
    assert first["direction"] == 22
    assert (first["buy"], first["buy_age"], first["sell_age"]) == (23, UP[0], DOWN[0])
    np.testing.assert_array_equal(golden["buy_age"][UP[0] : UP[1]], np.arange(UP[1] - UP[0]))


def followed(bars: Bars, n: int, multiple: float, use_close: bool) -> dict[str, Floats]:
    """Follow the script bar by bar; its direction begins with 1."""
    reach, held, direction = 0.0, [math.nan, math.nan], 1.0
    rows: list[tuple[float, float, float]] = []
    for t in range(len(bars)):
        before = bars.close[max(t - 1, 0)]
        size = max(bars.high[t], before) - min(bars.low[t], before)
        size = size if t else bars.high[0] - bars.low[0]
        reach = reach + size / n if t < n else (reach * (n - 1) + size) / n
        if t < n - 1:
            rows.append((math.nan, math.nan, math.nan))
            continue
        window = slice(t - n + 1, t + 1)
        top = (bars.close if use_close else bars.high)[window].max() - multiple * reach
        bottom = (bars.close if use_close else bars.low)[window].min() + multiple * reach
        was = [top if math.isnan(held[0]) else held[0], bottom if math.isnan(held[1]) else held[1]]
        held = [
            max(top, was[0]) if before > was[0] else top,
            min(bottom, was[1]) if before < was[1] else bottom,
        ]
        below = -1.0 if bars.close[t] < was[0] else direction
        direction = 1.0 if bars.close[t] > was[1] else below
        rows.append((held[0], held[1], direction))
    names = ("long_stop", "short_stop", "direction")
    return dict(zip(names, np.array(rows).T, strict=True))


@pytest.mark.parametrize(("n", "multiple", "use_close"), [(22, 3.0, True), (10, 1.5, False)])
def test_stops_follow_the_script(n: int, multiple: float, use_close: bool, walk: Bars) -> None:
    seen = compile(chandelier(n, multiple, use_close)).batch(walk)
    expected = followed(walk, n, multiple, use_close)
    for name in ("long_stop", "short_stop"):
        np.testing.assert_allclose(seen[name], expected[name], rtol=1e-12)
    known = ~np.isnan(seen["direction"])
    assert known.argmax() < 3 * n
    np.testing.assert_array_equal(seen["direction"][known], expected["direction"][known])
    turns = np.diff(expected["direction"][known])
    assert np.nansum(seen["buy"]) == np.count_nonzero(turns > 0.0) > 10
    assert np.nansum(seen["sell"]) == np.count_nonzero(turns < 0.0) > 10


def test_a_market_that_does_not_move_has_no_direction(walk: Bars) -> None:
    still = {name: np.full(len(walk), 100.0) for name in ("open", "high", "low", "close")}
    seen = compile(chandelier()).batch(replace(walk, **still))
    assert np.isnan(seen["direction"]).all()
    np.testing.assert_array_equal(seen["long_stop"][21:], 100.0)
    np.testing.assert_array_equal(seen["short_stop"][21:], 100.0)
