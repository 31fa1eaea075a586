"""The expected-value rule: trade when the gain over a belief's life pays for the change.

1. Scale: E|r| and sigma^2 of one horizon from the belief's quantiles; both per bar.
2. Edge: mu = (2 p_up - 1) E|r| per bar, the sizes of rises and falls taken as symmetric.
3. Marginal gain of weight at the present weight w0: mu - w0 sigma^2 / fraction, which is zero at
   the chosen fraction of Kelly's weight mu / sigma^2. Times the life it must exceed the cost of
   the change, else nothing is traded.
4. If it does, move to the weight at which the rest no longer pays, capped by 1 and by the
   volatility target; a change of the same position that is smaller than the band waits.
"""

import itertools
import math

from folkmoot.core.decision import Book, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import LEVELS, Belief
from folkmoot.core.mint import mint
from folkmoot.core.timeframe import Timeframe

_target = mint(Target)
_FLAT_NO_VIEW = Target(0.0, "no opinion")
_FLAT_NO_SCALE = Target(0.0, "the size of the next move is unknown")


_EDGES = (0.0, *((a + b) / 2.0 for a, b in itertools.pairwise(LEVELS)), 1.0)
# The probability that each level stands for; symmetric, so three numbers say it all.
_OUTER, _NEXT, _INNER = tuple(b - a for a, b in itertools.pairwise(_EDGES))[:3]


class HalfKelly:
    """Hold a fraction of Kelly's weight while the expected gain pays for getting there.

    `fraction` of Kelly's mu / sigma^2; `volatility_target` of the position, a year, in
    `timeframe`'s bars: an unlevered weight of 1 is reachable in any market calmer than that (the
    default 1.0 is 100 % a year), None switches it off; `cost` of a change per side as a share of
    its notional (fee + slippage); `margin` by which the gain must exceed that cost (0.25 is 25 %
    more); `band` is the smallest change of an open position of the same side.

    An unknown belief wants no position. An unknown life counts as one bar, the least there is.
    """

    name = "half_kelly"

    def __init__(
        self,
        fraction: float = 0.5,
        volatility_target: float | None = 1.0,
        cost: float = 0.0015,
        margin: float = 0.0,
        band: float = 0.1,
        timeframe: str | Timeframe = "1h",
    ) -> None:
        if not 0.0 < fraction <= 1.0:
            raise UsageError(f"fraction is {fraction}", where="half_kelly", allowed="(0, 1]")
        if volatility_target is not None and not volatility_target > 0.0:
            message = f"volatility_target is {volatility_target}"
            raise UsageError(message, where="half_kelly", allowed="a number > 0, or None")
        for option, value in (("cost", cost), ("margin", margin), ("band", band)):
            if not 0.0 <= value < math.inf:
                raise UsageError(f"{option} is {value}", where="half_kelly", allowed=">= 0")
        self.fraction = fraction
        self.hurdle = cost * (1.0 + margin)
        self.band = band
        bars = Timeframe.of(timeframe).bars_per_year
        self.target_per_bar = math.inf
        if volatility_target is not None:
            self.target_per_bar = volatility_target / math.sqrt(bars)

    def target(self, symbol: str, belief: Belief, book: Book) -> Target:
        """Return the weight wanted from the next open on; pure."""
        p_up = belief.p_up
        if not 0.0 <= p_up <= 1.0:
            return _FLAT_NO_VIEW
        move, variance = scale(belief.quantiles, belief.horizon)
        if not variance > 0.0:
            return _FLAT_NO_SCALE
        held = book.weight(symbol)
        life = belief.life if belief.life >= 1.0 else 1.0
        hurdle = self.hurdle / life
        edge = (2.0 * p_up - 1.0) * move
        cap = min(1.0, self.target_per_bar / math.sqrt(variance))
        wanted = _move(edge, variance / self.fraction, held, hurdle, cap)
        if wanted * held > 0.0 and abs(wanted - held) <= self.band:
            return _target(
                held if abs(held) <= 1.0 else math.copysign(1.0, held), "within the band"
            )
        if wanted == held:
            return _target(held, "the gain of a change does not cover its cost")
        return _target(wanted, "the gain of the change covers its cost")


def scale(quantiles: tuple[float, ...], horizon: int) -> tuple[float, float]:
    """Return E|r| and the variance of log returns, each per bar; NaN if a quantile is unknown.

    Each quantile stands for the probability around its level, which leaves out what lies beyond
    the outermost: 3 % low on E|r| of a Gaussian, 8 % of Student's t with 4 degrees of freedom.
    The mean move of a horizon is spread evenly over its bars, as is its variance.
    """
    if len(quantiles) != len(LEVELS):
        return math.nan, math.nan
    q05, q10, q25, q50, q75, q90, q95 = quantiles
    move = _OUTER * (q95 - q05) + _NEXT * (q90 - q10) + _INNER * (q75 - q25)
    a, b, c = q05 - q50, q10 - q50, q25 - q50
    d, e, f = q75 - q50, q90 - q50, q95 - q50
    variance = _OUTER * (f * f + a * a) + _NEXT * (e * e + b * b) + _INNER * (d * d + c * c)
    return move / horizon, variance / horizon


def _move(edge: float, curvature: float, held: float, hurdle: float, cap: float) -> float:
    """Return where to go from `held`: to the edge of the band, if outside it; within +-cap."""
    gain = edge - curvature * held
    if gain > hurdle:
        wanted = (edge - hurdle) / curvature
    elif gain < -hurdle:
        wanted = (edge + hurdle) / curvature
    else:
        wanted = held
    return min(max(wanted, -cap), cap)


PLUGIN = HalfKelly
