"""NHITS (Challu et al. 2022): blocks that each explain the window at their own rate.

A block sees what the blocks before left over, through a pool of its own width, gives its part of
the answer and a coarse curve of what it has explained, which it subtracts. Adapted: the window is
first mixed, bar by bar, into a few `channels`; and a block's part of the answer is a vector for the
head in place of knots of a future path, because horizons of 1 to 30 bars have no path in common.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from folkmoot.core.errors import UsageError
from folkmoot.models.networks.head import Head, run


def hats(knots: int, steps: int) -> Tensor:
    """Return `[knots, steps]`: what each of evenly spaced knots adds to a straight-line curve.

    >>> hats(2, 3).tolist()
    [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
    """
    if knots == 1:
        return torch.ones(1, steps)
    at = torch.linspace(0.0, knots - 1.0, steps)
    return (1.0 - (at - torch.arange(knots)[:, None]).abs()).clamp(min=0.0)


class Block(nn.Module):
    """Answer from a pooled window, and say what of the window that answer has used.

    `pool`: bars of which the largest value is taken, counted back from the last bar; `rate`: bars
    between two knots of the curve; None, for the last block, leaves the curve out.
    """

    def __init__(
        self, channels: int, steps: int, width: int, pool: int, rate: int | None, dropout: float
    ) -> None:
        super().__init__()
        self.pool, self.channels = pool, channels
        self.fill = -steps % pool
        size = channels * ((steps + self.fill) // pool)
        knots = -(-steps // rate) if rate else 0
        self.layers = nn.Sequential(
            *(nn.Linear(size, width), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout)),
        )
        self.answer = nn.Linear(width, width)
        self.curve = nn.Linear(width, channels * knots) if knots else None
        self.register_buffer("hats", hats(knots, steps) if knots else None, persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the answer `[rows, width]`, and `x` `[rows, channels, steps]` less the curve."""
        pooled = F.max_pool1d(F.pad(x, (self.fill, 0), value=-torch.inf), self.pool)
        hidden = self.layers(pooled.flatten(1))
        if self.curve is None:
            return self.answer(hidden), x
        curve = self.curve(hidden).unflatten(1, (self.channels, -1)) @ self.hats
        return self.answer(hidden), x - curve


class NHITSNetwork(nn.Module):
    """Sum the answers of blocks from coarse to fine, and read the sum.

    `channels` that the columns are mixed into; `width` of the blocks; `pools` in bars, one a block;
    `rates` in bars, one a block but for the last, which leaves nothing to explain.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        channels: int = 16,
        width: int = 128,
        pools: tuple[int, ...] = (8, 4, 1),
        rates: tuple[int, ...] = (12, 6),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if len(pools) != len(rates) + 1 or min([*pools, *rates]) < 1:
            raise UsageError(
                f"pools {tuple(pools)} and rates {tuple(rates)}",
                where="nhits",
                allowed="one pool a block, one rate a block but the last, each at least 1",
            )
        self.mix = nn.Linear(features, channels)
        self.blocks = nn.ModuleList(
            Block(channels, steps, width, pool, rate, dropout)
            for pool, rate in zip(pools, (*rates, None), strict=True)
        )
        self.head = Head(width, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, features]` to `[rows, out]`."""
        return self.head(torch.stack(self._answers(x)).sum(dim=0))

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return each block's share in the length of all answers: `blocks` `[rows, blocks]`."""
        length = torch.stack(self._answers(x), dim=1).norm(dim=-1)
        return {"blocks": length / length.sum(dim=1, keepdim=True)}

    def _answers(self, x: Tensor) -> list[Tensor]:
        left = self.mix(x).transpose(1, 2)
        answers = []
        for block in self.blocks:
            answer, left = run(block, left)
            answers.append(answer)
        return answers
