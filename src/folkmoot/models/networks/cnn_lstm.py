"""The CNN-LSTM hybrid of document 004: local patterns by causal convolutions, then an LSTM."""

from torch import Tensor, nn
from torch.nn import functional

from folkmoot.models.networks.cells import Layer
from folkmoot.models.networks.head import Head, stacked


class Patterns(nn.Module):
    """Convolve `[rows, width, steps]` so that a step sees itself and the `size - 1` before it.

    With a `stride` of s only every s-th step is answered, counted back from the last one; `size` is
    no smaller, so every step is read.
    """

    def __init__(
        self, width: int, channels: int, size: int, stride: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, channels, size, stride=stride)
        self.dropout = nn.Dropout(dropout)
        self.size, self.stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, channels, ceil(steps / stride)]`, none below zero."""
        before = self.size - 1 - (x.shape[2] - 1) % self.stride
        return self.dropout(self.conv(functional.pad(x, (before, 0))).relu())


class CNNLSTMNetwork(nn.Module):
    """Answer `[rows, out]` from windows `[rows, steps, features]`.

    Two convolutions (`sizes` steps long, `channels` wide) name what happens locally; the second
    keeps every `stride`-th step; `layers` of LSTM with `hidden` numbers remember it.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        channels: int = 64,
        sizes: tuple[int, int] = (5, 3),
        stride: int = 2,
        hidden: int = 96,
        layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.patterns = nn.ModuleList(
            (
                Patterns(features, channels, sizes[0]),
                Patterns(channels, channels, sizes[1], stride, dropout),
            )
        )
        self.layers = nn.ModuleList(
            Layer("lstm", hidden if k else channels, hidden, dropout=dropout if k else 0.0)
            for k in range(layers)
        )
        self.head = Head(hidden, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, out]` raw numbers."""
        found = stacked(self.patterns, x.transpose(1, 2))
        return self.head(stacked(self.layers, found.transpose(1, 2))[:, -1])
