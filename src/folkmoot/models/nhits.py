"""NHITS (Challu et al. 2022): blocks that explain the window from coarse to fine."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.errors import UsageError
from folkmoot.models.neural.network import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class NHITS(Network):
    """Sum the answers of blocks, each from what the blocks before it did not explain.

    `channels`: series that the columns are mixed into, bar by bar; `width` of the blocks; `pools`:
    bars of which a block sees the largest value, one a block; `rates`: bars between the knots of
    the curve that a block subtracts, one a block but the last; `dropout`; `horizons`, `lookback`,
    `select` and `training` as in every network.
    """

    small: ClassVar[dict[str, Any]] = {
        "width": 16,
        "lookback": 24,
        "training": {"epochs": 6, "batch": 64, "rate": 3e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    channels: int = 16
    width: int = 128
    pools: tuple[int, ...] = (8, 4, 1)
    rates: tuple[int, ...] = (12, 6)
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse blocks without a pool or a rate."""
        if min(self.channels, self.width) < 1:
            raise UsageError("a size is below 1", where="nhits", allowed="1 or more")
        if len(self.pools) != len(self.rates) + 1 or min([*self.pools, *self.rates]) < 1:
            raise UsageError(
                f"pools {tuple(self.pools)} and rates {tuple(self.rates)}",
                where="nhits",
                allowed="one pool a block, one rate a block but the last, each at least 1",
            )

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the blocks with their head."""
        from folkmoot.models.networks.nhits import NHITSNetwork

        sizes = (self.channels, self.width, tuple(self.pools), tuple(self.rates))
        return NHITSNetwork(features, self.lookback, out, *sizes, self.dropout)


PLUGIN = NHITS
