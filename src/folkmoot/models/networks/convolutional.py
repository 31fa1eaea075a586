"""Causal convolutions over time, and the four convolutional networks that normalise by batch.

Features are channels and time is the only axis that a kernel slides along. Zeros are put before
the first bar and nowhere else, so no step knows of a later one. A window `[B, steps, features]` is
read where it lies, as an image one bar high in channels-last order: on one processor thread a fit
takes 0.8 of the time of `nn.Conv1d` over `[B, channels, steps]`, and half that of unfolding and
multiplying.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from folkmoot.models.networks.head import Head, run, stacked
from folkmoot.models.networks.norm import Norm2d

POOLS = ("spans", "mean", "last")
MOMENTUM = 0.1
"""How much of the running mean and variance is the newest batch's."""


class CausalConv(nn.Conv2d):
    """Convolve `[B, channels, 1, steps]` with the past: step t of the answer sees steps <= t.

    `dilation` bars between taps. A `stride` above 1 leaves out answers, never the last.
    """

    def __init__(self, channels: int, width: int, kernel: int) -> None:
        super().__init__(channels, width, (1, kernel))

    def forward(self, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
        """Return `[B, width, 1, ceil(steps / stride)]`."""
        before = (self.kernel_size[1] - 1) * dilation - (x.shape[3] - 1) % stride
        # Where zeros lie on both sides of an answer that is left out, fewer are put before it.
        x = F.pad(x, (before, 0)) if before else x
        return F.conv2d(x, self.weight, self.bias, (1, stride), 0, (1, dilation))


class Layer(nn.Module):
    """A repeated layer; see `head.run` for `recompute`.

    A layer that is recomputed shows each batch to its running means twice; their momentum is set
    so that two looks weigh what one did.
    """

    @property
    def recompute(self) -> bool:
        """Whether activations are computed again in the backward pass."""
        return self._recompute

    @recompute.setter
    def recompute(self, wanted: bool) -> None:
        self._recompute = wanted
        for module in self.modules():
            if isinstance(module, Norm2d):
                module.momentum = 1.0 - (1.0 - MOMENTUM) ** 0.5 if wanted else MOMENTUM

    def __init__(self) -> None:
        super().__init__()
        self._recompute = False


class ConvNorm(Layer):
    """A causal convolution, batch normalisation, ReLU and dropout."""

    def __init__(self, channels: int, width: int, kernel: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv = CausalConv(channels, width, kernel)
        self.norm = Norm2d(width, momentum=MOMENTUM)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
        """Return `[B, width, 1, ceil(steps / stride)]`."""
        normed: Tensor = self.norm(self.conv(x, stride, dilation))
        dropped: Tensor = self.dropout(normed.relu())
        return dropped


class ResidualBlock(Layer):
    """Two causal convolutions whose answer is added to what they were shown (He et al. 2016)."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = ConvNorm(width, width, kernel, dropout)
        self.conv = CausalConv(width, width, kernel)
        self.norm = Norm2d(width, momentum=MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, width, 1, steps]`."""
        normed: Tensor = self.norm(self.conv(self.first(x)))
        return (x + normed).relu()


class MultiScaleBlock(Layer):
    """Causal convolutions of several kernels side by side, their channels behind one another."""

    def __init__(self, channels: int, width: int, kernels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.convs = nn.ModuleDict({str(k): CausalConv(channels, width, k) for k in kernels})
        self.norm = Norm2d(width * len(kernels), momentum=MOMENTUM)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, width x kernels, 1, steps]`."""
        side_by_side = torch.cat([conv(x) for conv in self.convs.values()], dim=1)
        dropped: Tensor = self.dropout(self.norm(side_by_side).relu())
        return dropped


class Pool(nn.Module):
    """Average `[B, width, 1, steps]` over time, to `[B, width]`, without a parameter.

    `spans`: channel c is averaged over its own number of newest bars, from 1 for the first to all
    for the last, evenly in the logarithm; `mean`: over all bars, which is global average pooling;
    `last`: the newest bar alone. After causal convolutions the plain mean cannot tell which bar is
    the newest, so it is deaf to what depends on it; spans keep the average and its cost.
    """

    weight: Tensor

    def __init__(self, width: int, steps: int, kind: str) -> None:
        super().__init__()
        places = torch.linspace(0.0, 1.0, width) if width > 1 else torch.zeros(1)
        whole = torch.full((width,), float(steps))
        spans = {"spans": whole**places, "mean": whole, "last": torch.ones(width)}[kind].round()
        age = torch.arange(steps - 1, -1, -1, dtype=torch.float32)
        weight = (age < spans[:, None]) / spans[:, None]
        self.register_buffer("weight", weight[:, None, :], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, width]`."""
        return (x * self.weight).sum((2, 3))


class PooledNetwork(nn.Module):
    """What the networks have in common that pool over time: `maps`, a pool and a head."""

    def __init__(self, trunk: nn.ModuleList, pool: Pool, head: Head) -> None:
        super().__init__()
        self.trunk = trunk
        self.pool = pool
        self.head = head

    def maps(self, x: Tensor) -> Tensor:
        """Return `[B, width, 1, steps]`: what the last convolution says of each step."""
        return stacked(self.trunk, channels(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, steps, features]` to `[B, out]` raw numbers."""
        answer: Tensor = self.head(self.pool(self.maps(x)))
        return answer


class PlainNetwork(PooledNetwork):
    """A column of causal convolutions of these `widths` and `kernels`, pooled over time."""

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        widths: Sequence[int] = (64, 128, 128, 128),
        kernels: Sequence[int] = (5, 5, 3, 5),
        dropout: float = 0.1,
        pool: str = "spans",
    ) -> None:
        sizes = zip((features, *widths), widths, kernels, strict=False)
        trunk = nn.ModuleList(ConvNorm(*size, dropout) for size in sizes)
        width = widths[-1]
        super().__init__(trunk, Pool(width, steps, pool), Head(width, out, dropout))


class ResidualNetwork(PooledNetwork):
    """A stem of kernel 7, then `blocks` of two convolutions with identity (He et al. 2016)."""

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 96,
        blocks: int = 3,
        stem: int = 7,
        kernel: int = 3,
        dropout: float = 0.1,
        pool: str = "spans",
    ) -> None:
        trunk = nn.ModuleList([ConvNorm(features, width, stem, dropout)])
        trunk.extend(ResidualBlock(width, kernel, dropout) for _ in range(blocks))
        super().__init__(trunk, Pool(width, steps, pool), Head(width, out, dropout))


