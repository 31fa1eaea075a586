"""Many symbols at once are each as alone, whatever path the machine takes."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from folkmoot.causal import (
    Expr,
    at,
    close,
    column,
    compile,
    correlation,
    deviation,
    ema,
    gap,
    hlc3,
    hour_of_day,
    lag,
    log,
    rank,
    running,
    slope,
    ta,
    true_range,
    volume,
    wilder,
)
from folkmoot.causal.panel import can_go_abreast
from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import BadBars, UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators.adx import adx
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.stochastic import stochastic
from folkmoot.indicators.wavetrend import wavetrend

SYMBOLS, BARS = 5, 300
HOUR = 3_600_000
ABREAST: dict[str, Expr] = {
    "rsi": rsi(),
    "cci": cci(),
    "atr": wilder(true_range(), 14),
    "correlation": correlation(close, log(volume), 9),
    "slope": slope(close, 7),
    "deviation of few": deviation(hlc3, 3),
    "lag": lag(volume, 20),
    "known": close,
    **adx(),
    **macd(),
    **bollinger(),
    **wavetrend(),
    **{f"stochastic {name}": line for name, line in stochastic().items()},
}
ONE_BY_ONE: dict[str, Expr] = {
    "rank": rank(close, 20),
    "running": running(volume),
    "gap": gap + hour_of_day,
    "at": at("4h", ema(close, 5)),
    "extra": column("x") - lag(column("x"), 2),
}


def market(seed: int) -> Bars:
    """A walk that stands still for a while, with volumes and an extra column that have holes."""
    rng = np.random.default_rng(seed)
    moves = np.where(np.arange(BARS) // 60 % 3 == 1, 0.0, 0.01 * rng.standard_normal(BARS))
    end = 100.0 * np.exp(np.cumsum(moves))
    start = np.concatenate(([100.0], end[:-1]))
    top = np.maximum(start, end) * (1.0 + 0.5 * abs(moves))
    bottom = np.minimum(start, end) * (1.0 - 0.5 * abs(moves))
    lots = np.where(rng.random(BARS) < 0.05, np.nan, rng.lognormal(3.0, 0.5, BARS))
    extra = np.where(rng.random(BARS) < 0.05, np.inf, rng.standard_normal(BARS))
    times = HOUR * np.arange(400_000, 400_000 + BARS)
    return Bars(str(seed), Timeframe.of("1h"), times, start, top, bottom, end, lots, {"x": extra})


@pytest.fixture(scope="module")
def markets() -> list[Bars]:
    return [market(seed) for seed in range(SYMBOLS)]


def rows_of(markets: list[Bars], names: tuple[str, ...]) -> Iterator[tuple[int, Floats]]:
    block = np.array([[bars.column(name) for bars in markets] for name in names])
    for place, time in enumerate(markets[0].open_time.tolist()):
        yield time, np.ascontiguousarray(block[:, :, place])


@pytest.mark.parametrize("exprs", [ABREAST, ONE_BY_ONE], ids=["abreast", "one by one"])
def test_a_panel_stream_is_each_symbol_s_own(exprs: dict[str, Expr], markets: list[Bars]) -> None:
    program = compile(exprs, "1h")
    panel = program.panel_stream(SYMBOLS)
    seen = [panel.push(*row).copy() for row in rows_of(markets, panel.columns)]
    for place, bars in enumerate(markets):
        own = program.stream()
        expected = np.array([own.push_row(bar).copy() for bar in bars])
        assert np.array(seen)[:, place].tobytes() == expected.tobytes()


def test_the_usual_indicators_take_all_symbols_in_one_sweep() -> None:
    assert can_go_abreast(compile(ABREAST).stages[0].flat)
    assert not can_go_abreast(compile(ONE_BY_ONE, "1h").stages[0].flat)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_a_panel_is_the_batch_of_each_symbol(threads: int, markets: list[Bars]) -> None:
    program = compile({**ABREAST, **ONE_BY_ONE}, "1h")
    found = program.panel([*markets, markets[0].until(40), markets[1].until(0)], threads=threads)
    for bars, values in zip(
        [*markets, markets[0].until(40), markets[1].until(0)], found, strict=True
    ):
        expected = program.batch(bars)
        assert list(values) == list(expected)
        for name in expected:
            assert values[name].tobytes() == expected[name].tobytes()


def test_a_panel_of_one_symbol_or_none_is_a_panel(markets: list[Bars]) -> None:
    program = compile(ABREAST)
    assert program.panel([], threads=2) == []
    panel, own = program.panel_stream(1), program.stream()
    for row, bar in zip(rows_of(markets[:1], panel.columns), markets[0], strict=True):
        assert panel.push(*row)[0].tobytes() == own.push_row(bar).tobytes()


BROKEN: dict[str, Callable[[Floats], object]] = {
    "high is below low": lambda bars: bars.__setitem__((1, 2), 0.5),
    "close is nan": lambda bars: bars.__setitem__((3, 2), np.nan),
    "low is 0.0": lambda bars: bars.__setitem__((2, 2), 0.0),
    "volume is -1.0": lambda bars: bars.__setitem__((4, 2), -1.0),
    "open is inf": lambda bars: bars.__setitem__((0, 2), np.inf),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_an_impossible_bar_is_refused_and_leaves_the_state(
    reason: str, markets: list[Bars]
) -> None:
    program = compile({"mean": ema(close, 2)})
    panel, other = program.panel_stream(SYMBOLS), program.panel_stream(SYMBOLS)
    rows = list(rows_of(markets, COLUMNS))[:4]
    for time, bars in rows:
        broken = bars.copy()
        BROKEN[reason](broken)
        with pytest.raises(BadBars, match=f"symbol 2: {reason.split(' is')[0]}"):
            panel.push(time, broken)
        assert panel.push(time, bars).tobytes() == other.push(time, bars).tobytes()


def test_a_panel_stream_says_what_it_cannot_take(markets: list[Bars]) -> None:
    panel = compile({"mean": ema(close, 2)}).panel_stream(SYMBOLS)
    (first, bars), (second, _) = list(rows_of(markets, COLUMNS))[:2]
    panel.push(second, bars)
    with pytest.raises(BadBars, match="not after"):
        panel.push(first, bars)
    with pytest.raises(UsageError, match="shape"):
        panel.push(second + 1, bars[:, :2])
    for call in (
        lambda: compile({"r": ta("RSI")}).panel_stream(2),
        lambda: compile({"h": hour_of_day}).panel_stream(2),
        lambda: compile({"h": hour_of_day}, "1h").panel_stream(2, "4h"),
        lambda: compile({"c": close}).panel_stream(0),
        lambda: compile({"c": close}).panel(markets, threads=0),
    ):
        with pytest.raises(UsageError):
            call()
