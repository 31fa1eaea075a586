"""The transformer around an Engram memory: RMSNorm before each layer, rotary positions, gated sums.

Attention looks back over a `span` of steps, so a step that keeps the last `span` keys and values
computes what the whole sequence computes. A cache keeps keys unrotated and rotates them by their
place in it, as only distances matter: angles do not lose digits as a stream grows old.
"""

import math

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from folkmoot.models.networks.engram_norm import RMSNorm
from folkmoot.models.networks.engram_streams import connect

THETA = 10_000.0
EVEN = 0.1
"""What queries start with, of the usual: attention is learnt from an average."""


def rotate(x: Tensor, heads: int, first: int = 0) -> Tensor:
    """Turn `x[rows, steps, 2 n]` by the angles of positions `first`, `first` + 1, ...

    Number k of the first n and number k of the other n are the two sides of one angle, which
    depends on k modulo the n / `heads` / 2 pairs of a head, queries and keys behind one another.
    """
    half = x.shape[-1] // 2
    pairs = half // heads // 2
    rate = THETA ** (-torch.arange(pairs, dtype=torch.float32, device=x.device) / pairs)
    place = torch.arange(first, first + x.shape[1], dtype=torch.float32, device=x.device)
    angle = (place[:, None] * rate).repeat(1, half // pairs)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Attention(nn.Module):
    """Causal attention with rotary positions over the last `span` steps, or over all (0)."""

    def __init__(self, width: int, heads: int, span: int = 0) -> None:
        super().__init__()
        self.width, self.heads, self.span = width, heads, span
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        with torch.no_grad():
            self._start_even()

    def _start_even(self) -> None:
        """Let every step start by looking at all others alike, and passing on what it sees."""
        half = self.width // 2
        for first in (0, self.width):
            self.query_key_value.weight[first : first + half] *= EVEN
        for weight in (self.query_key_value.weight[2 * self.width :], self.out.weight):
            nn.init.normal_(weight, std=self.width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[rows, steps, width]`."""
        q, k, v = self._split(self.query_key_value(x))
        steps = x.shape[1]
        if self.span and self.span < steps:
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=self._band(x))
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self._join(mixed)

    def weights(self, x: Tensor) -> Tensor:
        """Return `[rows, heads, steps, steps]`: what each step looks at; rows sum to one."""
        q, k, _ = self._split(self.query_key_value(x))
        logits = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        return logits.masked_fill(~self._band(x), -math.inf).softmax(dim=-1)

    def step(self, x: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Return `[rows, 1, width]` of the next step, whose key and value enter `cache`."""
        told = self.query_key_value(x)
        if "told" in cache:
            told = torch.cat((cache["told"], told), dim=1)
        if self.span:
            told = told[:, -self.span :]
        cache["told"] = told
        q, k, v = self._split(told)
        return self._join(functional.scaled_dot_product_attention(q[:, :, -1:], k, v))

    def _band(self, x: Tensor) -> Tensor:
        steps = x.shape[1]
        place = torch.arange(steps, device=x.device)
        back = place[:, None] - place[None, :]
        return (back >= 0) & (back < (self.span or steps))

    def _split(self, told: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return rotated queries and keys, and values: `[rows, heads, steps, width of a head]`."""
        rows, steps, _ = told.shape
        both = rotate(told[..., : 2 * self.width], self.heads)
        pairs = self.width // self.heads // 2
        split = both.view(rows, steps, 2, 2, self.heads, pairs).permute(3, 0, 4, 1, 2, 5)
        q, k = split.reshape(2, rows, self.heads, steps, 2 * pairs).unbind(0)
        v = told[..., 2 * self.width :].view(rows, steps, self.heads, 2 * pairs).transpose(1, 2)
        return q, k, v

    def _join(self, mixed: Tensor) -> Tensor:
        rows, _, steps, _ = mixed.shape
        joined: Tensor = self.out(mixed.transpose(1, 2).reshape(rows, steps, -1))
        return joined


class FeedForward(nn.Module):
    """A gated layer: SiLU of one projection times another, projected back."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[..., width]`."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        down: Tensor = self.down(functional.silu(gate) * up)
        return down


class Block(nn.Module):
    """Attention and a feed-forward layer on `streams` residual streams, each behind its norm."""

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        span: int = 0,
        streams: int = 1,
        connection: str = "mhc",
        place: int = 0,
    ) -> None:
        super().__init__()
        self.attention = Attention(width, heads, span)
        self.feed_forward = FeedForward(width, hidden)
        self.norms = nn.ModuleList(RMSNorm(width) for _ in range(2))
        self.connections = nn.ModuleList(
            connect(connection, streams, width, 2 * place + k) for k in range(2)
        )

    def forward(self, state: Tensor) -> Tensor:
        """Return the state `[rows, steps, streams, width]` after both layers."""
        return self._pass(state, None)

    def step(self, state: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Return the state after both layers of the next step; `cache` is attention's."""
        return self._pass(state, cache)

    def _pass(self, state: Tensor, cache: dict[str, Tensor] | None) -> Tensor:
        x, write = self.connections[0](state)
        x = self.norms[0](x)
        state = write(self.attention(x) if cache is None else self.attention.step(x, cache))
        x, write = self.connections[1](state)
        after: Tensor = write(self.feed_forward(self.norms[1](x)))
        return after

    def looks(self, state: Tensor) -> Tensor:
        """Return what attention looks at in `state`; see `Attention.weights`."""
        x, _ = self.connections[0](state)
        return self.attention.weights(self.norms[0](x))