class MultiScaleNetwork(PooledNetwork):
    """Kernels side by side, `depth` times, merged by a 1x1 convolution to `merged` channels."""

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 64,
        kernels: Sequence[int] = (3, 5, 7),
        depth: int = 2,
        merged: int = 128,
        dropout: float = 0.1,
        pool: str = "spans",
    ) -> None:
        wide = width * len(kernels)
        sizes = [features] + [wide] * (depth - 1)
        trunk = nn.ModuleList(MultiScaleBlock(size, width, kernels, dropout) for size in sizes)
        super().__init__(trunk, Pool(merged, steps, pool), Head(merged, out, dropout))
        self.merge = CausalConv(wide, merged, 1)

    def maps(self, x: Tensor) -> Tensor:
        """Return `[B, merged, 1, steps]`."""
        merged: Tensor = self.merge(super().maps(x))
        return merged.relu()


class DilatedNetwork(nn.Module):
    """One convolution a level, each dilated twice the one before; every level has its own say.

    The answer is read at the newest bar, which sees 1 + (kernel - 1)(2^levels - 1) bars. Of level
    l only every 2^(l + 1)-th step matters to it, so only those are computed: 60 convolutions a
    window of 60 and not 360, to the same numbers.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 64,
        levels: int = 6,
        kernel: int = 3,
        merged: int = 96,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.steps = steps
        self.receptive = 1 + (kernel - 1) * (2**levels - 1)
        self.entry = nn.Linear(features, width)
        self.levels = nn.ModuleList(ConvNorm(width, width, kernel, dropout) for _ in range(levels))
        self.skips = nn.ModuleDict({str(k): nn.Linear(width, width) for k in range(levels)})
        self.merge = nn.Linear(width * levels, merged)
        self.head = Head(merged, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, steps, features]` to `[B, out]` raw numbers."""
        h = channels(self.entry(x))
        newest = []
        for level in self.levels:
            h = run(level, h, 2)
            newest.append(h[:, :, 0, -1])
        return self._answer(newest)

    def maps(self, x: Tensor) -> Tensor:
        """Return `[B, width, 1, steps]`: what the last level says of each step."""
        return self._every_step(x)[-1]

    def answers(self, x: Tensor) -> Tensor:
        """Return `[B, steps, out]`: what is answered of each step by the steps up to it."""
        every = self._every_step(x)
        return self._answer([h[:, :, 0].transpose(1, 2) for h in every])

    def _every_step(self, x: Tensor) -> list[Tensor]:
        h = channels(self.entry(x))
        every = []
        for k, level in enumerate(self.levels):
            h = level(h, 1, 2**k)
            every.append(h)
        return every

    def _answer(self, levels: list[Tensor]) -> Tensor:
        says = [skip(h).relu() for skip, h in zip(self.skips.values(), levels, strict=True)]
        answer: Tensor = self.head(self.merge(torch.cat(says, dim=-1)).relu())
        return answer


def channels(x: Tensor) -> Tensor:
    """Return `[B, steps, features]` as `[B, features, 1, steps]`, without moving a number."""
    return x.transpose(1, 2).unsqueeze(2)


NETWORKS: dict[str, Any] = {
    "plain": PlainNetwork,
    "residual": ResidualNetwork,
    "multiscale": MultiScaleNetwork,
    "dilated": DilatedNetwork,
}
"""The networks of this file by the name that a member's option `kind` has for them."""
