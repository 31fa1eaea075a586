"""Operators that another series steers: adaptive weights, resets at events, trailing stops."""

import math
from typing import Literal

from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.causal.inputs import column
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe


def blend(weight: Value, x: Value, least: float = 0.0) -> Expr:
    """Return y = (1 - w) y + w x for a weight w that may differ on every bar.

    It begins with x of the bar before the first known weight, or with the first known x. The
    weight is held within `least` .. 1; `least` bounds how long the start shows: with 0 it is
    `NEVER`. A constant weight is its own least.

    >>> from folkmoot.causal import close
    >>> blend(0.1, close).stable
    132
    """
    steering = as_expr(weight)
    constant = float(steering.params[0]) if steering.op == "const" else least
    if not (0.0 <= least < 1.0 and 0.0 <= constant <= 1.0):
        raise UsageError(
            f"weight {steering}, least {least}",
            where="blend",
            allowed="0 <= least < 1, weight <= 1",
        )
    return Expr("blend", (steering, as_expr(x)), (max(float(least), constant),))


def leak(x: Value, kept: Value, most: float = 1.0) -> Expr:
    """Return y = kept y + x, begun with the first known x; `kept` may differ on every bar.

    `kept` is held within -`most` .. `most`, which bounds how long the start shows: from 1 on it
    is `NEVER`. A constant share is its own bound.
    """
    share = as_expr(kept)
    bound = abs(float(share.params[0])) if share.op == "const" else float(most)
    if not 0.0 <= bound < math.inf:
        raise UsageError(f"kept {share}, most {most}", where="leak", allowed="most >= 0, finite")
    return Expr("leak", (as_expr(x), share), (bound,))


def ratchet(stop: Value, price: Value, side: Literal["long", "short"] = "long") -> Expr:
    """Return a trailing stop that only moves with the trade while the price stays beyond it.

    For a long it is max(stop, the stop before) if the price before lay above the stop before, else
    `stop`; mirrored for a short. Chandelier's stop: see everget's Chandelier Exit.
    """
    if side not in ("long", "short"):
        raise UsageError(f"side is {side!r}", where="ratchet", allowed=["long", "short"])
    return Expr("ratchet", (as_expr(stop), as_expr(price)), (side,))


def total_since(event: Value, x: Value) -> Expr:
    """Return the sum of x since the event's latest bar, that bar included; NaN before the first.

    An unknown x is left out of the sum, and the result is unknown on its bar.
    """
    return Expr("total_since", (as_expr(event), as_expr(x)))


def highest_since(event: Value, x: Value) -> Expr:
    """Return the largest known x since the event's latest bar, that bar included."""
    return Expr("highest_since", (as_expr(event), as_expr(x)))


def lowest_since(event: Value, x: Value) -> Expr:
    """Return the smallest known x since the event's latest bar, that bar included."""
    return Expr("lowest_since", (as_expr(event), as_expr(x)))


def highest_ever(x: Value) -> Expr:
    """Return the largest known x so far."""
    return Expr("highest_ever", (as_expr(x),))


def lowest_ever(x: Value) -> Expr:
    """Return the smallest known x so far."""
    return Expr("lowest_ever", (as_expr(x),))


def valuewhen(event: Value, x: Value, k: int = 0) -> Expr:
    """Return x on the k-th latest bar on which the event held and x was known.

    `k` = 0 is the latest such bar, the present one included; NaN before there are k + 1 of them.
    """
    return Expr("valuewhen", (as_expr(event), as_expr(x)), (count(k, "valuewhen", "k", least=0),))


def steady(x: Value, n: int) -> Expr:
    """Return x, but every value, the first included, stands for at least n known bars."""
    return Expr("steady", (as_expr(x),), (count(n, "steady"),))


def otherwise(x: Value, y: Value) -> Expr:
    """Return x where it is known, else y: the one operator that replaces an unknown.

    Its warm-up is the index from which both are known; it may be known before.
    """
    return Expr("otherwise", (as_expr(x), as_expr(y)))


def floor(x: Value) -> Expr:
    """Return the largest whole number that is not above x."""
    return Expr("floor", (as_expr(x),))


def starts(timeframe: str | Timeframe) -> Expr:
    """Return the event that a bar is the first of a calendar period of that timeframe.

    Periods are those of UTC, weeks begin on Monday. Whether the very first bar of all is one is
    known only if it opens exactly with the period. A missing first bar makes the next one first.
    """
    return Expr("starts", (column("open_time"),), (Timeframe.of(timeframe).label,))
