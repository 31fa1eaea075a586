"""What members that look at angular fields share: the prices they are shown, the eye's options."""

from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import rows
from folkmoot.models.neural.inputs import Inputs
from folkmoot.models.neural.network import LOG_PRICES, Network

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALLEST = 32
"""Pixels below which the last stage would have no map."""


class Sight(Network):
    """A member that sees closes alone; other prices and columns it is not shown.

    `backbone`, if set, holds timm's names and tensors that new networks start from.
    """

    raw: tuple[str, ...] = (*LOG_PRICES, "ewma_vol")
    needs: tuple[str, ...] = raw
    select = 1

    shape: str
    depths: tuple[int, ...]
    dims: tuple[int, ...]
    size: int
    backbone: "dict[str, Tensor] | None" = None

    def check_sight(self, window: int) -> None:
        """Refuse sizes that a ConvNeXt cannot see; `window` is that of one image."""
        if not SMALLEST <= self.size <= window:
            raise UsageError(
                f"images of {self.size} pixels from {window} bars",
                where=type(self).__name__,
                allowed=f"{SMALLEST} pixels or more, and no more than bars",
            )
        if len(self.depths) != len(self.dims) or len(self.dims) not in (0, 4):
            raise UsageError(
                f"depths {self.depths} and dims {self.dims}",
                where=type(self).__name__,
                allowed="four of each, or neither",
            )

    def eye_form(self) -> Any:
        """Return the preset's name, or the shape of `depths` and `dims` where they are given."""
        from folkmoot.models.networks.convnext import Shape, shape_of

        return Shape(tuple(self.depths), tuple(self.dims)) if self.dims else shape_of(self.shape)

    def started(self, network: Any) -> "nn.Module":
        """Return the network, its backbone that of a checkpoint if there is one."""
        if self.backbone is not None:
            network.eye.backbone.load_state_dict(self.backbone)
        return network

    def inputs(self, x: Features) -> Inputs:
        """Return the windows of prices; raises `DataError` that names a column x lacks."""
        missing = [name for name in self.raw if name not in x.names]
        if missing:
            raise DataError(f"columns {missing} are missing", where="features", allowed="set bars")
        part, known = self.raw_part(x)
        return Inputs((part,), known)

    def embed(self, x: Features) -> Floats:
        """Return `[rows, width]`: the backbone's features after its last norm; NaN if unknown.

        Of a fitted member its first network's; of another those of the checkpoint it starts from.
        """
        shown = self.inputs(x)
        network: Any = self.networks()[0] if self.learnt else self.network(0, 1).eval()
        known = np.flatnonzero(shown.known)
        made = np.full((len(x), network.eye.backbone.width), np.nan, dtype=np.float32)
        steps = network.eye.draw.pieces.shape[1]
        if len(known):
            made[known] = asked(lambda prices: network.eye.look(prices[:, -steps:]), shown, known)
        return made


def asked(question: Any, shown: Inputs, index: rows.Index, at_once: int = 256) -> Floats:
    """Return what `question` answers of the rows of `index`, one or more, a batch at a time."""
    import torch

    found = []
    with torch.inference_mode():
        for first in range(0, len(index), at_once):
            part = shown.take(index[first : first + at_once])
            found.append(question(*(torch.from_numpy(array) for array in part)))
    made: Floats = torch.cat(found).numpy()
    return made
