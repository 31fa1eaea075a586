"""Volume-weighted average price of a session."""

from folkmoot.causal import Expr, hlc3, relu, sqrt, starts, total_since, valuewhen, volume
from folkmoot.indicators._checks import checked, number

DAY = starts("1d")


@checked(width=number(least=0.0))
def vwap(x: Expr = hlc3, anchor: Expr = DAY, width: float = 1.0) -> dict[str, Expr]:
    """Return the mean of x by volume since the latest bar on which `anchor` held, with bands.

    The keys are `vwap`, `upper` and `lower`, `width` volume-weighted standard deviations away, in
    the unit of x; NaN before the first anchor and until something is traded. A bar
    whose x is unknown counts for nothing, its volume included. Days are those of
    UTC. Sums are taken of distances from the session's first x, for accuracy.

    >>> vwap()["vwap"].warmup
    0
    """
    first = valuewhen(anchor, x)
    apart = x - first
    size = total_since(anchor, volume + 0.0 * apart)
    shift = total_since(anchor, apart * volume) / size
    spread = total_since(anchor, apart * apart * volume) / size - shift * shift
    middle, reach = first + shift, width * sqrt(relu(spread))
    return {"vwap": middle, "upper": middle + reach, "lower": middle - reach}
