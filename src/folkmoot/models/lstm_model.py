"""The LSTM with attention of document 004."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_heads, check_sizes
from folkmoot.models.neural.targets import WIDTH

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class LSTMAttention(Network):
    """Read the window both ways by LSTM layers, let the last bar look at all, a head a horizon.

    `horizons`: bars ahead, rising; `lookback` bars; `hidden` numbers in a state of either
    direction; `layers`; `heads` of the attention; `dropout`; `select`: columns kept, chosen on the
    training rows; `training`: options of `neural.plan.Plan`.
    """

    small: ClassVar[dict[str, Any]] = {
        "hidden": 8,
        "heads": 2,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    hidden: int = 128
    layers: int = 3
    heads: int = 8
    dropout: float = 0.2
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one, and a width that the heads do not share evenly."""
        check_sizes(self, "lstm_model", "hidden", "layers", "heads")
        check_heads("lstm_model", "2 x hidden", 2 * self.hidden, self.heads)

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the network with one head for each horizon."""
        from folkmoot.models.networks.lstm_model import LSTMModel

        return LSTMModel(
            features,
            self.lookback,
            out,
            hidden=self.hidden,
            layers=self.layers,
            heads=self.heads,
            horizons=max(1, out // WIDTH),
            dropout=self.dropout,
        )


PLUGIN = LSTMAttention
