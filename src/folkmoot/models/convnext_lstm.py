"""An LSTM over what ConvNeXt saw in one angular field after another, up to the decision bar."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.errors import UsageError
from folkmoot.models.neural.sight import Sight

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class ConvNeXtLSTM(Sight):
    """Look at `frames` images, `stride` bars apart, and read them in their order.

    The window of an image is `lookback` less the bars that the frames move, drawn at `size` pixels;
    `shape`, or own `depths` and `dims`, is the one ConvNeXt that sees them all; `hidden` numbers of
    the LSTM; `dropout`, `drop_path`, `backbone_rate` as in `convnext`; `horizons` and `training` as
    in every network.
    """

    horizons: tuple[int, ...] = (1,)
    lookback: int = 112
    frames: int = 4
    stride: int = 16
    shape: str = "micro"
    depths: tuple[int, ...] = ()
    dims: tuple[int, ...] = ()
    size: int = 32
    hidden: int = 64
    dropout: float = 0.1
    drop_path: float = 0.0
    backbone_rate: float = 1.0
    training: dict[str, Any] = field(default_factory=dict)

    small: ClassVar[dict[str, Any]] = {
        "lookback": 36,
        "frames": 2,
        "stride": 4,
        "depths": (1, 1, 1, 1),
        "dims": (8, 8, 16, 16),
        "hidden": 16,
        "training": {"epochs": 4, "batch": 64, "rate": 3e-3},
    }

    def check(self) -> None:
        """Refuse frames that do not fit the lookback and images that cannot be seen."""
        if self.frames < 2 or self.stride < 1 or self.hidden < 1:
            raise UsageError(
                f"{self.frames} frames {self.stride} bars apart, {self.hidden} hidden",
                where="convnext_lstm",
                allowed="2 frames or more, 1 or more of the others",
            )
        self.check_sight(self.lookback - (self.frames - 1) * self.stride)

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the network; it is shown no `features`."""
        from folkmoot.models.networks.vision import ConvNeXtLSTMNetwork

        del features
        return self.started(
            ConvNeXtLSTMNetwork(
                self.lookback,
                out,
                self.eye_form(),
                self.size,
                self.frames,
                self.stride,
                self.hidden,
                self.dropout,
                self.drop_path,
                self.backbone_rate,
            )
        )


PLUGIN = ConvNeXtLSTM
