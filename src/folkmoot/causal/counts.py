"""The one check of every number of bars, weights or bins."""

import math
from numbers import Real

from folkmoot.core.errors import UsageError

LONGEST = 1_000_000
"""What no window of a real formula exceeds, and a machine still holds."""


def count(value: float, where: str, name: str = "n", least: int = 1, most: int = LONGEST) -> int:
    """Return `value` as a whole number from `least` to `most`; a whole float is one.

    Raises `UsageError` for anything else: text, a truth value, a fraction, what is not finite.
    """
    known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not known or value != math.floor(value) or not least <= value <= most:
        raise UsageError(f"{name} is {value!r}", where=where, allowed=f"whole, {least} to {most}")
    return int(value)
