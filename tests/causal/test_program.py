"""Expressions and programs as objects."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from tests.causal import test_laws as laws

from folkmoot.causal import (
    NEVER,
    Expr,
    at,
    close,
    column,
    compile,
    const,
    correlation,
    deviation,
    ema,
    equal,
    high,
    highest,
    hl2,
    lag,
    mean,
    open_,
    rank,
    running,
    std,
    ta,
    total,
    volume,
)
from folkmoot.causal.expr import walk
from folkmoot.core.bars import Bars
from folkmoot.core.errors import BadBars, UsageError


def test_equal_structure_is_one_object() -> None:
    assert ema(close, 5) + 1 is ema(close, 5) + 1.0
    assert close == column("close")
    assert close != open_
    assert hash(mean(close, 3)) == hash(mean(close, 3))
    assert copy.deepcopy(mean(close, 3)) is mean(close, 3)
    assert len(walk(ema(close, 5) * ema(close, 5))) == 3
    assert const(np.nan) is const(float("nan"))


def test_a_formula_reads_as_one() -> None:
    assert str((close - lag(close)) / hl2 > 0.5) == "(0.5 < ((close - lag(close, 1)) / hl2))"
    assert str(at("4h", -rank(column("funding"), 9))) == "at(4h, -rank(column('funding'), 9))"


def test_lengths_and_inputs_come_from_the_graph() -> None:
    assert mean(ema(close, 10), 5).warmup == 13
    assert lag(close, 3).stable == 3
    assert running(volume).stable == NEVER
    assert (mean(volume, 3) + hl2 + column("funding")).inputs == {
        "volume",
        "high",
        "low",
        "funding",
    }
    assert at("1d", volume).inputs == {"volume"}


def test_an_expression_is_frozen_and_has_no_truth() -> None:
    with pytest.raises(AttributeError):
        close.op = "open"
    with pytest.raises(UsageError, match="no truth"):
        bool(close > open_)
    with pytest.raises(UsageError, match="no truth"):
        _ = 1.0 < close < 2.0


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_a_length_is_a_whole_number_of_bars(n: float) -> None:
    with pytest.raises(UsageError, match="n is"):
        mean(close, n)  # type: ignore[arg-type]  # that is what is tested


def test_numbers_and_numpy_numbers_mix_with_expressions(walk: Bars) -> None:
    program = compile({"a": np.float64(2.0) * close, "b": 2 * close, "c": 7})
    seen = program.batch(walk)
    np.testing.assert_array_equal(seen["a"], 2.0 * walk.close)
    np.testing.assert_array_equal(seen["b"], 2.0 * walk.close)
    np.testing.assert_array_equal(seen["c"], np.full(len(walk), 7.0))


def test_one_expression_may_have_many_names(walk: Bars) -> None:
    program = compile({"a": close, "b": close, "c": ema(close, 3), "d": ema(close, 3)})
    values = program.matrix(walk)
    assert program.names == ("a", "b", "c", "d")
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values[:, 0], values[:, 1])
    np.testing.assert_array_equal(values[:, 2], values[:, 3])


def test_a_program_needs_the_columns_it_names(walk: Bars) -> None:
    program = compile({"x": column("funding")})
    with pytest.raises(UsageError, match="funding"):
        program.batch(walk)
    with pytest.raises(UsageError, match="funding"):
        program.stream().push(walk.bar(0))


def test_a_stream_takes_bars_in_order_and_of_one_timeframe(walk: Bars) -> None:
    program = compile({"m": mean(close, 3)}, "1h")
    stream = program.stream()
    for bar in walk.rows(0, 5):
        before = stream.push(bar)
    with pytest.raises(BadBars, match="not after"):
        stream.push(walk.bar(4))
    with pytest.raises(BadBars, match="not after"):
        stream.advance(walk.rows(2, 4))
    with pytest.raises(UsageError, match="1h"):
        compile({"m": close}, "4h").batch(walk)
    with pytest.raises(UsageError, match="1h"):
        compile({"m": close}, "4h").stream().push(walk.bar(0))
    after = program.warm(walk.until(5))[1].push(walk.bar(5))
    assert stream.push(walk.bar(5)) == after != before


def test_no_bars_give_no_rows(walk: Bars) -> None:
    values, stream = compile({"a": ema(close, 3), "b": equal(close, 1.0)}).warm(walk.until(0))
    assert values.shape == (0, 2)
    assert np.isnan(stream.push(walk.bar(0))["a"])
    assert compile({}).matrix(walk).shape == (len(walk), 0)
    assert compile({"r": ta("RSI")}).matrix(walk.until(0)).shape == (0, 1)


def test_writing_a_formula_compiles_nothing() -> None:
    script = (
        "import sys; from folkmoot.causal import *; compile({'a': ema(close, 3)});"
        "sys.exit('numba' in sys.modules or 'talib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_second_process_finds_the_machine_compiled(walk: Bars) -> None:
    compile({"a": ema(close, 3)}).batch(walk)
    script = (
        "import numpy as np; from folkmoot.causal import *; from folkmoot.core.bars import Bars;"
        "from folkmoot.core.timeframe import Timeframe; one = np.ones(9);"
        "bars = Bars('P', Timeframe.of('1h'), 3_600_000 * np.arange(9), one, one, one, one, one);"
        "compile({'a': ema(close, 3)}).batch(bars);"
        "from folkmoot.causal.kernels.machine import machine;"
        "raise SystemExit(len(machine.stats.cache_misses))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_table_of_many_outputs_is_within_its_memory(walk: Bars) -> None:
    lengths = range(1, 120)
    program = compile({f"{n}": rank(close + n, n) - mean(close - n, n) for n in lengths})
    values, stream = program.warm(walk.until(1500))
    assert not np.isnan(values[118:]).any()
    rest = walk.rows(1500, len(walk))
    np.testing.assert_array_equal(stream.advance(rest), program.matrix(walk)[1500:])


FUSED: dict[str, tuple[Expr, Expr]] = {
    "a rise with the lag it needs": (close - lag(close), lag(close)),
    "a fall with the lag it needs": (lag(close) - close, lag(close)),
    "a mean with its spread": (mean(close, 20), std(close, 20)),
    "a mean with another spread": (mean(close, 20), std(close, 77)),
    "a spread with a longer one": (std(close, 20), std(close, 500)),
    "an extreme with a longer one": (highest(close, 20), highest(close, 500)),
    "a sum with a longer one": (total(volume, 20), total(volume, 500)),
    "a deviation with its mean": (deviation(close, 20), mean(close, 20)),
    "a correlation with a spread": (correlation(close, high, 20), std(high, 20)),
}


@pytest.mark.parametrize("series", laws.SERIES)
@pytest.mark.parametrize("name", FUSED)
def test_rows_that_are_shared_or_joined_change_no_bit(name: str, series: str) -> None:
    bars = laws.SERIES[series]
    expr, beside = FUSED[name]
    alone = compile({"it": expr}).batch(bars)["it"]
    together = compile({"beside": beside, "it": expr}).batch(bars)["it"]
    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize("n", [2, 9, 14, 200])
def test_a_mean_in_blocks_is_the_plain_recursion(walk: Bars, n: int) -> None:
    seen = compile({"m": ema(close, n)}).batch(walk)["m"]
    y, weight = walk.close[:n].mean(), 2.0 / (n + 1.0)
    plain = [y]
    for x in walk.close[n:].tolist():
        y = (1.0 - weight) * y + weight * x
        plain.append(y)
    np.testing.assert_allclose(seen[n - 1 :], plain, rtol=1e-13)


def test_a_mean_arrives_at_a_price_that_stands_still(walk: Bars) -> None:
    price = np.concatenate((walk.close[:100], np.full(500, walk.close[99])))
    bars = Bars(
        "S", walk.timeframe, 3_600_000 * np.arange(600), *(price for _ in range(4)), np.ones(600)
    )
    seen = compile({"gap": close - ema(close, 10)}).batch(bars)["gap"]
    assert np.all(seen[400:] == 0.0)


def test_results_are_fresh_and_alone(walk: Bars) -> None:
    program = compile({"a": close, "b": ema(close, 3), "c": ema(close, 3)})
    first, second = program.batch(walk), program.batch(walk)
    arrays = [*first.values(), *second.values()]
    for place, array in enumerate(arrays):
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in arrays[place + 1 :])


def test_bare_columns_read_as_bars_do(walk: Bars) -> None:
    program = compile({"m": mean(close, 5), "v": volume, "x": column("x")})
    seen = program.over({"close": walk.close, "x": np.where(walk.close > 100.0, np.inf, 1.0)})
    np.testing.assert_array_equal(seen["m"], program.over({"close": walk.close})["m"])
    assert np.isnan(seen["v"]).all()
    np.testing.assert_array_equal(np.isnan(seen["x"]), walk.close > 100.0)
