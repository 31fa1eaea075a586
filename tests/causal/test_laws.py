"""Laws that every operator must obey. An operator without an example here fails the first test."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.causal import examples

from folkmoot.causal import (
    Expr,
    Program,
    at,
    barssince,
    both,
    clip,
    close,
    column,
    compile,
    const,
    correlation,
    cos,
    crossover,
    crossunder,
    day_of_week,
    decay,
    deviation,
    either,
    ema,
    equal,
    exp,
    gap,
    high,
    highest,
    hl2,
    hlc3,
    hold,
    hour_of_day,
    known_at,
    lag,
    log,
    low,
    lowest,
    maximum,
    mean,
    minimum,
    negate,
    ohlc4,
    open_,
    rank,
    relu,
    running,
    sign,
    sin,
    slope,
    sqrt,
    std,
    ta,
    tanh,
    total,
    true_range,
    volume,
    where,
    wilder,
)
from folkmoot.causal.expr import walk
from folkmoot.causal.program import run_stages
from folkmoot.causal.table import OPERATORS
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe

x = column("x")
HOUR = Timeframe.of("1h")

# Operators of one input, and of two, each made over any inputs for the laws about unknowns.
ONE: dict[str, Callable[[Expr], Expr]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "log": lambda a: log(a + 10.0),
    "exp": lambda a: exp(a),
    "sqrt": lambda a: sqrt(abs(a)),
    "sign": sign,
    "relu": relu,
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "negate": lambda a: negate(a > 0.0),
    "clip": lambda a: clip(a, -0.5, 0.5),
    "power": lambda a: (a + 10.0) ** 1.5,
    "square": lambda a: a**2,
    "reflected": lambda a: 1.0 - a + (2.0 * a) / (3.0 + a * a) - 2.0 ** (-a),
    "lag": lambda a: lag(a, 3),
    "ema": lambda a: ema(a, 5),
    "ema of one": lambda a: ema(a, 1),
    "wilder": lambda a: wilder(a, 4),
    "decay": lambda a: decay(a, 0.9),
    "mean": lambda a: mean(a, 7),
    "mean of one": lambda a: mean(a, 1),
    "total": lambda a: total(a, 9),
    "std": lambda a: std(a, 6),
    "highest": lambda a: highest(a, 8),
    "lowest": lambda a: lowest(a, 5),
    "rank": lambda a: rank(a, 12),
    "deviation": lambda a: deviation(a, 10),
    "slope": lambda a: slope(a, 7),
    "running": running,
    "barssince": lambda a: barssince(a > 0.3),
    **examples.ONE,
}
TWO: dict[str, Callable[[Expr, Expr], Expr]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: abs(a) ** b,
    "maximum": maximum,
    "minimum": minimum,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "equal": equal,
    "both": lambda a, b: both(a > 0.0, b > 0.0),
    "either": lambda a, b: either(a > 0.0, b > 0.0),
    "where": lambda a, b: where(a > b, a, b),
    "hold": lambda a, b: hold(a > 0.5, b),
    "crossover": crossover,
    "crossunder": crossunder,
    "correlation": lambda a, b: correlation(a, b, 10),
    **examples.TWO,
}
WHOLE: dict[str, Expr] = {
    "open": open_,
    "high": high,
    "low": low,
    "volume": volume,
    "hl2": hl2,
    "hlc3": hlc3,
    "ohlc4": ohlc4,
    "constant": const(2.5),
    "gap": gap,
    "known_at": known_at,
    "hour_of_day": hour_of_day,
    "day_of_week": day_of_week,
    "true_range": true_range(),
    "true_range from the second bar": true_range("nan"),
    "macd": ema(ema(close, 12) - ema(close, 26), 9),
    "at": at("4h", wilder(true_range(), 5)),
    "at the day": at("1d", mean(close * volume, 3) + gap + hour_of_day + day_of_week),
    "at of an extra column": at("2h", lag(x, 2)),
    "ta": ta("RSI"),
    "ta of ta": ta("EMA", ta("RSI", close + 0.0 * volume), timeperiod=5) - ema(ta("RSI"), 5),
    **examples.WHOLE,
}
NOISE = log(close / lag(close)) * 100.0
EXAMPLES: dict[str, Expr] = {
    **{name: make(NOISE) for name, make in ONE.items()},
    **{f"{name} of a column": make(x) for name, make in ONE.items()},
    **{name: make(NOISE, NOISE - lag(NOISE)) for name, make in TWO.items()},
    **{f"{name} with volume": make(x, log(volume) - 3.0) for name, make in TWO.items()},
    **WHOLE,
}


def with_column(bars: Bars, values: Floats, volumes: Floats | None = None) -> Bars:
    prices = (bars.open_time, bars.open, bars.high, bars.low, bars.close)
    lots = bars.volume if volumes is None else volumes
    return Bars(bars.symbol, bars.timeframe, *prices, lots, {"x": values})


def walk_with_gaps(n: int = 700, seed: int = 3) -> Bars:
    """A random walk with missing bars, unknown volumes and an extra column with holes."""
    rng = np.random.default_rng(seed)
    close_ = 100.0 * np.exp(np.cumsum(0.006 * rng.standard_normal(n)))
    start = np.concatenate(([100.0], close_[:-1]))
    top = np.maximum(start, close_) * np.exp(0.003 * rng.random(n))
    bottom = np.minimum(start, close_) * np.exp(-0.003 * rng.random(n))
    lots = np.where(rng.random(n) < 0.01, np.nan, rng.lognormal(3.0, 0.5, n))
    skipped = np.cumsum(np.where(rng.random(n) < 0.03, rng.integers(1, 30, n), 0))
    times = 1_600_002_000_000 // HOUR.ms * HOUR.ms + HOUR.ms * (np.arange(n) + skipped)
    extra = np.where(rng.random(n) < 0.02, np.nan, rng.standard_normal(n))
    return Bars("W", HOUR, times, start, top, bottom, close_, lots, {"x": extra})


def ticks(n: int = 700) -> Bars:
    """A market that hardly trades: no volume, long flat stretches, moves of one tick."""
    rng = np.random.default_rng(5)
    close_ = 50.0 + 0.01 * np.cumsum(rng.integers(-1, 2, n) * (np.arange(n) % 200 > 120))
    start = np.concatenate((close_[:1], close_[:-1]))
    top, bottom = np.maximum(start, close_), np.minimum(start, close_)
    times = HOUR.ms * np.arange(400_000, 400_000 + n)
    nothing = np.zeros(n)
    return Bars("T", HOUR, times, start, top, bottom, close_, nothing, {"x": np.zeros(n)})


def golden(n: int = 300) -> Bars:
    """The series of the golden vectors, given by formulas."""
    t = np.arange(n)
    close_ = 100 + 10 * np.sin(t / 7) + 3 * np.sin(t / 2.3) + 0.02 * t
    start = np.concatenate((close_[:1], close_[:-1]))
    top = np.maximum(start, close_) + 0.5 + 0.3 * np.cos(t) ** 2
    bottom = np.minimum(start, close_) - 0.5 - 0.3 * np.sin(t) ** 2
    times = HOUR.ms * (400_000 + t)
    lots = 100.0 + t % 7
    return Bars("G", HOUR, times, start, top, bottom, close_, lots, {"x": np.cos(t / 3.0)})


SERIES = {"walk": walk_with_gaps(), "ticks": ticks(), "golden": golden()}


@pytest.fixture(scope="module")
def program() -> Program:
    return compile(EXAMPLES, "1h")


def differing(seen: Floats, expected: Floats) -> list[str]:
    same = (seen == expected) | (np.isnan(seen) & np.isnan(expected))
    return [name for name, good in zip(EXAMPLES, same.all(axis=0), strict=True) if not good]


def test_every_operator_has_an_example() -> None:
    used = {node.op for node in walk(*EXAMPLES.values())}
    assert used == set(OPERATORS)


@pytest.mark.parametrize("series", SERIES)
def test_streaming_gives_the_batch_result(program: Program, series: str) -> None:
    bars = SERIES[series]
    stream = program.stream()
    seen = np.array([stream.push_row(bar).copy() for bar in bars])
    assert differing(seen, program.matrix(bars)) == []


@pytest.mark.parametrize("chunk", [1, 7, 64])
@pytest.mark.parametrize("series", SERIES)
def test_chunks_give_the_batch_result(program: Program, series: str, chunk: int) -> None:
    bars = SERIES[series]
    stream = program.stream()
    parts = [stream.advance(bars.rows(k, k + chunk)) for k in range(0, len(bars), chunk)]
    assert differing(np.vstack(parts), program.matrix(bars)) == []


@pytest.mark.parametrize("width", [2, 6, 14, 128, 516])
def test_the_size_of_a_tile_does_not_change_a_bit(width: int) -> None:
    bars = SERIES["walk"]
    ours = compile({name: e for name, e in EXAMPLES.items() if "ta" not in name.split()}, "1h")
    seen = np.empty((len(bars), len(ours.names)))
    run_stages(ours.stages, ours.columns(bars), seen, width)
    np.testing.assert_array_equal(seen, ours.matrix(bars))


@pytest.mark.parametrize("cut", [0, 1, 50, 333])
def test_a_warm_stream_continues_the_batch(program: Program, cut: int) -> None:
    bars = SERIES["walk"]
    before, stream = program.warm(bars.until(cut))
    after = np.array([stream.push_row(bar).copy() for bar in bars.rows(cut, len(bars))])
    assert differing(np.vstack([before, after]), program.matrix(bars)) == []


@pytest.mark.parametrize("cut", [50, 123, 499])
def test_the_future_does_not_change_the_past(program: Program, cut: int) -> None:
    bars = SERIES["walk"]
    values = program.matrix(bars)
    other = walk_with_gaps(seed=4)
    shift = bars.open_time[cut - 1] + HOUR.ms - other.open_time[cut]
    columns = {
        name: np.concatenate((bars.column(name)[:cut], other.column(name)[cut:]))
        for name in ("open", "high", "low", "close", "volume", "x")
    }
    times = np.concatenate((bars.open_time[:cut], other.open_time[cut:] + shift))
    extra = {"x": columns.pop("x")}
    changed = Bars(bars.symbol, HOUR, times, *columns.values(), extra=extra)
    assert differing(program.matrix(changed)[:cut], values[:cut]) == []
    assert differing(program.matrix(bars.until(cut)), values[:cut]) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_first_known_value_is_at_the_warmup(program: Program, name: str) -> None:
    bars = clean()
    seen = compile({name: EXAMPLES[name]}, "1h").batch(bars)[name]
    first = int(np.flatnonzero(~np.isnan(seen))[0])
    if name.split()[0] in examples.RARE:
        assert first >= program.warmup[name]
    else:
        assert first == program.warmup[name]


def clean(n: int = 400) -> Bars:
    """Bars without a gap or an unknown value, aligned to every coarser timeframe."""
    bars = walk_with_gaps(n)
    rng = np.random.default_rng(8)
    start = Timeframe.of("1w").floor(1_600_000_000_000)
    times = start + HOUR.ms * np.arange(n, dtype=np.int64)
    prices = (bars.open, bars.high, bars.low, bars.close)
    extra = {"x": rng.standard_normal(n)}
    return Bars("C", HOUR, times, *prices, rng.lognormal(3.0, 0.5, n), extra)


HOLE = 150


@pytest.mark.parametrize("name", ONE)
def test_an_unknown_input_is_unknown_and_leaves_the_state_alone(name: str) -> None:
    bars = clean()
    made = ONE[name](x)
    operator = max(walk(made), key=lambda node: OPERATORS[node.op].code)
    program = compile({name: made})
    whole = bars.column("x").copy()
    whole[HOLE] = np.nan
    seen = program.batch(with_column(bars, whole))[name]
    known = np.arange(len(bars)) != HOLE
    if OPERATORS[operator.op].windowed:
        expected = program.batch(bars)[name]
        reach = int(operator.params[0])
        hit = [HOLE + reach] if operator.op == "lag" else list(range(HOLE, HOLE + reach))
        expected = expected.copy()
        expected[hit] = np.nan
        np.testing.assert_array_equal(seen, expected)
    else:
        assert np.isnan(seen[HOLE])
        without = Bars("C", HOUR, *(bars.column(c)[known] if c else bars.open_time[known]
                                    for c in ("", "open", "high", "low", "close", "volume")),
                       extra={"x": whole[known]})  # fmt: skip
        np.testing.assert_array_equal(seen[known], program.batch(without)[name])


@pytest.mark.parametrize("name", sorted(set(TWO) - {"where", "hold", "valuewhen"}))
@pytest.mark.parametrize("first", [True, False])
def test_either_input_of_two_makes_the_result_unknown(name: str, first: bool) -> None:
    bars = clean()
    whole = bars.column("x").copy()
    whole[HOLE] = np.nan
    holed = with_column(bars, whole)
    made = TWO[name](x, NOISE) if first else TWO[name](NOISE, x)
    seen = compile({name: made}).batch(holed)[name]
    assert np.isnan(seen[HOLE])
    assert not np.isnan(seen[HOLE + 20])


def test_only_the_branch_that_is_taken_needs_to_be_known() -> None:
    bars = clean()
    holes = np.where(np.arange(len(bars)) % 3 == 0, np.nan, 1.0)
    never, always = x * 0.0 + 0.0, const(1.0)
    program = compile(
        {
            "untaken": where(always, close, x),
            "taken": where(negate(always), close, x),
            "unknown event": where(never > 1.0, close, close),
        }
    )
    seen = program.batch(with_column(bars, holes))
    np.testing.assert_array_equal(seen["untaken"], bars.close)
    np.testing.assert_array_equal(np.isnan(seen["taken"]), np.isnan(holes))
    np.testing.assert_array_equal(np.isnan(seen["unknown event"]), np.isnan(holes))


def test_what_is_not_finite_is_unknown() -> None:
    bars = golden()
    zero = close - close
    undefined = {
        "0/0": zero / zero,
        "1/0": 1.0 / zero,
        "log 0": log(zero),
        "log -1": log(-close),
        "root": sqrt(-close),
        "exp": exp(close * 100.0),
        "pow": zero**-1.0,
        "unknown ** 0": (zero / zero) ** 0.0,
        "1 ** unknown": 1.0 ** (zero / zero),
        "flat correlation": correlation(zero, close, 5),
        "no event": barssince(zero > 1.0),
    }
    seen = compile(undefined).batch(bars)
    assert [name for name, values in seen.items() if not np.isnan(values).all()] == []


def test_a_market_that_did_not_move_has_no_spread() -> None:
    n = 100
    level = np.full(n, 0.1 + 0.2)
    times = HOUR.ms * np.arange(n)
    flat = Bars("F", HOUR, times, level, level, level, level, np.zeros(n))
    spreads = {str(k): f(close, k) for k in (3, 7, 20) for f in (std,)}
    spreads |= {f"d{k}": deviation(close, k) for k in (3, 7, 20)}
    spreads |= {f"s{k}": slope(close, k) for k in (3, 7, 20)}
    spreads |= {f"m{k}": mean(close, k) - close for k in (3, 7, 20)}
    for name, values in compile(spreads).batch(flat).items():
        assert np.nanmax(np.abs(values)) == 0.0, name
