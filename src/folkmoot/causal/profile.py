"""Volume by price over a rolling window."""

from folkmoot.causal import inputs
from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.causal.tables.profile import PROFILE
from folkmoot.core.errors import UsageError


def volume_profile(
    n: int,
    output: str,
    bins: int = 24,
    share: float = 0.7,
    high: Value = inputs.high,
    low: Value = inputs.low,
    volume: Value = inputs.volume,
) -> Expr:
    """Return a price of the volume profile of the last n bars.

    The range between the lowest low and the highest high of the window is cut into `bins` of equal
    height, and the volume of a bar is spread evenly over its own range from low to high. `poc`, the
    point of control, is the middle of the fullest bin (of several, the one nearest the middle of
    the range, of two such the lower). The value area grows from it, always by the fuller of its
    two neighbours (the upper one if equal), until it holds `share` of all volume; `high` and `low`
    are its edges. A window without volume is NaN; one without a range has all three at its price.

    Raises `UsageError` for another output, n or `bins` outside 1 .. 1,000,000, or `share` outside
    (0, 1].

    >>> volume_profile(100, "poc").warmup
    99
    """
    if output not in PROFILE:
        raise UsageError(f"output is {output!r}", where="volume_profile", allowed=list(PROFILE))
    bars = count(n, "volume_profile")
    heights = count(bins, "volume_profile", "bins")
    if not 0.0 < share <= 1.0:
        raise UsageError(f"share is {share}", where="volume_profile", allowed="0 < share <= 1")
    read = (as_expr(high), as_expr(low), as_expr(volume))
    return Expr("volume_profile", read, (bars, heights, float(share), output))
