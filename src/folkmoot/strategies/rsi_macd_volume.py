"""Document 000's rule: RSI extremes, MACD crossings, trend, and volume as confirmation.

The rule reads indicators, a strategy reads a belief: `score` and `side` are the rule, `opinion`
puts its answer into a `Belief` whose source is this file's name, and the strategy trades the side
that such a belief cites. The document's fixed confidences have no evidence behind them: p_up is
the rule's measured hit rate, and without one the rule abstains.
"""

import math
from dataclasses import dataclass

from folkmoot.core.decision import Book, Signal, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Belief

SOURCE = "rsi_macd_volume"
_CITED = {
    Signal.BUY: (f"{SOURCE}:buy",),
    Signal.SELL: (f"{SOURCE}:sell",),
    Signal.HOLD: (f"{SOURCE}:hold",),
}
_SIDES = {cited[0]: float(signal.value) for signal, cited in _CITED.items()}
_INSUFFICIENT = "insufficient history"


@dataclass(frozen=True, slots=True)
class Readings:
    """What the rule looks at on one closed bar; NaN is unknown.

    `rsi` in 0..100; `macd` and `signal` with their values one bar before; `trend` is any number
    whose sign is the trend's; `mean_volume` is the mean of the last 20 volumes.
    """

    rsi: float
    macd: float
    signal: float
    previous_macd: float
    previous_signal: float
    trend: float
    volume: float
    mean_volume: float


def score(x: Readings) -> float:
    """Return the rule's score, NaN if anything it looks at is unknown.

    [RSI < 30] - [RSI > 70] + [MACD crosses above its signal] - [crosses below] + sign(trend) / 2,
    halved unless the volume exceeds its mean (algorithms.md, section 14).

    >>> score(Readings(25.0, 1.0, 0.5, -1.0, 0.0, 2.0, 150.0, 100.0))
    2.5
    """
    seen = (x.rsi, x.macd, x.signal, x.previous_macd, x.previous_signal, x.trend)
    if any(math.isnan(value) for value in (*seen, x.volume, x.mean_volume)):
        return math.nan
    above, was_above = x.macd > x.signal, x.previous_macd > x.previous_signal
    below, was_below = x.macd < x.signal, x.previous_macd < x.previous_signal
    points = float(x.rsi < 30.0) - float(x.rsi > 70.0)
    points += float(above and not was_above) - float(below and not was_below)
    points += 0.5 * (float(x.trend > 0.0) - float(x.trend < 0.0))
    return points if x.volume > x.mean_volume else 0.5 * points


def side(points: float) -> Signal:
    """Return BUY from a score of 1, SELL from -1, HOLD between and where it is unknown."""
    if points >= 1.0:
        return Signal.BUY
    return Signal.SELL if points <= -1.0 else Signal.HOLD


def opinion(
    symbol: str, known_at: int, readings: Readings, hit_rate: float, horizon: int = 1
) -> Belief:
    """Return the rule's belief.

    `hit_rate` is the measured share of matured calls of this rule that were right, NaN while too
    few have matured; p_up is that rate for a BUY, its complement for a SELL, NaN otherwise.
    """
    points = score(readings)
    signal = side(points)
    p_up = {Signal.BUY: hit_rate, Signal.SELL: 1.0 - hit_rate}.get(signal, math.nan)
    why = _INSUFFICIENT if math.isnan(points) else f"score {points:+.2f}"
    return Belief(SOURCE, symbol, known_at, horizon, p_up, evidence=_CITED[signal], why=why)


class RsiMacdVolume:
    """Hold `weight` of equity on the side that the rule calls, nothing while it holds or abstains.

    Reads beliefs made by `opinion`; a belief from any other source has no side here.
    """

    name = SOURCE

    def __init__(self, weight: float = 1.0) -> None:
        if not 0.0 < weight <= 1.0:
            raise UsageError(f"weight is {weight}", where=SOURCE, allowed="(0, 1]")
        self.weight = weight

    def target(self, symbol: str, belief: Belief, book: Book) -> Target:
        """Return the weight wanted from the next open on; pure."""
        if belief.source != SOURCE or not belief.evidence:
            return Target(0.0, f"{belief.source} is not the rule")
        called = _SIDES.get(belief.evidence[0], 0.0)
        if not called or not belief.known:
            return Target(0.0, belief.why or "no opinion")
        return Target(self.weight * called, belief.why)


PLUGIN = RsiMacdVolume
