"""Every operator by name: those of the machine itself here, the families from `tables`."""

import math

from folkmoot.causal.operator import (
    NEVER,
    TOLERANCE,
    Operator,
    Param,
    Params,
    bars_to_fade,
    length,
    window,
)
from folkmoot.causal.tables import adaptive, candles, gramian, order, pivots, profile

__all__ = ["NEVER", "OPERATORS", "TOLERANCE", "Operator", "Param", "Params"]


def _pure(name: str, arity: int, code: int, text: str = "") -> Operator:
    return Operator(name, arity, code, text=text)


def _windowed(name: str, code: int, arity: int = 1) -> Operator:
    return Operator(name, arity, code, wait=window, windowed=True)


LEAVES = (
    Operator("input", 0, 0),
    Operator("const", 0, 1),
    Operator("clock", 0, 2),
    Operator("gap", 0, 3, state=1, origin=math.nan),
)

POINTWISE = (
    _pure("add", 2, 10, "({} + {})"),
    _pure("sub", 2, 11, "({} - {})"),
    _pure("mul", 2, 12, "({} * {})"),
    _pure("div", 2, 13, "({} / {})"),
    _pure("pow", 2, 14, "({} ** {})"),
    _pure("maximum", 2, 15),
    _pure("minimum", 2, 16),
    _pure("lt", 2, 17, "({} < {})"),
    _pure("le", 2, 18, "({} <= {})"),
    _pure("equal", 2, 19),
    _pure("both", 2, 20),
    _pure("either", 2, 21),
    _pure("neg", 1, 30, "-{}"),
    _pure("abs", 1, 31),
    _pure("log", 1, 40),
    _pure("exp", 1, 41),
    _pure("sqrt", 1, 42),
    _pure("sign", 1, 32),
    _pure("relu", 1, 33),
    _pure("sin", 1, 43),
    _pure("cos", 1, 44),
    _pure("tanh", 1, 45),
    _pure("negate", 1, 34),
    _pure("where", 3, 49),
)

STATEFUL = (
    Operator(
        "ema",
        1,
        50,
        wait=window,
        fade=lambda params: bars_to_fade(1.0 - 2.0 / (length(params) + 1)),
        state=5,
    ),
    Operator(
        "wilder",
        1,
        51,
        wait=window,
        fade=lambda params: bars_to_fade(1.0 - 1.0 / length(params)),
        state=5,
    ),
    Operator(
        "decay",
        1,
        52,
        fade=lambda params: bars_to_fade(float(params[0])),
        state=5,
    ),
    Operator("running", 1, 53, fade=lambda params: NEVER, state=1),
    Operator("hold", 2, 54, state=1, origin=math.nan, awaits=True),
    Operator("barssince", 1, 55, state=1, origin=math.nan, awaits=True),
    Operator(
        "true_range",
        3,
        56,
        wait=lambda params: 0 if params[0] == "range" else 1,
        state=1,
        origin=math.nan,
    ),
)

WINDOWED = (
    Operator("lag", 1, 60, wait=length, windowed=True),
    _windowed("mean", 61),
    _windowed("total", 62),
    _windowed("std", 63),
    _windowed("highest", 64),
    _windowed("lowest", 65),
    _windowed("rank", 66),
    _windowed("deviation", 67),
    _windowed("slope", 68),
    _windowed("correlation", 69, arity=2),
)

OUTSIDE = (
    Operator("at", 1, 90),
    Operator("ta", -1, 91),
)

FAMILIES = (
    *order.OPERATORS,
    *adaptive.OPERATORS,
    *candles.OPERATORS,
    *pivots.OPERATORS,
    *gramian.OPERATORS,
    *profile.OPERATORS,
)

OPERATORS = {
    operator.name: operator
    for operator in (*LEAVES, *POINTWISE, *STATEFUL, *WINDOWED, *OUTSIDE, *FAMILIES)
}
