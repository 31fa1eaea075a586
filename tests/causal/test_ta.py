"""Every TA-Lib function: over history as TA-Lib answers, bar by bar as over history."""

import numpy as np
import pytest
import talib
from talib import abstract

from folkmoot.causal import Expr, close, compile, ema, high, low, ta, wilder
from folkmoot.causal.expr import walk
from folkmoot.causal.ta import Readings, answers
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UnknownOption, UsageError
from folkmoot.core.timeframe import Timeframe

OUTPUTS = [
    (name, output)
    for name in talib.get_functions()
    for output in abstract.Function(name).info["output_names"]
]
EXPRS = {f"{name} {output}": ta(name, output=output) for name, output in OUTPUTS}


def with_unknown_volume(n: int = 420) -> Bars:
    rng = np.random.default_rng(0)
    line = 100.0 * np.exp(np.cumsum(0.005 * rng.standard_normal(n)))
    start = np.concatenate((line[:1], line[:-1]))
    top = np.maximum(start, line) * (1.0 + 0.002 * rng.random(n))
    bottom = np.minimum(start, line) * (1.0 - 0.002 * rng.random(n))
    lots = 100.0 * rng.random(n)
    lots[[0, 50, 51, 300]] = np.nan
    times = 3_600_000 * np.arange(n)
    return Bars("T", Timeframe.of("1h"), times, start, top, bottom, line, lots)


def direct(name: str, output: str, bars: Bars) -> Floats:
    """Call TA-Lib on the known bars, in the way its own documentation shows."""
    inputs = [node for node in ta(name, output=output).args]
    columns = [
        np.full(len(bars), float(node.params[0]))
        if node.op == "const"
        else bars.column(str(node.params[0]))
        for node in inputs
    ]
    known = ~np.any(np.isnan(columns), axis=0)
    found = getattr(talib, name)(*(column[known] for column in columns))
    found = found if isinstance(found, (tuple, list)) else [found]
    place = abstract.Function(name).info["output_names"].index(output)
    values = np.full(len(bars), np.nan)
    values[known] = found[place]
    lookback = abstract.Function(name).lookback
    values[np.flatnonzero(known)[:lookback]] = np.nan
    return np.where(np.isfinite(values), values, np.nan)


def differing(seen: Floats, expected: Floats) -> list[str]:
    same = (seen == expected) | (np.isnan(seen) & np.isnan(expected))
    return [name for name, good in zip(EXPRS, same.all(axis=0), strict=True) if not good]


def test_all_functions_agree_with_talib_and_stream_as_they_batch() -> None:
    bars = with_unknown_volume()
    program = compile(EXPRS)
    batch = program.matrix(bars)
    expected = np.column_stack([direct(name, output, bars) for name, output in OUTPUTS])
    assert differing(batch, expected) == []
    stream = program.stream()
    assert differing(np.array([stream.push_row(bar).copy() for bar in bars]), batch) == []
    before, warm = program.warm(bars.until(301))
    after = [warm.push_row(bar).copy() for bar in bars.rows(301, len(bars))]
    assert differing(np.vstack([before, *after]), batch) == []


def test_the_warmup_is_the_first_known_bar() -> None:
    bars = with_unknown_volume().rows(52, 300)
    batch = compile(EXPRS).batch(bars)
    never = {"ACOS real", "ASIN real"}  # of a price above one
    first = {name: np.flatnonzero(~np.isnan(batch[name]))[:1] for name in EXPRS}
    assert {name for name, rows in first.items() if len(rows) == 0} == never
    late = {n for n, rows in first.items() if n not in never and rows[0] != EXPRS[n].warmup}
    assert late == set()


