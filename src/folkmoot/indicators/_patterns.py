"""How a chart pattern is told: the event, its line, its breakout, its height and its quality."""

from collections.abc import Mapping
from dataclasses import dataclass

from folkmoot.causal import Expr, both, const, hold, maximum, minimum, watch, where
from folkmoot.indicators._events import OLDEST, with_ages
from folkmoot.indicators._swings import Swings

LIFE = int(OLDEST)
"""Bars after which a pattern and its lines are forgotten."""


@dataclass(frozen=True)
class Reversal:
    """A pattern of five to seven swings, written as if its last swing were a high.

    It breaks out below the line that has `level` on the bar of confirmation and goes on by
    `slope`, and is void after a close above `void`. `height` is on the axis of the swings.
    """

    needed: int
    conditions: tuple[Expr, ...]
    level: Expr
    slope: Expr | float
    void: Expr
    height: Expr
    quality: Expr


def both_ways(swings: Swings, top: str, bottom: str, found: Reversal) -> dict[str, Expr]:
    """Return the outputs of a pattern that ends with a high, and of its mirror image."""
    return _reversal(swings, top, found, 1) | _reversal(swings, bottom, found, -1)


def _reversal(swings: Swings, name: str, found: Reversal, side: int) -> dict[str, Expr]:
    event = swings.event(found.needed, *found.conditions, side=side)
    sign, above, last = float(side), side < 0, swings.bars[2]
    line = (event, sign * found.level, sign * found.slope)
    failed = watch(event, sign * found.void, 0.0, "crossed", not above, LIFE, last)
    broken = both(watch(*line, "breakout", above, LIFE, last), failed <= 0.0)
    facts = {"height": found.height / swings.unit, "quality": found.quality}
    return {
        **with_ages({name: event}),
        f"{name}_level": swings.quoted(watch(*line, "line", above, LIFE, last)),
        **remembered(name, event, facts),
        **with_ages({f"{name}_breakout": broken}),
    }


@dataclass(frozen=True)
class Bounds:
    """A pattern between two lines: their present levels, slopes per bar, height and quality."""

    event: Expr
    upper: Expr
    upper_slope: Expr | float
    lower: Expr
    lower_slope: Expr | float
    height: Expr
    quality: Expr


def between(swings: Swings, name: str, found: Bounds) -> dict[str, Expr]:
    """Return the outputs of a pattern that price leaves upwards or downwards.

    Only the first close outside counts, and none after the lines have met.
    """
    last = swings.bars[2]
    over = (found.event, found.upper, found.upper_slope)
    under = (found.event, found.lower, found.lower_slope)
    upper = watch(*over, "line", True, LIFE, last)
    lower = watch(*under, "line", False, LIFE, last)
    rises, falls = (
        watch(*over, "breakout", True, LIFE, last),
        watch(*under, "breakout", False, LIFE, last),
    )
    inside_before = (
        watch(*under, "crossed", False, LIFE, last) <= 0.0,
        watch(*over, "crossed", True, LIFE, last) <= 0.0,
    )
    up = where(both(rises, inside_before[0]), upper > lower, 0.0)
    down = where(both(falls, inside_before[1]), upper > lower, 0.0)
    facts = {"height": found.height / swings.unit, "quality": found.quality}
    return {
        **with_ages({name: found.event}),
        f"{name}_upper": swings.quoted(upper),
        f"{name}_lower": swings.quoted(lower),
        **remembered(name, found.event, facts),
        **with_ages({f"{name}_breakout_up": up, f"{name}_breakout_down": down}),
    }


def remembered(name: str, event: Expr, facts: Mapping[str, Expr]) -> dict[str, Expr]:
    """Return facts of the latest event, until it is `LIFE` bars old."""
    age = with_ages({name: event})[f"{name}_age"]
    unknown = const(float("nan"))
    return {
        f"{name}_{fact}": where(age < OLDEST, hold(event, value), unknown)
        for fact, value in facts.items()
    }


def evenness(distance: Expr, allowed: Expr) -> Expr:
    """Return 1 for two equal levels, falling to 0 where they are as far apart as allowed."""
    return 1.0 - distance / allowed


def balance(first: Expr, second: Expr) -> Expr:
    """Return the smaller of two lengths as a share of the larger."""
    return minimum(first, second) / maximum(first, second)
