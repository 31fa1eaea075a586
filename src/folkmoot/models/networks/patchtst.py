"""PatchTST (Nie et al. 2023): attention among patches of bars rather than among bars.

The last patch ends at the decision bar; a window that patches do not fill begins with its first
bar repeated. Left out of the paper: its norm of each window, which would take away the level that a
score, unlike a price, carries, and the batch norm, whose statistics join the rows of a batch.
"""

import torch
from torch import Tensor, nn

from folkmoot.core.errors import UsageError
from folkmoot.models.networks.head import Head, run
from folkmoot.models.networks.transformer import Attention, Layer, check

SUMMARY = 4


def places(steps: int, patch: int, stride: int) -> Tensor:
    """Return `[patches, patch]` bar numbers: patches `stride` apart, the last one ends the window.

    >>> places(5, 3, 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    >>> places(4, 3, 2).tolist()
    [[0, 0, 1], [1, 2, 3]]
    """
    count = -(-max(steps - patch, 0) // stride) + 1
    first = steps - patch - stride * torch.arange(count - 1, -1, -1)
    return (first[:, None] + torch.arange(patch)).clamp(min=0)


class PatchTSTNetwork(nn.Module):
    """Embed patches, add learnt places, attend, read all patches.

    `mixing`: a patch holds all columns, so one window is one sequence. Without it, as in the paper,
    each column is a sequence of its own through the same weights and columns meet in the head only,
    `features` times the work at the same width. Mixing is the default because what is asked for is
    one answer about the market, to which the columns are views of it, not each column's own future.
    `patch` and `stride` in bars; `width`, `heads`, `hidden` of the linear maps, `layers`.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        patch: int = 8,
        stride: int = 4,
        mixing: bool = True,
        width: int = 128,
        heads: int = 8,
        hidden: int = 256,
        layers: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check(width, heads, "sinusoidal", False)
        if not 1 <= stride <= patch:
            raise UsageError(
                f"stride {stride} would skip bars between patches of {patch}",
                where="patchtst",
                allowed="1 to patch",
            )
        bars = places(steps, patch, stride)
        count = len(bars)
        self.mixing = mixing
        self.register_buffer("bars", bars, persistent=False)
        self.embed = nn.Linear(patch * (features if mixing else 1), width)
        self.place = nn.Parameter(torch.empty(count, width).uniform_(-0.02, 0.02))
        self.layers = nn.ModuleList(
            Layer(Attention(width, heads), width, hidden, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.summary = None if mixing else nn.Linear(count * width, SUMMARY)
        self.head = Head(count * width if mixing else SUMMARY * features, out, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, features]` to `[rows, out]`."""
        read = self.norm(self._encode(x, len(self.layers))).flatten(1)
        if self.summary is not None:
            read = self.summary(read).view(-1, SUMMARY * x.shape[2])
        return self.head(read)

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return the last layer's attention between patches, `[rows, heads, patches, patches]`.

        Without mixing it is the mean over the columns.
        """
        hidden = self._encode(x, len(self.layers) - 1)
        last = self.layers[-1]
        weights = last.attention.weights(last.before(hidden), hidden.shape[1])
        return {"attention": weights.unflatten(0, (len(x), -1)).mean(dim=1)}

    def _encode(self, x: Tensor, layers: int) -> Tensor:
        patches = x[:, self.bars]
        if not self.mixing:
            patches = patches.permute(0, 3, 1, 2).flatten(0, 1)
        tokens = self.embed(patches.flatten(2)) + self.place
        for layer in self.layers[:layers]:
            tokens = run(layer, tokens, tokens.shape[1])
        return tokens
