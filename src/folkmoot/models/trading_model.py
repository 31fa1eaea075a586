"""The TradingModel of document 001, its layout mended: candles and indicators, gated."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_heads, check_sizes

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class Trading(Network):
    """Read candles by convolution, LSTM and causal attention; weigh in the bar's indicators.

    The sequence is the candles of the window (open, high, low, close, volume), the indicators are
    the columns of the set at the decision bar.

    `horizons`: bars ahead, rising; `lookback` bars; `channels` of the convolution; `hidden` numbers
    in a state; `layers` of LSTM; `heads` of the attention; `dropout`; `select`: columns kept,
    chosen on the training rows; `training`: options of `neural.plan.Plan`.
    """

    raw = ("log_open", "log_high", "log_low", "log_close", "log_volume", "ewma_vol")
    small: ClassVar[dict[str, Any]] = {
        "channels": 16,
        "hidden": 16,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    channels: int = 64
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    dropout: float = 0.2
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one, and states that the heads do not share evenly."""
        check_sizes(self, "trading_model", "channels", "hidden", "layers", "heads")
        check_heads("trading_model", "hidden", self.hidden, self.heads)

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the model with its reader of candles."""
        from folkmoot.models.networks.trading_model import TradingMember

        return TradingMember(
            features,
            out,
            channels=self.channels,
            hidden=self.hidden,
            layers=self.layers,
            heads=self.heads,
            dropout=self.dropout,
        )


PLUGIN = Trading
