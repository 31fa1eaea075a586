"""PatchTST (Nie et al. 2023): attention among patches of bars."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.errors import UsageError
from folkmoot.models.neural.network import Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class PatchTST(Network):
    """Cut the window into patches that overlap, let them look at one another, read them all.

    `patch` and `stride` in bars, the last patch ends at the decision bar. `mixing`: a patch holds
    all columns; without it, as in the paper, each column is a sequence of its own and columns meet
    only in the head, at `select` times the work. `width`, `heads`, `hidden` of the linear maps,
    `layers`, `dropout`; `horizons`, `lookback`, `select` and `training` as in every network.
    """

    small: ClassVar[dict[str, Any]] = {
        "width": 16,
        "heads": 2,
        "hidden": 32,
        "layers": 2,
        "lookback": 16,
        "patch": 4,
        "stride": 2,
        "training": {"epochs": 6, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    patch: int = 8
    stride: int = 4
    mixing: bool = True
    width: int = 128
    heads: int = 8
    hidden: int = 256
    layers: int = 3
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes that do not divide and strides that skip bars."""
        if min(self.width, self.heads, self.hidden, self.layers) < 1:
            raise UsageError("a size is below 1", where="patchtst", allowed="1 or more")
        if self.width % (2 * self.heads):
            raise UsageError(
                f"width {self.width} is divided among {self.heads} heads, in pairs",
                where="patchtst",
                allowed="a multiple of 2 x heads",
            )
        if not 1 <= self.stride <= self.patch:
            raise UsageError(
                f"stride {self.stride} with patches of {self.patch} bars",
                where="patchtst",
                allowed="1 to patch",
            )

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the encoder of patches with its head."""
        from folkmoot.models.networks.patchtst import PatchTSTNetwork

        cut = (self.patch, self.stride, self.mixing)
        sizes = (self.width, self.heads, self.hidden, self.layers)
        return PatchTSTNetwork(features, self.lookback, out, *cut, *sizes, self.dropout)


PLUGIN = PatchTST
