"""ConvNeXt (Liu et al., 2022) in plain torch, its parameters named as timm names them.

Maps stay [rows, height, width, channels]: what a block does but for its depthwise convolution is
along the channels, and a convolution reads the transposed view without copying it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from folkmoot.core.errors import UsageError
from folkmoot.models.networks.head import run

EPSILON = 1e-6
"""Of the layer norms, and what the layer scale starts at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Blocks and channels of the four stages."""

    depths: tuple[int, ...]
    dims: tuple[int, ...]


SHAPES = {
    "micro": Shape((1, 1, 3, 1), (24, 48, 96, 192)),
    "atto": Shape((2, 2, 6, 2), (40, 80, 160, 320)),
    "tiny": Shape((3, 3, 9, 3), (96, 192, 384, 768)),
}
"""`tiny` is the paper's, `atto` timm's, `micro` ours: 27,820,128, 3,374,520, 670,200 numbers.

timm's atto writes its two linear layers as 1x1 convolutions over [rows, channels, height, width],
and so do its checkpoints; the arithmetic is the same, here they are linear as in `tiny`.
"""


class DropPath(nn.Module):
    """Leave a block's change out of whole rows, in training only (Huang et al., 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`, in training with rows of it set to 0 and the others enlarged to match."""
        if not self.training or self.rate == 0.0:
            return x
        kept = torch.rand((len(x), 1, 1, 1), dtype=x.dtype, device=x.device) >= self.rate
        return x * kept / (1.0 - self.rate)


class Mlp(nn.Module):
    """Two linear layers along the channels with a GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[..., width]` to `[..., width]`."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Depthwise 7x7, layer norm, mlp, layer scale, added to what came in."""

    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, EPSILON)
        self.mlp = Mlp(width)
        self.gamma = nn.Parameter(torch.full((width,), EPSILON))
        self.drop_path = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, height, width, channels]` to the same."""
        spread = _channels_last(self.conv_dw(_channels_first(x)))
        return x + self.drop_path(self.gamma * self.mlp(self.norm(spread)))


class Stage(nn.Module):
    """Half the size of the map, but for the first stage, which has none before; then the blocks."""

    def __init__(self, before: int, width: int, drops: Sequence[float]) -> None:
        super().__init__()
        self.downsample = nn.ModuleList()
        if before:
            self.downsample.append(nn.LayerNorm(before, EPSILON))
            self.downsample.append(nn.Conv2d(before, width, 2, 2))
        self.blocks = nn.ModuleList(Block(width, drop) for drop in drops)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, height, width, before]` to `[rows, height / 2, width / 2, channels]`."""
        if len(self.downsample):
            norm, conv = self.downsample
            x = _channels_last(conv(_channels_first(norm(x))))
        for block in self.blocks:
            x = run(block, x)
        return x


class ConvNeXt(nn.Module):
    """Map images `[rows, 3, height, width]` to `[rows, features]`, or to `[rows, classes]`.

    `drop_path` is the rate of the last block, from 0 in the first. Images are 32 pixels wide and
    high or more. Features are taken after the final layer norm; there are `width` of them.
    """

    def __init__(
        self, shape: str | Shape = "micro", classes: int = 0, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        found = shape_of(shape)
        dims, last = found.dims, found.dims[-1]
        self.width = last
        self.stem = nn.ModuleList([nn.Conv2d(3, dims[0], 4, 4), nn.LayerNorm(dims[0], EPSILON)])
        befores = (0, *dims[:-1])
        blocks = sum(found.depths)
        rates = iter([drop_path * place / max(1, blocks - 1) for place in range(blocks)])
        self.stages = nn.ModuleList(
            Stage(before, width, [next(rates) for _ in range(depth)])
            for before, width, depth in zip(befores, dims, found.depths, strict=True)
        )
        self.head = nn.ModuleDict({"norm": nn.LayerNorm(last, EPSILON)})
        if classes:
            self.head["fc"] = nn.Linear(last, classes)
        self.apply(_start)

    def features(self, images: Tensor) -> Tensor:
        """Return `[rows, width]`: pooled over the map and normed."""
        conv, norm = self.stem
        x = norm(_channels_last(conv(images)))
        for stage in self.stages:
            x = stage(x)
        return self.head["norm"](x.mean(dim=(1, 2)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the features, or the classes' raw numbers where the network has classes."""
        found = self.features(images)
        return self.head["fc"](found) if "fc" in self.head else found


def shape_of(shape: str | Shape) -> Shape:
    """Return the shape of that name, or raise `UsageError` that lists the names."""
    if isinstance(shape, Shape):
        return shape
    if shape not in SHAPES:
        raise UsageError(f"no ConvNeXt is called {shape!r}", where="convnext", allowed=[*SHAPES])
    return SHAPES[shape]


def _start(module: nn.Module) -> None:
    """Set weights as the paper does: normal, 0.02, cut at two, and no bias."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)
