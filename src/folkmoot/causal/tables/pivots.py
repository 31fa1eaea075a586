"""Swings and the bars on which they are confirmed: codes 150 to 159."""

import math

from folkmoot.causal.operator import NEVER, Operator, Params

NAN = math.nan

SWINGS = 9
"""Swings that are remembered: `KEPT` of the kernel."""

SWING = (
    "turn",
    "side",
    "seen",
    *(f"price{k}" for k in range(SWINGS)),
    *(f"age{k}" for k in range(SWINGS)),
)
CHANNEL = ("upper", "lower", "upper_slope", "lower_slope", "deviation", "span")
WATCH = ("line", "age", "breakout", "crossed")

ZIGZAG = [0.0] + [NAN] * 8 + [0.0] + [NAN] * (2 * SWINGS)


def _touches(params: Params) -> tuple[float, ...]:
    return (float(params[0]),)


def _side_and_life(params: Params) -> tuple[float, float]:
    return float(params[0]), float(params[1])


def _endless(params: Params) -> int:
    return NEVER


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "swing",
        4,
        150,
        fade=_endless,
        awaits=True,
        outputs=SWING,
        memory=lambda params: ZIGZAG,
    ),
    Operator(
        "channel",
        4,
        151,
        fade=_endless,
        awaits=True,
        outputs=CHANNEL,
        numbers=_touches,
        memory=lambda params: [*ZIGZAG, *[NAN] * 6, 0.0],
    ),
    Operator(
        "watch",
        4,
        152,
        awaits=True,
        outputs=WATCH,
        numbers=_side_and_life,
        memory=lambda params: [NAN, NAN, NAN, 0.0],
    ),
)
