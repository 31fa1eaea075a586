"""The Engram memory: rows looked up by what was just read, let in by a gate, smoothed a little.

    e   = rows of all tables, side by side
    u^m = sigmoid(RMSNorm(h^m) . RMSNorm(W_K^m e) / sqrt(d)) W_V e      for each stream m
    Y   = u + SiLU(conv(RMSNorm(u)))

The convolution looks back `kernel - 1` times the longest order and starts at zero, so that Y is u
at first. Source: arXiv 2601.07372 and its script; algorithms.md section 18.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from folkmoot.models.networks.engram_norm import EPSILON, RMSNorm

SMALLEST = 1e-6


class Tables(nn.Module):
    """Tables side by side: each has `rows`, answers `slots` rows of `width` numbers at a time.

    In training, each answer is left out with chance `dropout`, so that nothing leans on one row.
    """

    def __init__(
        self,
        tables: Sequence[tuple[int, int, int]],
        dropout: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        super().__init__()
        self.slots = [slots for _, slots, _ in tables]
        self.width = sum(slots * width for _, slots, width in tables)
        self.dropout = dropout
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for rows, _, width in tables)
        for table in self.tables:
            nn.init.normal_(table.weight, std=spread)

    def forward(self, rows: Tensor) -> Tensor:
        """Return `[rows, steps, width]` of the row numbers `[rows, steps, slots]`."""
        found, first = [], 0
        for table, slots in zip(self.tables, self.slots, strict=True):
            answer = table(rows[:, :, first : first + slots])
            if self.training and self.dropout:
                kept = torch.rand(answer.shape[:3], device=answer.device) >= self.dropout
                answer = answer * (kept.to(answer.dtype) / (1.0 - self.dropout)).unsqueeze(-1)
            found.append(answer.flatten(2))
            first += slots
        return torch.cat(found, dim=2)


class ShortConv(nn.Module):
    """A causal depthwise convolution of the normalised streams, through SiLU, zero at first."""

    def __init__(self, width: int, streams: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.norms = nn.ModuleList(RMSNorm(width) for _ in range(streams))
        self.weight = nn.Parameter(torch.zeros(streams, width, kernel))

    @property
    def behind(self) -> int:
        """Steps that it looks back."""
        return (self.kernel - 1) * self.dilation

    def normalise(self, u: Tensor) -> Tensor:
        """Return `u[rows, steps, streams, width]`, each stream behind its own norm."""
        return torch.stack([norm(u[:, :, m]) for m, norm in enumerate(self.norms)], dim=2)

    def forward(self, u: Tensor) -> Tensor:
        """Return `[rows, steps, streams, width]`; before the first step there is nothing."""
        told = self.normalise(u)
        return self.convolve(functional.pad(told, (0, 0, 0, 0, self.behind, 0)), u.shape[1])

    def convolve(self, told: Tensor, steps: int) -> Tensor:
        """Return the answer for the last `steps` of the normalised `told`."""
        total = told.narrow(1, self.behind, steps) * self.weight[..., -1]
        for tap in range(self.kernel - 1):
            past = told.narrow(1, tap * self.dilation, steps)
            total = total + past * self.weight[..., tap]
        return functional.silu(total)

    def step(self, u: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Return the answer for the next step; `cache` holds the ring of normalised ones."""
        told = self.normalise(u)
        if "ring" not in cache:
            cache["ring"] = torch.zeros_like(told).expand(-1, self.behind, -1, -1)
        ring = torch.cat((cache["ring"], told), dim=1)
        cache["ring"] = ring[:, 1:]
        return self.convolve(ring, 1)


class Memory(nn.Module):
    """Tables, a gate for each residual stream, and the short convolution (kernel 0: none)."""

    def __init__(
        self,
        tables: Tables,
        width: int,
        *,
        streams: int = 1,
        kernel: int = 4,
        dilation: int = 3,
        signed_root: bool = False,
        eps: float = EPSILON,
    ) -> None:
        super().__init__()
        self.tables, self.signed_root = tables, signed_root
        self.value = nn.Linear(tables.width, width)
        self.keys = nn.ModuleList(nn.Linear(tables.width, width) for _ in range(streams))
        self.key_norms = nn.ModuleList(RMSNorm(width, eps) for _ in range(streams))
        self.query_norms = nn.ModuleList(RMSNorm(width, eps) for _ in range(streams))
        self.conv = ShortConv(width, streams, kernel, dilation) if kernel else None

    def forward(self, state: Tensor, rows: Tensor) -> Tensor:
        """Return what is added to `state[rows, steps, streams, width]`: Y."""
        u = self.gated(state, rows)
        return u if self.conv is None else u + self.conv(u)

    def step(self, state: Tensor, rows: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Return Y of the next step; `cache` is the convolution's."""
        u = self.gated(state, rows)
        return u if self.conv is None else u + self.conv.step(u, cache)

    def gated(self, state: Tensor, rows: Tensor) -> Tensor:
        """Return u `[rows, steps, streams, width]`: what the gate lets in."""
        e = self.tables(rows)
        return self.gate(state, e).unsqueeze(-1) * self.value(e).unsqueeze(2)

    def gate(self, state: Tensor, e: Tensor) -> Tensor:
        """Return `[rows, steps, streams]` in (0, 1)."""
        found = []
        norms = zip(self.keys, self.key_norms, self.query_norms, strict=True)
        for m, (key, key_norm, query_norm) in enumerate(norms):
            match = torch.linalg.vecdot(query_norm(state[:, :, m]), key_norm(key(e)))
            found.append(match / math.sqrt(state.shape[-1]))
        logit = torch.stack(found, dim=2)
        if self.signed_root:
            logit = logit.sign() * logit.abs().clamp_min(SMALLEST).sqrt()
        return torch.sigmoid(logit)
