"""The set `vumanchu`, and Sommi's patterns against bars of coarser timeframes built by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.causal.test_at import aggregated, held, market
from tests.conftest import random_walk
from tests.indicators import pine

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe
from folkmoot.features import HIGHER, feature_set
from folkmoot.features.sommi import sommi
from folkmoot.indicators import cipher_b

SIDES = {
    "cross_up": "cross_down",
    "buy": "sell",
    "wt_any_bull": "wt_any_bear",
    "wt_any_bull_hidden": "wt_any_bear_hidden",
}


@pytest.fixture(scope="module")
def long_walk() -> Bars:
    return random_walk(6_000, seed=21)


def reflected(bars: Bars) -> Bars:
    level = bars.high.max() + bars.low.min()
    high, low = level - bars.low, level - bars.high
    return replace(bars, open=level - bars.open, high=high, low=low, close=level - bars.close)


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_every_timeframe_has_the_ciphers_and_sommi_where_there_is_a_coarser_one(
    timeframe: str,
) -> None:
    names = feature_set("vumanchu", timeframe).names
    assert len(names) == (28 if HIGHER[timeframe] else 20)
    assert {"wt1", "rsimfi", "stc", "ribbon_dir", "buy", "buy_age", "sell_div_age"} <= set(names)


def test_long_and_short_change_places_in_the_mirror(walk: Bars) -> None:
    program = compile(cipher_b())
    plain, turned = program.batch(walk), program.batch(reflected(walk))
    for up, down in SIDES.items():
        for suffix in ("", "_age"):
            np.testing.assert_array_equal(turned[up + suffix], plain[down + suffix])
            np.testing.assert_array_equal(turned[down + suffix], plain[up + suffix])
        assert np.nansum(plain[up]) >= 5.0, up


def test_events_are_flags_and_ages_end_at_200(long_walk: Bars) -> None:
    seen = feature_set("vumanchu", "1h")
    table = seen.matrix(long_walk)
    for column in seen.columns:
        values = table.of(column.name)[:, 0]
        known = values[~np.isnan(values)]
        if column.name.endswith("_age"):
            assert known.min() == 0.0, column.name
            assert known.max() <= 200.0, column.name
        elif column.mirror == "none":
            assert set(np.unique(known)) == {0.0, 1.0}, column.name


def averaged_rises(bars: Bars) -> Floats:
    """Whether the Heikin-Ashi candle of each bar rises, in plain loops."""
    begun, ended, out = (bars.open[0] + bars.close[0]) / 2.0, np.nan, []
    for t, bar in enumerate(bars):
        begun = (begun + ended) / 2.0 if t else begun
        ended = (bar.open + bar.high + bar.low + bar.close) / 4.0
        out.append(float(ended > begun))
    return np.array(out)


def expected_sommi(bars: Bars, flag: str, diamond: tuple[str, str]) -> dict[str, list[bool]]:
    """Follow the rules of algorithms.md section 8.8 on closed coarse bars."""
    wt1, wt2 = pine.wavetrend(((bars.high + bars.low + bars.close) / 3.0).tolist(), 9, 12, 3)
    columns = {n: bars.column(n).tolist() for n in ("open", "high", "low", "close")}
    flow = [x - 2.5 for x in pine.money_flow(columns, 60, 150.0, False)]
    coarse = aggregated(bars, Timeframe.of(flag))
    slow = pine.wavetrend(((coarse.high + coarse.low + coarse.close) / 3.0).tolist(), 9, 12, 3)
    gap = held(bars, coarse, np.array(slow[0]) - np.array(slow[1]))
    frames = [aggregated(bars, Timeframe.of(label)) for label in diamond]
    rises = [held(bars, frame, averaged_rises(frame)) for frame in frames]
    up, down = pine.crossover(wt1, wt2), pine.crossover(wt2, wt1)
    rows = range(len(bars))
    rose = [all(r[t] == 1.0 for r in rises) for t in rows]
    fell = [all(r[t] == 0.0 for r in rises) for t in rows]
    return {
        "flag_bear": [down[t] and wt2[t] > 0 and flow[t] < 0 and gap[t] < 0 for t in rows],
        "flag_bull": [up[t] and wt2[t] < 0 and flow[t] > 0 and gap[t] > 0 for t in rows],
        "diamond_bear": [down[t] and wt2[t] >= 0 and fell[t] for t in rows],
        "diamond_bull": [up[t] and wt2[t] <= 0 and rose[t] for t in rows],
    }


@pytest.mark.parametrize(
    ("fine", "flag", "diamond"), [("15m", "4h", ("1h", "4h")), ("5m", "1d", ("1h", "4h"))]
)
def test_sommi_reads_closed_coarse_bars_alone(
    fine: str, flag: str, diamond: tuple[str, str]
) -> None:
    bars = market(fine, 5, n=12_000, missing=0.01)
    seen = compile(sommi(flag, diamond), fine).batch(bars)
    for name, event in expected_sommi(bars, flag, diamond).items():
        expected, known = np.array(event, dtype=np.float64), ~np.isnan(seen[name])
        np.testing.assert_array_equal(seen[name][known], expected[known], name)
        assert not expected[~known].any(), name
        assert expected.sum() >= 3.0, name
        np.testing.assert_array_equal(seen[f"{name}_age"][known], pine.ages(event)[known], name)


def test_a_diamond_needs_a_timeframe_and_none_may_be_the_bars_own() -> None:
    with pytest.raises(UsageError, match="diamond"):
        sommi(diamond=())
    with pytest.raises(UsageError):
        compile(sommi(), "1h")
