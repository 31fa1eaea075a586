"""Recursions whose weight or reset is itself a series: codes 120 to 139."""

import math

from folkmoot.causal.operator import NEVER, Operator, Params, bars_to_fade
from folkmoot.core.timeframe import Timeframe

NAN = math.nan


def _number(params: Params) -> tuple[float, ...]:
    return (float(params[0]),)


def _blend_fade(params: Params) -> int:
    least = float(params[0])
    return NEVER if least == 0.0 else bars_to_fade(1.0 - least)


def _leak_fade(params: Params) -> int:
    most = float(params[0])
    return NEVER if most >= 1.0 else bars_to_fade(most)


def _side(params: Params) -> tuple[float, ...]:
    return (1.0 if params[0] == "long" else -1.0,)


def _kept(params: Params) -> tuple[float, ...]:
    return (float(params[0]) + 1.0,)


def _places(params: Params) -> list[float]:
    return [NAN] * (int(params[0]) + 1)


def _period(params: Params) -> tuple[float, float]:
    timeframe = Timeframe.of(str(params[0]))
    return float(timeframe.ms), float(timeframe.anchor)


def _endless(name: str, code: int, start: float) -> Operator:
    return Operator(name, 1, code, fade=lambda params: NEVER, memory=lambda params: (start,))


def _since(name: str, code: int) -> Operator:
    return Operator(name, 2, code, memory=lambda params: (NAN,), awaits=True)


OPERATORS: tuple[Operator, ...] = (
    Operator("blend", 2, 120, fade=_blend_fade, numbers=_number, memory=lambda params: (NAN, 0.0)),
    Operator("leak", 2, 121, fade=_leak_fade, numbers=_number, memory=lambda params: (NAN,)),
    Operator(
        "ratchet",
        2,
        122,
        fade=lambda params: NEVER,
        numbers=_side,
        memory=lambda params: (NAN, NAN),
    ),
    _since("total_since", 123),
    _since("highest_since", 124),
    _since("lowest_since", 125),
    _endless("highest_ever", 126, start=-math.inf),
    _endless("lowest_ever", 127, start=-math.inf),
    Operator("valuewhen", 2, 128, numbers=_kept, memory=_places, awaits=True),
    Operator(
        "steady",
        1,
        129,
        fade=lambda params: NEVER,
        numbers=_number,
        memory=lambda params: (NAN, 0.0),
    ),
    Operator("otherwise", 2, 130),
    Operator("floor", 1, 131),
    Operator(
        "starts", 1, 132, fade=lambda params: 1, numbers=_period, memory=lambda params: (NAN,)
    ),
)
