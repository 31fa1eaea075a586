"""Pivot points of the last closed session."""

from typing import Literal

from folkmoot.causal import Expr, close, high, highest_since, hold, lag, low, lowest_since, starts
from folkmoot.core.errors import UsageError

DAY = starts("1d")
KINDS = ("classic", "fibonacci")


def pivot_points(
    kind: Literal["classic", "fibonacci"] = "classic", anchor: Expr = DAY
) -> dict[str, Expr]:
    """Return levels from the high, low and close of the session before, held through this one.

    The keys are `p`, `r1` to `r3` and `s1` to `s3`, in price units. A session begins on the bar
    on which `anchor` holds: by default the UTC day. NaN until a whole session has closed.

    >>> sorted(pivot_points())
    ['p', 'r1', 'r2', 'r3', 's1', 's2', 's3']
    """
    if kind not in ("classic", "fibonacci"):
        raise UsageError(
            f"kind is {kind!r}", where="pivot_points", allowed=["classic", "fibonacci"]
        )
    top = hold(anchor, lag(highest_since(anchor, high)))
    bottom = hold(anchor, lag(lowest_since(anchor, low)))
    middle, span = (top + bottom + hold(anchor, lag(close))) / 3.0, top - bottom
    if kind == "fibonacci":
        ups = {f"r{k}": middle + f * span for k, f in ((1, 0.382), (2, 0.618), (3, 1.0))}
        downs = {f"s{k}": middle - f * span for k, f in ((1, 0.382), (2, 0.618), (3, 1.0))}
        return {"p": middle, **ups, **downs}
    return {
        "p": middle,
        "r1": 2.0 * middle - bottom,
        "r2": middle + span,
        "r3": top + 2.0 * (middle - bottom),
        "s1": 2.0 * middle - top,
        "s2": middle - span,
        "s3": bottom - 2.0 * (top - middle),
    }
