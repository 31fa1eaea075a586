"""The temporal convolutional network of Bai, Kolter and Koltun (2018)."""

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from folkmoot.models.networks.convolutional import CausalConv, Layer, channels
from folkmoot.models.networks.head import Head, run


class TemporalBlock(Layer):
    """Two weight-normed causal convolutions with ReLU and dropout, and a shortcut past them.

    The shortcut is a 1x1 convolution where the widths differ, the identity otherwise.
    """

    def __init__(self, channels: int, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = _normed(CausalConv(channels, width, kernel))
        self.second = _normed(CausalConv(width, width, kernel))
        self.shortcut = CausalConv(channels, width, 1) if channels != width else None
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
        """Return `[B, width, 1, ceil(steps / stride)]`."""
        h = self.dropout(self.first(x, 1, dilation).relu())
        h = self.dropout(self.second(h, stride, dilation).relu())
        if self.shortcut is not None:
            past: Tensor = self.shortcut(x, stride)
        else:
            past = x[..., (x.shape[3] - 1) % stride :: stride]
        answer: Tensor = (h + past).relu()
        return answer


class TCNNetwork(nn.Module):
    """Residual blocks of dilation 1, 2, 4, ..., read at the newest bar.

    The newest bar sees 1 + 2 (kernel - 1)(2^blocks - 1) bars. Only every 2^(l + 1)-th step of
    block l matters to it, so only those are computed, to the same numbers: 3.4 times fewer
    convolutions of a window of 60.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 80,
        blocks: int = 5,
        kernel: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.steps = steps
        self.receptive = receptive(blocks, kernel)
        sizes = [features] + [width] * (blocks - 1)
        self.blocks = nn.ModuleList(TemporalBlock(s, width, kernel, dropout) for s in sizes)
        self.head = Head(width, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, steps, features]` to `[B, out]` raw numbers."""
        h = channels(x)
        for block in self.blocks[:-1]:
            h = run(block, h, 2)
        h = run(self.blocks[-1], h, h.shape[3])
        answer: Tensor = self.head(h[:, :, 0, 0])
        return answer

    def maps(self, x: Tensor) -> Tensor:
        """Return `[B, width, 1, steps]`: what the last block says of each step."""
        h = channels(x)
        for k, block in enumerate(self.blocks):
            h = block(h, 1, 2**k)
        return h

    def answers(self, x: Tensor) -> Tensor:
        """Return `[B, steps, out]`: what is answered of each step by the steps up to it."""
        answer: Tensor = self.head(self.maps(x)[:, :, 0].transpose(1, 2))
        return answer


def receptive(blocks: int, kernel: int) -> int:
    """Return how many bars the newest step of a TCN sees.

    >>> receptive(5, 3)
    125
    """
    return 1 + 2 * (kernel - 1) * ((1 << blocks) - 1)


def _normed(conv: CausalConv) -> Any:
    return weight_norm(conv)
