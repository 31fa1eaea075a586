"""LSTM networks (Hochreiter and Schmidhuber, 1997): plain, both ways, stacked."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.models import rows
from folkmoot.models.neural.everywhere import Singles, check_every, directions
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_sizes

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class LSTM(Network):
    """Read the window by layers of LSTM and answer from the state that has read all of it.

    `horizons`: bars ahead, rising; `lookback` bars; `hidden` numbers in a state; `layers`; `both`:
    read the window, which ends at the decision bar, backwards too; `every` (one way): the direction
    is taught at every bar of a window and not at its last alone; `dropout` between layers and in
    the head; `select`: columns kept, chosen on the training rows; `training`: options of
    `neural.plan.Plan`.
    """

    small: ClassVar[dict[str, Any]] = {
        "hidden": 16,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    hidden: int = 96
    layers: int = 2
    both: bool = False
    every: bool = False
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one and a dropout outside of 0 to 1."""
        check_sizes(self, "lstm", "hidden", "layers")
        check_every(self)

    def extras(self, x: Features, y: Floats, usable: rows.Rows) -> tuple[Singles, ...]:
        """Return the direction at every bar of each window, and its usual log odds."""
        return directions(x, y, usable, self.lookback) if self.every else ()

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the layers with their head."""
        from folkmoot.models.networks.recurrent import RecurrentNetwork

        return RecurrentNetwork(
            features,
            self.lookback,
            out,
            "lstm",
            self.hidden,
            self.layers,
            self.both,
            dropout=self.dropout,
        )


PLUGIN = LSTM
PRESETS: dict[str, dict[str, Any]] = {
    "lstm_standard": {},
    "lstm_bidirectional": {"hidden": 88, "both": True},
    "lstm_stacked": {"hidden": 152, "layers": 3},
}
