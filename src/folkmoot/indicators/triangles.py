"""Triangles and wedges between two lines through confirmed swings.

Keys of each kind: the event and its age, `_upper` and `_lower` (the lines as prices), `_height`
(their distance at the first swing, ATR at confirmation), `_quality`, `_breakout_up` and
`_breakout_down` (the first close outside, before the lines meet, within 200 bars) with ages.
Quality, 0 to 1, is the mean of how well the lines fit (1 without deviation, 0 at the allowed) and
how much of the way to the apex is done.
"""

from folkmoot.causal import Expr, both
from folkmoot.indicators._checks import checked, number, whole
from folkmoot.indicators._patterns import Bounds, between
from folkmoot.indicators._swings import Swings


@checked(
    reach=number(above=0.0), touches=whole(2), flat=number(least=0.0), deviation=number(above=0.0)
)
def triangles(
    reach: float = 3.0,
    n: int = 14,
    touches: int = 3,
    flat: float = 0.02,
    deviation: float = 0.5,
    log: bool = False,
) -> dict[str, Expr]:
    """Return triangles and wedges, on the bar that confirms the last of their swings.

    Least-squares lines go through the last `touches` highs and lows, each swing within `deviation`
    ATR of its line; they converge, and would meet within twice the bars from the first of the
    swings to now. A line is level within `flat` ATR a bar. `symmetrical`: upper line falling,
    lower rising; `ascending`: upper level, lower rising; `descending`: upper falling, lower level;
    `rising_wedge`: both rising; `falling_wedge`: both falling.

    >>> triangles()["ascending"].warmup
    13
    """
    found = Swings(reach, n, log)
    upper, lower, rise, climb = (
        found.line(name, touches) for name in ("upper", "lower", "upper_slope", "lower_slope")
    )
    far, span = found.line("deviation", touches) / found.unit, found.line("span", touches)
    apex = (upper - lower) / (climb - rise)
    closing = both(both(climb > rise, upper > lower), apex <= 2.0 * span)
    fits = both(closing, far <= deviation)
    quality = 0.5 * (1.0 - far / deviation + span / (span + apex))
    height = upper - lower + (climb - rise) * span
    told: dict[str, Expr] = {}
    for name, leaning in _kinds(rise / found.unit, climb / found.unit, flat).items():
        event = found.event(2 * touches, fits, leaning)
        told |= between(found, name, Bounds(event, upper, rise, lower, climb, height, quality))
    return told


def _kinds(upper: Expr, lower: Expr, flat: float) -> dict[str, Expr]:
    """Return which kind a pair of slopes, in ATR a bar, belongs to."""
    return {
        "symmetrical": both(upper < -flat, lower > flat),
        "ascending": both(abs(upper) <= flat, lower > flat),
        "descending": both(upper < -flat, abs(lower) <= flat),
        "rising_wedge": both(upper > flat, lower > flat),
        "falling_wedge": both(upper < -flat, lower < -flat),
    }
