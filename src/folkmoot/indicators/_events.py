"""How an event is told: a column that is 1.0, 0.0 or NaN, and beside it its age in bars."""

from collections.abc import Mapping

from folkmoot.causal import Expr, barssince, minimum

OLDEST = 200.0
"""Ages stop here: what is older is only old."""


def with_ages(events: Mapping[str, Expr]) -> dict[str, Expr]:
    """Return the events, each followed by `<name>_age`.

    The age is the number of bars since the event last held, 0 on its own bar, at most `OLDEST`
    and NaN before the first.
    """
    told: dict[str, Expr] = {}
    for name, event in events.items():
        told[name] = event
        told[f"{name}_age"] = minimum(barssince(event), OLDEST)
    return told
