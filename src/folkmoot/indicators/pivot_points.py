"""Pivot points of the last closed session."""

from typing import Literal

from folkmoot.causal import Expr, close, high, highest_since, hold, lag, low, lowest_since, starts
from folkmoot.core.errors import UsageError
from folkmoot.indicators._checks import checked

DAY = starts("1d")
KINDS = ("traditional", "classic", "fibonacci")
SHARES = (0.382, 0.618, 1.0)


@checked()
def pivot_points(
    kind: Literal["traditional", "classic", "fibonacci"] = "traditional", anchor: Expr = DAY
) -> dict[str, Expr]:
    """Return levels from the high, low and close of the session before, held through this one.

    The keys are `p`, `r1` to `r3` and `s1` to `s3`, in price units. Kinds are named as on
    TradingView: the third levels of `traditional` are high + 2 (p - low) and low - 2 (high - p),
    those of `classic` p + 2 (high - low) and p - 2 (high - low). A session begins on the bar on
    which `anchor` holds: by default the UTC day. NaN until a whole session has closed.

    >>> sorted(pivot_points())
    ['p', 'r1', 'r2', 'r3', 's1', 's2', 's3']
    """
    if kind not in KINDS:
        raise UsageError(f"kind is {kind!r}", where="pivot_points", allowed=[*KINDS])
    top = hold(anchor, lag(highest_since(anchor, high)))
    bottom = hold(anchor, lag(lowest_since(anchor, low)))
    middle, span = (top + bottom + hold(anchor, lag(close))) / 3.0, top - bottom
    if kind == "fibonacci":
        ups = {f"r{k}": middle + share * span for k, share in enumerate(SHARES, 1)}
        downs = {f"s{k}": middle - share * span for k, share in enumerate(SHARES, 1)}
        return {"p": middle, **ups, **downs}
    third = (middle + 2.0 * span, middle - 2.0 * span)
    if kind == "traditional":
        third = (top + 2.0 * (middle - bottom), bottom - 2.0 * (top - middle))
    return {
        "p": middle,
        "r1": 2.0 * middle - bottom,
        "r2": middle + span,
        "r3": third[0],
        "s1": 2.0 * middle - top,
        "s2": middle - span,
        "s3": third[1],
    }