def test_functions_mix_with_our_operators() -> None:
    bars = with_unknown_volume()
    strength = ta("RSI", close * 2.0)
    mixed: dict[str, Expr] = {
        "ours of theirs": ema(strength, 5),
        "theirs of theirs": ta("EMA", strength, timeperiod=5),
        "both": ta("SMA", wilder(close, 3) + strength, timeperiod=4) / close,
        "input": close,
    }
    program = compile(mixed)
    seen = program.matrix(bars)
    stream = program.stream()
    np.testing.assert_array_equal([stream.push_row(bar).copy() for bar in bars], seen)
    expected = talib.EMA(talib.RSI(bars.close * 2.0)[14:], 5)
    np.testing.assert_array_equal(seen[14:, 1], expected)
    np.testing.assert_allclose(seen[14:, 0], expected, rtol=1e-12)
    assert program.warmup == {"ours of theirs": 18, "theirs of theirs": 18, "both": 17, "input": 0}


def test_what_is_too_large_is_skipped_in_the_stream_as_in_the_batch() -> None:
    bars = with_unknown_volume().rows(0, 120)
    large = close * (1e304 * (close > 99.0)) * 1e3
    program = compile(
        {"some": ta("SMA", large, timeperiod=3), "sum": ta("ADD", close * 1e305, close)}
    )
    seen, stream = program.matrix(bars), program.stream()
    np.testing.assert_array_equal([stream.push_row(bar).copy() for bar in bars], seen)
    assert 0 < np.isnan(seen[3:, 0]).sum() < len(bars) - 3


def test_the_outputs_of_a_function_come_from_one_call() -> None:
    names = ("macd", "macdsignal", "macdhist")
    nodes = [ta("MACD", output=name) for name in names]
    known = {close: np.arange(1.0, 60.0) ** 1.5}
    found = answers(nodes, known)
    np.testing.assert_array_equal(list(found.values()), talib.MACD(known[close]))
    readings, row = Readings(nodes, known), {close: 500.0}
    readings.push(row)
    longer = talib.MACD(np.append(known[close], 500.0))
    assert [row[node] for node in nodes] == [values[-1] for values in longer]


def test_equal_calls_are_one_node() -> None:
    assert ta("rsi", close, timeperiod=14) is ta("RSI")
    assert ta("RSI", timeperiod=14.0) is ta("RSI")
    assert ta("RSI", timeperiod=np.int64(7)) is ta("RSI", timeperiod=7)
    assert ta("BETA").args == (high, low)
    assert str(ta("MACD", output="macdhist", fastperiod=5)) == (
        "ta(MACD, close, output=macdhist, fastperiod=5)"
    )
    assert len(walk(ta("RSI") + ta("RSI", timeperiod=14))) == 3


def test_lengths_are_measured() -> None:
    assert ta("RSI").warmup == 14
    assert 130 <= ta("RSI").stable <= 260
    assert ta("SMA", timeperiod=50).stable == 49
    assert ta("OBV").stable > 1_000_000


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ta("NOPE"), UsageError, "RSI"),
        (lambda: ta("RSI", length=3), UnknownOption, "timeperiod"),
        (lambda: ta("RSI", timeperiod=-4), UsageError, "timeperiod (default 14)"),
        (lambda: ta("RSI", timeperiod=14.7), UsageError, "timeperiod (default 14): whole"),
        (lambda: ta("RSI", timeperiod=np.nan), UsageError, "timeperiod (default 14): whole"),
        (lambda: ta("RSI", timeperiod=1e30), UsageError, "timeperiod (default 14): whole"),
        (lambda: ta("RSI", timeperiod="14"), UsageError, "timeperiod (default 14): whole"),
        (lambda: ta("T3", vfactor=np.nan), UsageError, "vfactor (default 0.7): a number"),
        (lambda: ta("MACD"), UsageError, "macdsignal"),
        (lambda: ta("MACD", output="line"), UsageError, "macdsignal"),
        (lambda: ta("RSI", close, close), UsageError, "close"),
    ],
)
def test_a_wrong_call_says_what_is_allowed(
    call: object, error: type[UsageError], told: str
) -> None:
    assert callable(call)
    with pytest.raises(error) as caught:
        call()
    assert any(told in str(choice) for choice in caught.value.allowed or [])
