"""GRU networks (Cho et al., 2014): plain, both ways, stacked, pooled by attention, residual."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import rows
from folkmoot.models.neural.everywhere import Singles, check_every, directions
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_sizes

if TYPE_CHECKING:
    from torch import nn

KINDS = ("plain", "attention", "residual")
MODES = ("additive", "dot")


@dataclass(eq=False)
class GRU(Network):
    """Read the window by layers of GRU and answer from their states.

    `horizons`: bars ahead, rising; `lookback` bars; `hidden` numbers in a state; `layers`; `both`:
    read the window, which ends at the decision bar, backwards too; `kind`: plain answers from the
    state that has read all of it, attention from all states, weighted by what they say, residual
    adds each layer to what it read; `mode` of the attention: additive (v . tanh(W h + b)) or dot
    (the last state asks), `attention` numbers wide; `every` (one way, not dot): the direction is
    taught at every bar of a window and not at its last alone; `dropout` between layers and in the
    head; `select`: columns kept, chosen on the training rows; `training`: options of
    `neural.plan.Plan`.
    """

    small: ClassVar[dict[str, Any]] = {
        "hidden": 16,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    hidden: int = 88
    layers: int = 2
    both: bool = False
    kind: str = "plain"
    mode: str = "additive"
    attention: int = 48
    every: bool = False
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one, and kinds and modes that there are not."""
        check_sizes(self, "gru", "hidden", "layers", "attention")
        if self.kind not in KINDS or self.mode not in MODES:
            raise UsageError(
                f"kind {self.kind!r} with mode {self.mode!r}", where="gru", allowed=[*KINDS, *MODES]
            )
        if self.both and self.kind == "residual":
            raise UsageError("a residual GRU reads one way", where="gru", allowed="both=False")
        check_every(self, self.kind == "attention" and self.mode == "dot")

    def extras(self, x: Features, y: Floats, usable: rows.Rows) -> tuple[Singles, ...]:
        """Return the direction at every bar of each window, and its usual log odds."""
        return directions(x, y, usable, self.lookback) if self.every else ()

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the layers with their head."""
        from folkmoot.models.networks.recurrent import RecurrentNetwork, ResidualNetwork

        shape = (features, self.lookback, out, "gru", self.hidden, self.layers)
        if self.kind == "residual":
            return ResidualNetwork(*shape, self.dropout)
        pool = self.mode if self.kind == "attention" else "ends"
        return RecurrentNetwork(*shape, self.both, pool, self.attention, self.dropout)


PLUGIN = GRU
PRESETS: dict[str, dict[str, Any]] = {
    "gru_standard": {},
    "gru_bidirectional": {"hidden": 80, "both": True},
    "gru_stacked": {"hidden": 156, "layers": 3},
    "gru_attention": {"hidden": 96, "kind": "attention"},
    "gru_residual": {"hidden": 104, "kind": "residual"},
}
