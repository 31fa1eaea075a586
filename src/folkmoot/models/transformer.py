"""Attention over the window (Vaswani et al. 2017; Informer, Zhou et al. 2021)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import rows
from folkmoot.models.neural.everywhere import Singles, directions
from folkmoot.models.neural.network import Network

if TYPE_CHECKING:
    from torch import nn

POSITIONS = ("sinusoidal", "rotary")
KINDS = ("full", "sparse")


@dataclass(eq=False)
class Transformer(Network):
    """Let the bars of the window look at one another, and answer from the last one.

    `horizons`: bars ahead, rising; `lookback` bars; `width`, `heads`, `hidden` of the linear maps
    and `layers` of the encoder, `dropout`; `causal`: no bar looks at a later one; `attention`: full
    or sparse as in Informer, where the bars that stand out attend and each layer but the last
    halves the length; `factor`: c of its c ln(length) bars; causal, it is ours, which no later bar
    can change, otherwise the official one. `positions`: sinusoidal, or rotary (full and causal
    only), which bands each layer so that the network can answer as a stream: see
    `networks.transformer`. `every` (full and causal only): the direction is taught at every bar of
    a window and not at its last alone. `select`: columns kept, chosen on the training rows;
    `training`: options of `neural.plan.Plan`.
    """

    small: ClassVar[dict[str, Any]] = {
        "width": 16,
        "heads": 2,
        "hidden": 32,
        "layers": 2,
        "lookback": 8,
        "training": {"epochs": 6, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    width: int = 128
    heads: int = 8
    hidden: int = 352
    layers: int = 3
    causal: bool = False
    attention: str = "full"
    factor: int = 5
    positions: str = "sinusoidal"
    every: bool = False
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes that do not divide and places that do not fit the attention."""
        if min(self.width, self.heads, self.hidden, self.layers, self.factor) < 1:
            raise UsageError("a size is below 1", where="transformer", allowed="1 or more")
        if self.width % (2 * self.heads):
            raise UsageError(
                f"width {self.width} is divided among {self.heads} heads, in pairs",
                where="transformer",
                allowed="a multiple of 2 x heads",
            )
        if self.attention not in KINDS or self.positions not in POSITIONS:
            raise UsageError(
                f"attention {self.attention!r} with positions {self.positions!r}",
                where="transformer",
                allowed=[*KINDS, *POSITIONS],
            )
        needy = self.positions == "rotary" or self.every
        if needy and not (self.causal and self.attention == "full"):
            raise UsageError(
                "rotary positions and answers at every bar need full causal attention",
                where="transformer",
                allowed="causal=True, attention='full'",
            )

    def extras(self, x: Features, y: Floats, usable: rows.Rows) -> tuple[Singles, ...]:
        """Return the direction at every bar of each window, and its usual log odds."""
        return directions(x, y, usable, self.lookback) if self.every else ()

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the encoder with its head."""
        sizes = (self.width, self.heads, self.hidden, self.layers)
        if self.attention == "sparse":
            from folkmoot.models.networks.informer import InformerNetwork

            return InformerNetwork(
                features, self.lookback, out, *sizes, self.factor, self.causal, self.dropout
            )
        from folkmoot.models.networks.transformer import TransformerNetwork

        return TransformerNetwork(
            features, self.lookback, out, *sizes, self.causal, self.positions, self.dropout
        )


PLUGIN = Transformer
PRESETS: dict[str, dict[str, Any]] = {
    "transformer_standard": {},
    "transformer_timeseries": {"hidden": 320, "causal": True, "every": True},
    "transformer_informer": {"hidden": 256, "layers": 2, "causal": True, "attention": "sparse"},
}
