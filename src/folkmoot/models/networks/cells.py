"""Layers of recurrent cells: torch's own, and the one ONNX node that each becomes on export.

Torch exports a cell as sixty unrolled steps, traced six times over, which takes half a minute a
network; ONNX has the same cells as operators, with the gates in another order.
"""

from typing import Any

import torch
from torch import Tensor, cat, nn

CELLS: dict[str, type[nn.Module]] = {"gru": nn.GRU, "lstm": nn.LSTM}

# Torch orders gates r z n and i f g o; ONNX z r h and i o f c.
ORDER = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}
WHERE = {"gru": {"linear_before_reset": 1}, "lstm": {}}


class Layer(nn.Module):
    """Map `[rows, steps, width]` to the states `[rows, steps, hidden]`, twice as wide if `both`.

    Dropout falls on what comes in, so none falls between the last layer and what follows.
    """

    def __init__(
        self, kind: str, width: int, hidden: int, both: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.kind, self.hidden = kind, hidden
        self.cell = CELLS[kind](width, hidden, batch_first=True, bidirectional=both)
        self.dropout = nn.Dropout(dropout)
        self.width = hidden * (2 if both else 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states of every step."""
        x = self.dropout(x)
        if torch.onnx.is_in_onnx_export():
            return self._node(x)
        states, _ = self.cell(x)
        return states

    def _node(self, x: Tensor) -> Tensor:
        """Return the states by ONNX's operator; for export only."""
        ways = self.width // self.hidden
        shape = (x.shape[1], ways, x.shape[0], self.hidden)
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if ways == 2 else "forward",
            **WHERE[self.kind],
        }
        states = torch.onnx.ops.symbolic(
            self.kind.upper(),
            (x.transpose(0, 1), *self._weights(ways)),
            attributes,
            dtype=x.dtype,
            shape=shape,
            version=18,
        )
        return states.permute(2, 0, 1, 3).flatten(2)

    def _weights(self, ways: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return ONNX's W, R and B: one row a direction, gates in its order."""
        flat = list(self.cell.parameters())
        each = [flat[4 * way : 4 * way + 4] for way in range(ways)]
        inputs, states, *biases = (
            torch.stack([self._ordered(way[k]) for way in each]) for k in range(4)
        )
        return inputs, states, cat(biases, dim=1)

    def _ordered(self, weight: Tensor) -> Tensor:
        size = self.hidden
        return cat([weight[k * size : (k + 1) * size] for k in ORDER[self.kind]])
