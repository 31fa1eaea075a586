"""The LSTM with attention of document 004: both ways, three layers, multi-head, many horizons."""

from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor, cat, nn

from folkmoot.models.networks.cells import Layer
from folkmoot.models.networks.head import Head, run, stacked

HORIZONS = (1, 5, 15, 30)


class Both(nn.Module):
    """Read `[rows, steps, width]` both ways; where widths agree, add what was read to it."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layer = Layer("lstm", width, hidden, both=True)
        self.norm = nn.LayerNorm(self.layer.width)
        self.dropout = nn.Dropout(dropout)
        self.residual = width == self.layer.width

    def forward(self, x: Tensor) -> Tensor:
        """Return the states `[rows, steps, 2 hidden]`, normalised."""
        states = self.dropout(self.layer(x))
        return self.norm(x + states if self.residual else states)


class LSTMModel(nn.Module):
    """Answer `[rows, out]` from windows `[rows, steps, features]`, one head for each horizon.

    Layers of bidirectional LSTM, each normalised and, from the second on, added to its input; the
    decision bar then looks at all states by multi-head attention, again added and normalised. With
    64 features, 128 hidden numbers and 8 attention heads the LSTM and the attention have 1,252,352
    parameters. `out` is shared evenly among `horizons` heads, one behind the other.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        hidden: int = 128,
        layers: int = 3,
        heads: int = 8,
        horizons: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        width = 2 * hidden
        self.layers = nn.ModuleList(
            Both(width if k else features, hidden, dropout) for k in range(layers)
        )
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleList(Head(width, out // horizons, dropout) for _ in range(horizons))

    @classmethod
    def create_optimized_model(
        cls,
        input_dim: int,
        sequence_length: int = 60,
        prediction_horizons: Sequence[int] = HORIZONS,
        outputs_per_horizon: int = 8,
        hidden_size: int = 128,
        num_layers: int = 3,
        num_heads: int = 8,
        dropout: float = 0.2,
    ) -> Self:
        """Build the network of document 004 for windows `[rows, sequence_length, input_dim]`.

        It answers `[rows, len(prediction_horizons) * outputs_per_horizon]`, horizon after horizon:
        by default a direction and seven quantiles each.
        """
        count = len(prediction_horizons)
        return cls(
            input_dim,
            sequence_length,
            count * outputs_per_horizon,
            hidden=hidden_size,
            layers=num_layers,
            heads=num_heads,
            horizons=count,
            dropout=dropout,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, out]` raw numbers, horizon after horizon."""
        pooled, _ = self._look(stacked(self.layers, x))
        return cat([run(head, pooled) for head in self.heads], dim=1)

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return the `attention` `[rows, heads, 1, steps]` of the decision bar."""
        _, weights = self._look(stacked(self.layers, x), weights=True)
        return {"attention": weights}

    def _look(self, states: Tensor, weights: bool = False) -> tuple[Tensor, Any]:
        # Only the decision bar asks: the answers of other steps would be thrown away.
        last = states[:, -1:]
        found, paid = self.attention(
            last, states, states, need_weights=weights, average_attn_weights=False
        )
        return self.norm(last + found).squeeze(1), paid
