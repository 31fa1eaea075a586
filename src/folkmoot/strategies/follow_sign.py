"""The plainest strategy: all in, on the side the belief favours. A yardstick, not an advice."""

import math

from folkmoot.core.decision import Book, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Belief


class FollowSign:
    """Hold `weight` of equity on the belief's side of 50 %; nothing at 50 % or without a view."""

    name = "follow_sign"

    def __init__(self, weight: float = 1.0) -> None:
        if not 0.0 < weight <= 1.0:
            raise UsageError(f"weight is {weight}", where="follow_sign", allowed="(0, 1]")
        self.weight = weight

    def target(self, symbol: str, belief: Belief, book: Book) -> Target:
        """Return the weight wanted from the next open on; pure."""
        lean = belief.p_up - 0.5
        if lean == 0.0 or math.isnan(lean):
            return Target(0.0, "no side is favoured")
        return Target(math.copysign(self.weight, lean), "the favoured side")


PLUGIN = FollowSign
