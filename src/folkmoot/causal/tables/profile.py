"""Volume by price over a window: codes 170 to 179."""

import math

from folkmoot.causal.operator import Operator, Params, window

PROFILE = ("poc", "high", "low")


def _numbers(params: Params) -> tuple[float, ...]:
    return tuple(float(param) for param in params[:3])


def _memory(params: Params) -> list[float]:
    n, bins = int(params[0]), int(params[1])
    return [0.0, 0.0, *[math.nan] * (3 * n), *[0.0] * bins]


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "volume_profile",
        3,
        170,
        wait=window,
        outputs=PROFILE,
        numbers=_numbers,
        memory=_memory,
    ),
)
