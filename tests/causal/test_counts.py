"""Every number of bars is whole and bounded, and what is not says so in the same words."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from folkmoot.causal import (
    Expr,
    close,
    correlation,
    ema,
    gramian,
    highest,
    lag,
    mean,
    median,
    slope,
    steady,
    swing,
    valuewhen,
    volume_profile,
    watch,
)
from folkmoot.core.errors import UsageError
from folkmoot.indicators import function

COUNTED: dict[str, Callable[..., Expr]] = {
    "lag": lambda n: lag(close, n),
    "ema": lambda n: ema(close, n),
    "mean": lambda n: mean(close, n),
    "highest": lambda n: highest(close, n),
    "slope": lambda n: slope(close, n),
    "correlation": lambda n: correlation(close, close, n),
    "median": lambda n: median(close, n),
    "valuewhen": lambda n: valuewhen(close, close, n),
    "steady": lambda n: steady(close, n),
    "swing": lambda n: swing(close, close, 1.0, "price", n),
    "watch": lambda n: watch(close, close, 0.0, "line", above=True, life=n),
    "gramian": lambda n: gramian(close, n, "trend_score"),
    "volume_profile": lambda n: volume_profile(n, "poc"),
    "volume_profile bins": lambda n: volume_profile(20, "poc", bins=n),
}
REFUSED = (math.nan, math.inf, -math.inf, 2.5, -1, 1_000_001, 1e30, "14", None, True)


@pytest.mark.parametrize("value", REFUSED)
@pytest.mark.parametrize("name", COUNTED)
def test_what_is_no_number_of_bars_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name.split()[0]) as caught:
        COUNTED[name](value)
    assert str(caught.value.allowed).startswith("whole, ")


@pytest.mark.parametrize("name", COUNTED)
def test_a_whole_float_is_the_same_number(name: str) -> None:
    assert COUNTED[name](7.0) is COUNTED[name](7)
    assert COUNTED[name](np.int64(7)) is COUNTED[name](7)


def test_an_indicator_refuses_text_for_its_length() -> None:
    with pytest.raises(UsageError, match="'14'"):
        function("rsi")(n="14")
