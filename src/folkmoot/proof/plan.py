"""What is asked of a study."""

from dataclasses import dataclass
from typing import Any, Literal

from folkmoot.committee import Committee
from folkmoot.core.stamps import instant
from folkmoot.core.timeframe import DAY
from folkmoot.execution import Costs, Limits
from folkmoot.proof.controls import NULL, PLANTED

Controls = Literal["all", "needed"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of one study; everything in `config` is part of its name."""

    committee: Committee
    features: str
    costs: Costs
    strategy: str
    limits: Limits
    span: tuple[int | None, int | None]
    controls: Literal["all", "needed"]
    copies: int
    plants: int
    seed: int

    @property
    def config(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "committee": roster(self.committee),
            "features": self.features,
            "costs": [self.costs.fee, self.costs.slippage, self.costs.funding, self.costs.borrow],
            "strategy": self.strategy,
            "limits": [getattr(self.limits, name) for name in Limits.__dataclass_fields__],
            "span": list(self.span),
            "controls": [self.controls, self.copies, self.plants, self.seed],
        }

    def nulls(self) -> list[tuple[str, int]]:
        """Return the sign-randomised copies."""
        return [(NULL, 1_000 * self.seed + k) for k in range(self.copies)]

    def planted(self) -> list[tuple[str, int]]:
        """Return the planted copies."""
        return [(PLANTED, 1_000 * self.seed + k) for k in range(self.plants)]


def roster(committee: Committee) -> dict[str, Any]:
    """Return a committee as the keyword arguments that make it again."""
    return {
        "models": list(committee.models),
        "horizon": committee.horizon,
        "horizons": list(committee.horizons or ()),
        "weights": dict(committee.weights) if committee.weights else None,
        "options": {name: dict(given) for name, given in committee.options.items()},
    }


def until(moment: int | str | None) -> int | None:
    """Return the first instant after `moment`; a date alone means the end of that day.

    >>> until("2024-12-31") == instant("2025-01-01")
    True
    """
    found = instant(moment)
    alone = isinstance(moment, str) and len(moment.strip()) == len("2024-12-31")
    return found + DAY if found is not None and alone else found
