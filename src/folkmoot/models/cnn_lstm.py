"""The CNN-LSTM hybrid of document 004."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.errors import UsageError
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_sizes

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class CNNLSTM(Network):
    """Name local patterns by two causal convolutions and remember them by an LSTM.

    `horizons`: bars ahead, rising; `lookback` bars; `channels` of the convolutions, `sizes` bars
    long, of which the second answers every `stride`-th bar, counted back from the last; `hidden`
    numbers in a state; `layers` of LSTM; `dropout`; `select`: columns kept, chosen on the training
    rows; `training`: options of `neural.plan.Plan`.
    """

    small: ClassVar[dict[str, Any]] = {
        "channels": 16,
        "hidden": 16,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    channels: int = 64
    sizes: tuple[int, int] = (5, 3)
    stride: int = 2
    hidden: int = 96
    layers: int = 1
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one, and a stride that would leave bars unread."""
        self.sizes = (int(self.sizes[0]), int(self.sizes[1]))
        check_sizes(self, "cnn_lstm", "channels", "sizes", "stride", "hidden", "layers")
        if self.stride > self.sizes[1]:
            raise UsageError(
                f"a stride of {self.stride} leaves bars unread",
                where="cnn_lstm",
                allowed=f"1 to {self.sizes[1]}, the second size",
            )

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the convolutions, the LSTM and the head."""
        from folkmoot.models.networks.cnn_lstm import CNNLSTMNetwork

        return CNNLSTMNetwork(
            features,
            self.lookback,
            out,
            self.channels,
            self.sizes,
            self.stride,
            self.hidden,
            self.layers,
            self.dropout,
        )


PLUGIN = CNNLSTM
