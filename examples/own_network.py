"""A network of your own as a member: `folkmoot prove ... --models examples/own_network.py`.

Windows, scaling, targets, the fit loop, early stopping and the artefact are those of every network.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from folkmoot.models.neural.network import Network


@dataclass(eq=False)
class OwnNetwork(Network):
    """One hidden layer over the whole window; its fields are its options."""

    horizons: tuple[int, ...] = (1,)
    lookback: int = 12
    select: int = 16
    hidden: int = 24
    training: dict[str, Any] = field(default_factory=dict)

    def network(self, features: int, out: int) -> nn.Module:
        """Return a network from [rows, lookback, features] to [rows, out] raw numbers."""
        first = nn.Linear(self.lookback * features, self.hidden)
        return nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Linear(self.hidden, out))


PLUGIN = OwnNetwork
