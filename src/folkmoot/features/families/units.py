"""In what the families measure: the market's own recent movement, never money."""

from folkmoot.causal import Expr, close, leak, mean, true_range
from folkmoot.features.column import Column, Mirror
from folkmoot.features.ranges import Range
from folkmoot.features.volatility import close_to_close, ewma_vol

SIGMA = ewma_vol()
USUAL = close_to_close(20)
RANGE = mean(true_range(), 14)
"""The plain mean of 14 true ranges: it forgets its start, so that columns can be copied."""

DEVIATIONS = "standard deviations of one bar"
RANGES = "mean true ranges of 14 bars"
POINTS = "points from 50"


def in_ranges(
    name: str, distance: Expr, group: str, mirror: Mirror = "level", limits: Range | None = None
) -> Column:
    """Return a distance of prices as a column, in mean true ranges."""
    return Column(name, distance / RANGE, RANGES, mirror, group, limits=limits)


def from_line(name: str, line: Expr, group: str) -> Column:
    """Return how far the close is from a price, in mean true ranges."""
    return in_ranges(name, close - line, group)


def in_sigmas(name: str, distance: Expr, group: str, mirror: Mirror = "ratio") -> Column:
    """Return a difference of log prices as a column, in `ewma_vol`."""
    return Column(name, distance / SIGMA, DEVIATIONS, mirror, group)


def in_usual(name: str, distance: Expr, group: str, mirror: Mirror = "ratio") -> Column:
    """Return a difference of log prices as a column, in the deviation of 20 bars."""
    return Column(name, distance / USUAL, "standard deviations of 20 bars", mirror, group)


def centred(name: str, line: Expr, group: str, mirror: Mirror = "level") -> Column:
    """Return an oscillator from 0 to 100 as points from its middle."""
    return Column(name, line - 50.0, POINTS, mirror, group, limits=(-50.0, 50.0))


def fading(name: str, event: Expr, group: str, mirror: Mirror, kept: float = 0.9) -> Column:
    """Return events as a sum that fades by `kept` a bar: 0 when nothing has happened lately."""
    return Column(name, leak(event, kept), f"events, fading by {kept:g} a bar", mirror, group)
