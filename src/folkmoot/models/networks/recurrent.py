"""Recurrent networks: LSTM and GRU layers, plain, both ways, pooled by attention, residual.

A window is encoded from its first step to the decision bar and re-run for every decision, so that
an answer never depends on where a stream began. A layer that reads both ways does so inside the
window only, which ends at the decision bar.

Layers are torch's own. On one thread the products of the gates alone take three quarters of a step;
torch forms those of the input for the whole window at once, and a backward pass written by hand
gained 5 % for GRU and lost as much for LSTM.
"""

from torch import Tensor, cat, nn

from folkmoot.models.networks.cells import Layer
from folkmoot.models.networks.everywhere import OneWay
from folkmoot.models.networks.head import Head, stacked
from folkmoot.models.networks.pooling import pooling


class ResidualLayer(nn.Module):
    """Add to `[rows, steps, width]` the states of a layer that reads it normalised."""

    def __init__(self, kind: str, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layer = Layer(kind, width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x + dropout(states(norm(x)))`."""
        return x + self.dropout(self.layer(self.norm(x)))


class Ends(nn.Module):
    """Take the state that has read the whole window: the last, backwards the first."""

    def __init__(self, width: int, both: bool = False) -> None:
        super().__init__()
        self.width = width
        self.forwards = width // 2 if both else width

    def forward(self, states: Tensor) -> Tensor:
        """Return `[rows, width]`."""
        if self.forwards == self.width:
            return states[:, -1]
        return cat((states[:, -1, : self.forwards], states[:, 0, self.forwards :]), dim=1)


class RecurrentNetwork(OneWay):
    """Answer `[rows, out]` from windows `[rows, steps, features]` by layers of one kind of cell.

    `kind`: gru or lstm; `hidden` numbers in a state; `layers`; `both`: read each window backwards
    too; `pool`: ends (the state that has read the whole window), additive or dot (attention over
    all states, `attention` numbers wide).
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        kind: str,
        hidden: int,
        layers: int = 2,
        both: bool = False,
        pool: str = "ends",
        attention: int = 48,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        first = Layer(kind, features, hidden, both)
        rest = (Layer(kind, first.width, hidden, both, dropout) for _ in range(layers - 1))
        self.layers = nn.ModuleList([first, *rest])
        self.pool = (
            Ends(first.width, both) if pool == "ends" else pooling(pool, first.width, attention)
        )
        self.head = Head(first.width, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, out]` raw numbers."""
        return self.head(self.pool(stacked(self.layers, x)))

    def every(self, x: Tensor) -> Tensor:
        """Return `[rows, steps, out]`; not of layers that read both ways, nor of dot attention."""
        states = stacked(self.layers, x)
        return self.head(states if isinstance(self.pool, Ends) else self.pool.so_far(states))

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return the `attention` `[rows, steps]` that the pooling paid, if it paid any."""
        if isinstance(self.pool, Ends):
            return {}
        return {"attention": self.pool.weights(stacked(self.layers, x))}


class ResidualNetwork(OneWay):
    """Answer `[rows, out]` by recurrent layers that each add to what they read.

    Windows `[rows, steps, features]` are projected to `hidden` numbers a step first.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        kind: str,
        hidden: int,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.project = nn.Linear(features, hidden)
        self.layers = nn.ModuleList(
            ResidualLayer(kind, hidden, dropout=dropout) for _ in range(layers)
        )
        self.head = Head(hidden, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, out]` raw numbers."""
        return self.head(stacked(self.layers, self.project(x))[:, -1])

    def every(self, x: Tensor) -> Tensor:
        """Return `[rows, steps, out]`."""
        return self.head(stacked(self.layers, self.project(x)))
