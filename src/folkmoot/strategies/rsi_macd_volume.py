"""Document 000's rule as a strategy: trade the side that the rule calls.

The rule itself is `features.rule`. It reads indicators and a strategy reads a belief: `opinion`
puts the rule's answer into a `Belief` whose source is this file's name, and the strategy trades
the side that such a belief cites. The document's fixed confidences have no evidence behind them:
p_up is the rule's measured hit rate, and without one the rule abstains.
"""

import math

from folkmoot.core.decision import Book, Signal, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Belief
from folkmoot.features.rule import side

SOURCE = "rsi_macd_volume"
INSUFFICIENT = "insufficient history"
_CITED = {
    Signal.BUY: (f"{SOURCE}:buy",),
    Signal.SELL: (f"{SOURCE}:sell",),
    Signal.HOLD: (f"{SOURCE}:hold",),
}
_SIDES = {cited[0]: float(signal.value) for signal, cited in _CITED.items()}


def opinion(symbol: str, known_at: int, score: float, hit_rate: float, horizon: int = 1) -> Belief:
    """Return the belief of the rule with that score.

    `hit_rate` is the measured share of matured calls of this side that were right, NaN while it is
    unknown; p_up is that rate for a BUY, its complement for a SELL, NaN otherwise.
    """
    signal = side(score)
    p_up = {Signal.BUY: hit_rate, Signal.SELL: 1.0 - hit_rate}.get(signal, math.nan)
    why = INSUFFICIENT if math.isnan(score) else f"score {score:+.2f}"
    return Belief(SOURCE, symbol, known_at, horizon, p_up, evidence=_CITED[signal], why=why)


class RsiMacdVolume:
    """Hold `weight` of equity on the side that the rule calls, nothing while it holds or abstains.

    Reads beliefs made by `opinion`; a belief from any other source has no side here. `voice` says
    whom a desk has to hear for that.
    """

    name = SOURCE
    voice = "rule"

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
