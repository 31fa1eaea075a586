"""TTM Squeeze (Carter, 2005), with LazyBear's momentum."""

from folkmoot.causal import (
    Expr,
    close,
    high,
    highest,
    line,
    low,
    lowest,
    mean,
    std,
    total,
    true_range,
)
from folkmoot.indicators._checks import checked, number, whole
from folkmoot.indicators._events import with_ages


@checked(n=whole(2), deviations=number(above=0.0), ranges=number(above=0.0))
def squeeze(n: int = 20, deviations: float = 2.0, ranges: float = 1.5) -> dict[str, Expr]:
    """Return the event that the Bollinger bands lie inside the Keltner channel, and momentum.

    `on` is 1 or 0, `on_age` the bars since it was on, at most 200; `momentum`, in price units, is
    the value at the present bar of the line through n distances of the close from the middle of
    its range and mean.

    >>> squeeze()["momentum"].warmup
    38
    """
    inside = deviations * std(close, n) < ranges * total(true_range("range"), n) / float(n)
    middle = (highest(high, n) + lowest(low, n)) / 2.0
    momentum = line(close - (middle + mean(close, n)) / 2.0, n)
    return with_ages({"on": inside}) | {"momentum": momentum}
