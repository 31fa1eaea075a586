"""Residual streams in place of one residual: hyper-connections, and their bounded form.

A layer F reads one mix of the streams and writes its answer into all of them, while the streams
are mixed among themselves:

    X' = H_res X + H_post^T F(H_pre X)

All three depend on the streams through small learnt terms that start at zero, so that every network
starts as the one with a plain residual. Sources: arXiv 2409.19606 (hc); 2512.24880 (mhc), where
H_res is kept doubly stochastic, so that no product of layers can grow.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from folkmoot.models.networks.engram_norm import RMSNorm

Write = Callable[[Tensor], Tensor]
ROUNDS = 20
LITTLE = 0.01
FAVOUR = 0.5
"""Of what a layer reads at first, the share of its own stream beyond an equal one (mhc)."""
APART = 8.0
"""How much streams keep to themselves at first, in logits (mhc)."""


def connect(kind: str, streams: int, width: int, place: int) -> nn.Module:
    """Return the connection of the layer at `place`: plain for one stream, else hc or mhc.

    Called with the state `[rows, steps, streams, width]`, it returns what the layer reads, `[rows,
    steps, width]`, and a function from the layer's answer to the next state.
    """
    if streams == 1:
        return Plain()
    return (HyperConnection if kind == "hc" else ManifoldConnection)(streams, width, place)


class Plain(nn.Module):
    """The ordinary residual, in the shape of one stream."""

    def forward(self, state: Tensor) -> tuple[Tensor, Write]:
        """Return the stream, and how to add to it."""
        return state[:, :, 0], lambda answer: state + answer.unsqueeze(2)


class HyperConnection(nn.Module):
    """Mixes of n streams, moved by tanh of a projection of each stream."""

    def __init__(self, streams: int, width: int, place: int) -> None:
        super().__init__()
        self.norm = RMSNorm(width)
        self.to_pre = nn.Parameter(torch.zeros(width))
        self.to_post = nn.Parameter(torch.zeros(width))
        self.to_res = nn.Parameter(torch.zeros(width, streams))
        self.scale = nn.Parameter(torch.full((3,), LITTLE))
        own = torch.zeros(streams)
        own[place % streams] = 1.0
        self.pre = nn.Parameter(own)
        self.post = nn.Parameter(torch.ones(streams))
        self.res = nn.Parameter(torch.eye(streams))

    def forward(self, state: Tensor) -> tuple[Tensor, Write]:
        """Return what the layer reads, and how its answer is written."""
        told = self.norm(state)
        pre = self.pre + self.scale[0] * torch.tanh(told @ self.to_pre)
        post = self.post + self.scale[1] * torch.tanh(told @ self.to_post)
        res = self.res + self.scale[2] * torch.tanh(told @ self.to_res)
        return _mix(state, pre, post, res)


class ManifoldConnection(nn.Module):
    """Mixes that are positive and bounded; the one among the streams is doubly stochastic."""

    def __init__(self, streams: int, width: int, place: int) -> None:
        super().__init__()
        self.streams = streams
        self.norm = RMSNorm(streams * width)
        self.to_pre = nn.Parameter(torch.zeros(streams * width, streams))
        self.to_post = nn.Parameter(torch.zeros(streams * width, streams))
        self.to_res = nn.Parameter(torch.zeros(streams * width, streams * streams))
        self.scale = nn.Parameter(torch.full((3,), LITTLE))
        share = torch.full((streams,), (1.0 - FAVOUR) / streams)
        share[place % streams] += FAVOUR
        self.pre = nn.Parameter(torch.log(share / (1.0 - share)))
        self.post = nn.Parameter(torch.zeros(streams))
        self.res = nn.Parameter(APART * (torch.eye(streams) - 1.0))

    def forward(self, state: Tensor) -> tuple[Tensor, Write]:
        """Return what the layer reads, and how its answer is written."""
        told = self.norm(state.flatten(2))
        pre = torch.sigmoid(self.pre + self.scale[0] * (told @ self.to_pre))
        post = 2.0 * torch.sigmoid(self.post + self.scale[1] * (told @ self.to_post))
        return _mix(state, pre, post, self.residual(told))

    def residual(self, told: Tensor) -> Tensor:
        """Return `[rows, steps, streams, streams]`, doubly stochastic, of the normalised state."""
        raw = (told @ self.to_res).unflatten(-1, (self.streams, self.streams))
        return sinkhorn(self.res + self.scale[2] * raw)


def sinkhorn(raw: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Return `exp(raw)` with its columns and rows normalised in turn: doubly stochastic.

    `raw[..., n, n]`; each row's largest number is taken off first, so that none overflows.
    """
    positive = torch.exp(raw - raw.amax(dim=-1, keepdim=True))
    for _ in range(rounds):
        positive = positive / positive.sum(dim=-2, keepdim=True)
        positive = positive / positive.sum(dim=-1, keepdim=True)
    return positive


def _mix(state: Tensor, pre: Tensor, post: Tensor, res: Tensor) -> tuple[Tensor, Write]:
    read = (pre.unsqueeze(-2) @ state).squeeze(-2)
    kept = res @ state
    return read, lambda answer: kept + post.unsqueeze(-1) * answer.unsqueeze(2)


def spread_out(x: Tensor, streams: int) -> Tensor:
    """Return the first state: every stream is a copy of `x[rows, steps, width]`."""
    return x.unsqueeze(2).expand(-1, -1, streams, -1)


def gather_in(state: Tensor) -> Tensor:
    """Return the mean of the streams, `[rows, steps, width]`."""
    return state[:, :, 0] if state.shape[2] == 1 else state.mean(dim=2)
