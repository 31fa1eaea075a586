"""What the parameters of indicators may be: nothing but an expression or a refusal in words."""

import inspect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot import indicators
from folkmoot.causal import Expr, compile
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError

NAMES = plugins.names(indicators.__name__)
ODD = ("14", None, [], True, 0, -1, 1, 2.5, math.nan, math.inf, 10**7, 1e-300)

NONSENSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("choppiness", {"n": 1}), ("yang_zhang", {"n": 1}), ("aroon", {"n": 0}),
    ("percent_rank", {"n": 0}), ("hurst", {"scales": 1}), ("hurst", {"scales": 0}),
    ("alma", {"sigma": 0.0}), ("alma", {"sigma": 1e6, "offset": 0.3}), ("kama", {"fast": -1}),
    ("kama", {"fast": 30, "slow": 2}), ("cipher_a", {"ribbon": (5, 11)}), ("rsi", {"n": "14"}),
    ("variance_ratio", {"q": 0}), ("wavetrend", {"channel": 1}), ("stc", {"cycle": 1}),
    ("zscore", {"n": 1}), ("swings", {"reach": math.nan}), ("fibonacci", {"reach": -1.0}),
    ("rectangles", {"percent": -1.0}), ("flags", {"pole_bars": -1}), ("candles", {"least": 2.5}),
    ("pivot_points", {"kind": "camarilla"}), ("rsi", {"x": "close"}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "given"), NONSENSE)
def test_nonsense_is_refused_with_what_is_allowed(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(given))) as refusal:
        indicators.function(name)(**given)
    assert refusal.value.where in (name, "swing", "weighted")
    assert refusal.value.allowed


def numeric(name: str) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of an indicator whose defaults are numbers or tuples of numbers."""
    for key, default in plugins.options(indicators.function(name)).items():
        if isinstance(default, (int, float, tuple)) and not isinstance(default, bool):
            yield key, default


def strange(default: Any) -> Iterator[Any]:
    if not isinstance(default, tuple):
        yield from ODD
        return
    yield from ((), default[:-1], (*default, 1), 5, "ab")
    for place in range(len(default)):
        yield from ((*default[:place], odd, *default[place + 1 :]) for odd in ODD)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_given_is_taken_or_refused(name: str) -> None:
    function = indicators.function(name)
    for key, default in numeric(name):
        for value in strange(default):
            assert isinstance(tried(function, key, value), (Expr, dict, list, str)), (key, value)


def tried(function: Any, key: str, value: Any) -> Any:
    """Return what an indicator makes of a value, or what it says is allowed instead."""
    try:
        return function(**{key: value})
    except UsageError as refusal:
        return refusal.allowed


def floated(value: Any) -> Any:
    return tuple(map(float, value)) if isinstance(value, tuple) else float(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_float_is_a_whole_number(name: str) -> None:
    function = indicators.function(name)
    given = {key: floated(default) for key, default in numeric(name)}
    assert function(**given) == function()


# Of a window of two bars no bands lie four bars apart.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "gaf"])
def test_the_shortest_length_that_is_taken_has_values(name: str) -> None:
    bars, function = random_walk(800), indicators.function(name)
    silent = unknown(function(), bars)
    for key, default in numeric(name):
        if isinstance(default, int):
            assert unknown(shortest(function, key), bars) <= silent, key


def unknown(made: Any, bars: Bars) -> set[str]:
    """Return the outputs that are never known, of those that await no event."""
    lines = {"it": made} if isinstance(made, Expr) else made
    sure = {key: line for key, line in lines.items() if not line.awaits}
    values = compile(sure, "1h").batch(bars) if sure else {}
    return {key for key, line in values.items() if np.isnan(line).all()}


def shortest(function: Any, key: str) -> Any:
    for n in range(1, 4):
        try:
            return function(**{key: n})
        except UsageError:
            continue
    raise AssertionError(f"{key} cannot be 3")


def test_an_indicator_keeps_its_signature_and_its_words() -> None:
    for name in NAMES:
        function = indicators.function(name)
        assert function.__name__ == name
        assert inspect.getmodule(function).__name__ == f"folkmoot.indicators.{name}"
        assert ">>>" in function.__doc__
