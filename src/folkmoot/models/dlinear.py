"""DLinear (Zeng et al. 2023): trend, rest, and linear maps."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from folkmoot.core.errors import UsageError
from folkmoot.models.neural.network import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class DLinear(Network):
    """Weigh the trend and the rest of each column's window: the network without a bend.

    `average`: bars of the trend's centred mean, odd; `filters`: numbers kept of each column, by the
    same weights for all; `horizons`, `lookback`, `select` and `training` as in every network.
    """

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    average: int = 25
    filters: int = 8
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse an average without a middle."""
        if self.average < 1 or self.average % 2 == 0 or self.filters < 1:
            raise UsageError(
                f"average {self.average} with {self.filters} filters",
                where="dlinear",
                allowed="an odd average, 1 filter or more",
            )

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the linear maps."""
        from folkmoot.models.networks.dlinear import DLinearNetwork

        return DLinearNetwork(features, self.lookback, out, self.average, self.filters)


PLUGIN = DLinear
