"""Networks that look at a market: ConvNeXt on angular fields, alone or frame after frame.

Their input is `prices[rows, steps, 5]`: log open, high, low and close less the last close, and
`ewma_vol`. Images are of closes; the other prices only have to be known.
"""

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from folkmoot.features.image_labels import HEADS
from folkmoot.models.networks.convnext import ConvNeXt, Shape
from folkmoot.models.networks.gramian import SIDES, Gramian, sides
from folkmoot.models.networks.head import Head

CLOSE, VOLATILITY = 3, 4
"""Places of the two columns that are looked at."""

PARTS = [len(names) for names in HEADS.values()]


class Classes(nn.Module):
    """One linear layer for each of the three questions: regime, direction, volatility."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.regime, self.direction, self.volatility = (nn.Linear(width, part) for part in PARTS)
        for layer in self.children():
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, width]` to `[rows, 11]` raw numbers, in the order of `HEADS`."""
        return torch.cat((self.regime(x), self.direction(x), self.volatility(x)), dim=1)


def answered(raw: Tensor, classes: Tensor) -> Tensor:
    """Return the mean cross-entropy of `raw[rows, 11]` over the questions; -1 is not asked.

    `classes[rows, 3]` holds the places of what came true.
    """
    total = raw.new_zeros((), dtype=torch.float32)
    for place, part in enumerate(raw.float().split(PARTS, dim=1)):
        truth = classes[:, place].long()
        lost = functional.cross_entropy(part, truth, ignore_index=-1, reduction="sum")
        total = total + lost / (truth >= 0).sum().clamp_min(1)
    return total / len(PARTS)


class Eye(nn.Module):
    """Turn windows of prices into `width` numbers: ConvNeXt's features and the sides."""

    def __init__(self, steps: int, size: int, shape: str | Shape, drop_path: float = 0.0) -> None:
        super().__init__()
        self.draw = Gramian(steps, min(size, steps))
        self.backbone = ConvNeXt(shape, drop_path=drop_path)
        self.width = self.backbone.width + SIDES

    def look(self, prices: Tensor) -> Tensor:
        """Map `[rows, steps, 5]` to the features of the image alone."""
        return self.backbone(self.draw(prices[:, :, CLOSE]))

    def forward(self, prices: Tensor) -> Tensor:
        """Map `[rows, steps, 5]` to `[rows, width]`."""
        beside = sides(prices[:, :, CLOSE], prices[:, -1, VOLATILITY])
        return torch.cat((self.look(prices), beside), dim=1)


class Looking(nn.Module):
    """What the two networks share: an eye whose backbone may learn at its own rate."""

    def __init__(self, eye: Eye, backbone_rate: float) -> None:
        super().__init__()
        self.eye, self.backbone_rate = eye, backbone_rate

    def groups(self) -> list[dict[str, object]]:
        """Return the backbone's parameters with the factor of their learning rate."""
        if self.backbone_rate == 1.0:
            return []
        found = list(self.eye.backbone.parameters())
        return [
            {"params": [p for p in found if p.ndim > 1], "lr_factor": self.backbone_rate},
            {
                "params": [p for p in found if p.ndim <= 1],
                "lr_factor": self.backbone_rate,
                "weight_decay": 0.0,
            },
        ]


class ConvNeXtNetwork(Looking):
    """Answer from one image; `classes` answers the three questions from the same features.

    `questions`: the weight of their loss beside that of the forecast.
    """

    def __init__(
        self,
        steps: int,
        out: int,
        shape: str | Shape = "micro",
        size: int = 64,
        dropout: float = 0.1,
        drop_path: float = 0.0,
        questions: float = 0.3,
        backbone_rate: float = 1.0,
    ) -> None:
        super().__init__(Eye(steps, size, shape, drop_path), backbone_rate)
        self.head = Head(self.eye.width, out, dropout)
        self.classes = Classes(self.eye.width)
        self.questions = questions

    def forward(self, prices: Tensor) -> Tensor:
        """Map `[rows, steps, 5]` to `[rows, out]`."""
        return self.head(self.eye(prices))

    def ask(self, prices: Tensor) -> Tensor:
        """Return `[rows, 11]`: raw numbers of the classes, in the order of `HEADS`."""
        return self.classes(self.eye(prices))

    def learn(
        self, inputs: tuple[Tensor, ...], extras: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor | float]:
        """Return the raw numbers and the questions' share of the loss."""
        seen = self.eye(*inputs)
        if not extras:
            return self.head(seen), 0.0
        return self.head(seen), self.questions * answered(self.classes(seen), extras[0])


class ConvNeXtLSTMNetwork(Looking):
    """Read the features of `frames` images, each `stride` bars after the one before it.

    The window of an image is `steps - (frames - 1) stride` bars.
    """

    def __init__(
        self,
        steps: int,
        out: int,
        shape: str | Shape = "micro",
        size: int = 32,
        frames: int = 4,
        stride: int = 16,
        hidden: int = 64,
        dropout: float = 0.1,
        drop_path: float = 0.0,
        backbone_rate: float = 1.0,
    ) -> None:
        window = steps - (frames - 1) * stride
        super().__init__(Eye(window, size, shape, drop_path), backbone_rate)
        self.window = window
        self.starts = [frame * stride for frame in range(frames)]
        self.narrow = nn.Linear(self.eye.width, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.head = Head(hidden, out, dropout)

    def embeddings(self, prices: Tensor) -> Tensor:
        """Return `[rows, frames, width]`: what is seen in each image, as of its own last bar."""
        seen = [prices[:, start : start + self.window] for start in self.starts]
        windows = torch.stack(seen, dim=1).flatten(0, 1)
        moves = windows[:, :, :VOLATILITY] - windows[:, -1:, CLOSE : CLOSE + 1]
        found = self.eye(torch.cat((moves, windows[:, :, VOLATILITY:]), dim=2))
        return found.reshape(-1, len(self.starts), self.eye.width)

    def forward(self, prices: Tensor) -> Tensor:
        """Map `[rows, steps, 5]` to `[rows, out]`."""
        read, _ = self.lstm(self.narrow(self.embeddings(prices)))
        return self.head(read[:, -1])
