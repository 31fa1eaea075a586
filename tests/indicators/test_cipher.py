"""VuManChu's ciphers against the golden values and against their rules in plain loops.

Money flow, divergences and gold have no outside oracle: no export of either script was found. The
plain loops of `pine` were written from the text of the rules, apart from the product.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.indicators import pine
from tests.indicators.pine import Event, Series
from tests.indicators.test_golden import ROWS, written_out

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import cipher_a, cipher_b
from folkmoot.indicators.cipher_b import PRESETS

DATA = Path(__file__).parents[3] / "shared" / "data"
RESULT = dict[str, list]

GOLDEN = {
    "rsimfi": (-11.49858859, 1.017951913, -16.30205169),
    "stoch_k": (0.0, 20.01706021, 0.0),
    "stoch_d": (0.0, 53.35039354, 0.0),
    "stc": (0.0, 49.99998808, 0.0001907348178),
    "wt1": (-63.21469046, 37.85674848, -63.02032304),
    "wt2": (-58.77527236, 47.53533526, -61.39346635),
}
TIMES = {
    "buy": [72, 116, 160, 170, 203, 213, 257],
    "sell": [50, 94, 138, 148, 181, 192, 225, 235, 279],
    "wt_bear": [63, 106, 150],
    "wt_bull": [],
    "wt_second_bear": [63, 106, 150],
    "wt_second_bull": [85, 128, 172],
}


def read(name: str, path: str, timeframe: str, n: int) -> Bars:
    file = DATA / path
    if not file.is_file():
        pytest.skip("needs the shared data folder beside the checkout")
    table = pq.read_table(file).slice(0, n)
    prices = [table[c].to_numpy().astype(np.float64) for c in ("open", "high", "low", "close")]
    prices[1], prices[2] = np.maximum.reduce(prices), np.minimum.reduce(prices)
    times = table["timestamp"].cast("int64").to_numpy()
    return Bars(name, Timeframe.of(timeframe), times, *prices, np.full(len(times), np.nan))


@cache
def series(name: str) -> Bars:
    if name == "golden":
        return written_out()
    if name == "BTC":
        return read(name, "ohlcv/BTC-USDT_1h.parquet", "1h", 5_000)
    return read(name, "oracles/tradingview_lorentzian_NIFTY_1d.parquet", "1d", 7_995)


@cache
def ours(name: str, script: str, fixed: bool, preset: str = "vumanchu") -> dict[str, Floats]:
    made = cipher_a(fixed=fixed) if script == "a" else cipher_b(**PRESETS[preset], fixed=fixed)
    return compile(made).batch(series(name))


def columns(bars: Bars) -> dict[str, Series]:
    named = {n: bars.column(n).tolist() for n in ("open", "high", "low", "close")}
    rows = zip(named["high"], named["low"], named["close"], strict=True)
    return named | {"hlc3": [(h + b + c) / 3.0 for h, b, c in rows]}


def lines_b(p: dict[str, Series], waves: tuple, stoch: int, fixed: bool) -> dict[str, Series]:
    wt1, wt2 = pine.wavetrend(p["hlc3"], *waves)
    k, d = pine.stochastic_rsi([math.log(c) for c in p["close"]], stoch, stoch, fixed)
    return {
        "wt1": wt1,
        "wt2": wt2,
        "wt_vwap": [a - b for a, b in zip(wt1, wt2, strict=True)],
        "rsimfi": [x - 2.5 for x in pine.money_flow(p, 60, 150.0, fixed)],
        "rsi": pine.rsi(p["close"], 14),
        "stoch_k": k,
        "stoch_d": d,
        "stc": pine.schaff(p["close"], 10, 23, 50, 0.5),
    }


def events_b(
    p: dict[str, Series], x: dict[str, Series], levels: tuple, fixed: bool = False
) -> dict[str, Event]:
    crossed = pine.cross(x["wt1"], x["wt2"])
    gap = [b - a for a, b in zip(x["wt1"], x["wt2"], strict=True)]
    up = [c and g <= 0.0 for c, g in zip(crossed, gap, strict=True)]
    down = [c and g >= 0.0 for c, g in zip(crossed, gap, strict=True)]
    free = (-math.inf, math.inf)
    searches = {
        "wt": ("wt2", (45.0, -65.0)),
        "wt_second": ("wt2", (15.0, -40.0)),
        "wt_any": ("wt2", free),
        "rsi": ("rsi", (60.0, 30.0)),
        "rsi_any": ("rsi", free),
        "stoch": ("stoch_k", free),
    }
    found = {
        name: pine.find_divergences(x[line], p["high"], p["low"], limits, fixed)
        for name, (line, limits) in searches.items()
    }
    kinds = ("bear", "bull", "bear_hidden", "bull_hidden")
    rows = range(len(gap))
    return {
        "cross_up": up,
        "cross_down": down,
        "buy": [up[t] and x["wt2"][t] <= levels[1] for t in rows],
        "sell": [down[t] and x["wt2"][t] >= levels[0] for t in rows],
        "buy_div": [found["wt"]["bull"][t] or found["wt_second"]["bull"][t] for t in rows],
        "sell_div": [found["wt"]["bear"][t] or found["wt_second"]["bear"][t] for t in rows],
        "gold": gold(x, found["wt"]),
        **{f"{name}_{kind}": found[name][kind] for name in found for kind in kinds},
    }


def gold(x: dict[str, Series], main: RESULT) -> Event:
    weakest = pine.offset(pine.valuewhen(main["bottoms"], pine.offset(x["rsi"], 2)), 2)
    rows = zip(main["bull"], main["low_before"], x["wt2"], weakest, strict=True)
    return [
        bull and low <= -75.0 and wt2 > -75.0 and low - wt2 <= -5.0 and r < 30.0
        for bull, low, wt2, r in rows
    ]


def lines_a(p: dict[str, Series], fixed: bool) -> dict[str, Series]:
    lengths = (5, 11, 15, 18, 21, 24, 28, 34)
    means = {f"e{k + 1}": pine.ema(p["close"], n) for k, n in enumerate(lengths)}
    wt1, wt2 = pine.wavetrend(p["hlc3"], 9, 13, 3)
    flow = pine.money_flow(p, 60, 150.0, fixed)
    return {**means, "wt1": wt1, "wt2": wt2, "rsi": pine.rsi(p["close"], 14), "rsimfi": flow}


def events_a(p: dict[str, Series], x: dict[str, Series], fixed: bool) -> dict[str, Event]:
    over = pine.crossover
    events = {
        "long_ema": over(x["e2"], x["e8"]),
        "short_ema": over(x["e8"], x["e2"]),
        "red_cross": over(x["e2"], x["e1"]),
        "green_cross": over(x["e1"], x["e2"]),
        "blue_triangle_up": over(x["e2"], x["e3"]),
        "blue_triangle_down": over(x["e3"], x["e2"]),
        "red_diamond": over(x["wt2"], x["wt1"]),
        "green_diamond": over(x["wt1"], x["wt2"]),
    }
    told = [candle(t, p, x, events, fixed) for t in range(len(x["wt1"]))]
    return events | {name: [row[name] for row in told] for name in told[0]}


def candle(t: int, p: dict, x: dict, events: dict, fixed: bool) -> dict[str, bool]:
    red, green = events["red_diamond"][t], events["green_diamond"][t]
    wt2, strength = x["wt2"][t], x["rsi"][t]
    start, end = p["open"], p["close"]
    rising = t > 0 and end[t - 1] > start[t - 1] and end[t] > start[t]
    falling = t > 0 and end[t - 1] < start[t - 1] and end[t] < start[t]
    above = start[t] > x["e2"][t] and start[t] > x["e8"][t]
    below = start[t] < x["e2"][t] and start[t] < x["e8"][t]
    strong = 70.0 < strength < 85.0 if fixed else strength < 70.0 and strength < 85.0
    crossed = events["green_cross"][t] if fixed else events["red_cross"][t]
    up, down = (green, red) if fixed else (red, green)
    return {
        "yellow_cross_up": up and -80.0 < wt2 < 45.0 and 15.0 < strength < 30.0,
        "yellow_cross_down": down and 55.0 < wt2 < 100.0 and strong,
        "dump_diamond": red and events["red_cross"][t],
        "moon_diamond": green and events["green_cross"][t],
        "bull_candle": above and rising and not red and not events["red_cross"][t],
        "bear_candle": below and falling and not green and not crossed,
    }


def differing(seen: dict[str, Floats], events: dict[str, Event]) -> dict[str, int]:
    """Count, per event, the known bars that differ and those that were missed as unknown."""
    counts = {}
    for name, event in events.items():
        expected, known = np.array(event, dtype=np.float64), ~np.isnan(seen[name])
        wrong = np.count_nonzero(seen[name][known] != expected[known])
        counts[name] = wrong + np.count_nonzero(expected[~known])
    return {name: count for name, count in counts.items() if count}


NAMES = ("golden", "BTC", "NIFTY")
SCALP = ((6, 7, 3), 8, (40.0, -40.0), "angleito_scalp")
PLAIN = ((9, 12, 3), 14, (53.0, -53.0), "vumanchu")


def test_lines_of_cipher_b_have_their_golden_values() -> None:
    seen = ours("golden", "b", False)
    for name, expected in GOLDEN.items():
        assert seen[name][list(ROWS)] == pytest.approx(expected, rel=2e-9, abs=1e-12), name


def test_events_of_cipher_b_are_on_the_listed_bars() -> None:
    seen = ours("golden", "b", False)
    for name, rows in TIMES.items():
        assert np.flatnonzero(seen[name] == 1.0).tolist() == rows, name
    assert np.nansum(seen["cross_up"] + seen["cross_down"]) == 37.0


@pytest.mark.parametrize("settings", [PLAIN, SCALP], ids=["vumanchu", "angleito_scalp"])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_cipher_b_follows_its_rules_in_plain_loops(name: str, fixed: bool, settings: tuple) -> None:
    waves, stoch, levels, preset = settings
    seen, prices = ours(name, "b", fixed, preset), columns(series(name))
    expected = lines_b(prices, waves, stoch, fixed)
    for line, values in expected.items():
        known = ~np.isnan(seen[line])
        np.testing.assert_allclose(seen[line][known], np.array(values)[known], atol=1e-9)
    assert differing(seen, events_b(prices, expected, levels, fixed)) == {}


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_events_of_cipher_b_follow_exactly_from_its_lines(name: str, fixed: bool) -> None:
    seen, prices = ours(name, "b", fixed), columns(series(name))
    lines = {line: seen[line].tolist() for line in lines_b(prices, (9, 12, 3), 14, fixed)}
    events = events_b(prices, lines, (53.0, -53.0), fixed)
    assert differing(seen, events) == {}
    for event, holds in events.items():
        np.testing.assert_array_equal(seen[f"{event}_age"], pine.ages(holds), event)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_cipher_a_follows_its_rules_in_plain_loops(name: str, fixed: bool) -> None:
    seen, prices = ours(name, "a", fixed), columns(series(name))
    expected = lines_a(prices, fixed)
    for line, values in expected.items():
        known = ~np.isnan(seen[line])
        np.testing.assert_allclose(seen[line][known], np.array(values)[known], atol=1e-9)
    events = events_a(prices, expected, fixed)
    assert differing(seen, events) == {}
    side = np.sign(np.array(expected["e2"]) - np.array(expected["e8"]))
    np.testing.assert_array_equal(seen["ribbon_dir"], side)


def test_every_event_happens_on_real_prices() -> None:
    never = [
        name
        for script in ("a", "b")
        for name in ours("BTC", script, False)
        if f"{name}_age" in ours("BTC", script, False)
        and not any(np.nansum(ours(s, script, False)[name]) for s in ("BTC", "NIFTY"))
    ]
    assert never == []


def test_lines_are_known_but_for_bars_without_range() -> None:
    seen, bars = ours("NIFTY", "b", False), series("NIFTY")
    empty = bars.high == bars.low
    near = np.convolve(empty, np.ones(60))[: len(bars)] > 0.0
    near[:59] = True
    assert empty.any()
    np.testing.assert_array_equal(np.isnan(seen["rsimfi"]), near)
    assert not np.isnan(ours("NIFTY", "b", True)["rsimfi"][59:]).any()


def test_a_divergence_is_told_two_bars_after_its_pivot() -> None:
    seen = ours("BTC", "b", False)
    for row in np.flatnonzero(seen["wt_any_bear"] == 1.0):
        around = seen["wt2"][row - 4 : row + 1]
        assert around.argmax() == 2


@pytest.mark.parametrize("script", ["a", "b"])
def test_no_event_of_the_past_changes_as_bars_arrive(script: str) -> None:
    made = cipher_a() if script == "a" else cipher_b()
    program, bars = compile(made), series("BTC").until(2_000)
    whole = program.matrix(bars)
    for cut in range(90, 2_000, 173):
        np.testing.assert_array_equal(program.matrix(bars.until(cut)), whole[:cut])


def test_switches_let_other_divergences_count() -> None:
    told = cipher_b(rsi_counts=True, stochastic_counts=True)
    seen = compile(told).batch(series("BTC"))
    plain = ours("BTC", "b", False)
    more = np.fmax(np.fmax(plain["buy_div"], plain["rsi_bull"]), plain["stoch_bull"])
    known = ~np.isnan(seen["buy_div"])
    np.testing.assert_array_equal(seen["buy_div"][known], more[known])
    assert np.nansum(seen["buy_div"]) > np.nansum(plain["buy_div"])
    assert np.nansum(seen["gold"]) >= np.nansum(plain["gold"]) > 0.0
