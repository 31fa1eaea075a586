"""What trading costs."""

import math
from dataclasses import dataclass

from folkmoot.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of one side as shares of its notional: 0.001 is 10 basis points.

    `fee` goes to the venue, `slippage` moves the price against the order. `funding` and `borrow`
    (a year, of the notional held long / short) are None while unknown: they are then left out of
    every figure, and `unknown` names them so that a report can say so.
    """

    fee: float = 0.001
    slippage: float = 0.0005
    funding: float | None = None
    borrow: float | None = None

    def __post_init__(self) -> None:
        for name in ("fee", "slippage"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise UsageError(f"{name} is {value}", where="costs", allowed="[0, 1)")
        for name in ("funding", "borrow"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise UsageError(f"{name} is {value}", where="costs", allowed="a number, or None")

    @property
    def rate(self) -> float:
        """Fee and slippage of one side together."""
        return self.fee + self.slippage

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the costs that are unknown and therefore not charged."""
        return tuple(name for name in ("funding", "borrow") if getattr(self, name) is None)
