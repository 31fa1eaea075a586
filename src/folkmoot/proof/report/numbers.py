"""Numbers as a reader meets them: a unit, a sign where it matters, and a dash where unknown."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

UNKNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def known(value: Any) -> float | None:
    """Return the value as a finite float, or None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def decimal(value: Any, digits: int = 2, *, sign: bool = False, unit: str = "") -> str:
    """Return the number with `digits` decimals and its unit, or a dash.

    >>> decimal(-0.273, 2, unit="bp")
    '\N{MINUS SIGN}0.27\N{NARROW NO-BREAK SPACE}bp'
    """
    number = known(value)
    if number is None:
        return UNKNOWN
    text = f"{number:+,.{digits}f}" if sign else f"{number:,.{digits}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    text = text.replace("-", MINUS)
    return f"{text}{NARROW}{unit}" if unit else text


def percent(value: Any, digits: int = 1, *, sign: bool = False) -> str:
    """Return a share of one as a percentage, or a dash."""
    number = known(value)
    return UNKNOWN if number is None else decimal(100.0 * number, digits, sign=sign, unit="%")


def count(value: Any) -> str:
    """Return a whole number with its thousands apart, or a dash."""
    return decimal(value, 0)


def interval(pair: Any, write: Callable[[Any], str] = decimal) -> str:
    """Return `[low, high]` written by `write`, or a dash if either end is unknown."""
    low, high = ends(pair)
    if low is None or high is None:
        return UNKNOWN
    # The unit stands once, behind the upper end.
    return f"[{write(low).split(NARROW)[0]}, {write(high)}]"


def ends(pair: Any) -> tuple[float | None, float | None]:
    """Return the two ends of an interval, each None where it is unknown."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return None, None
    return known(pair[0]), known(pair[1])


def moment(milliseconds: float) -> datetime:
    """Return the instant of an epoch time in ms, UTC."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def words(name: Any) -> str:
    """Return a machine's name as words: `no_earned_weight` as "no earned weight"."""
    return str(name).replace("_", " ")
