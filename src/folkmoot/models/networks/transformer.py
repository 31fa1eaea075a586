"""Encoders of attention over a window (Vaswani et al. 2017), read at the decision bar.

Layers are normalised before attention and before the two linear maps, which trains without a
warm-up of the rate. Only the last position is read, so a layer computes no position that nothing
after it looks at: the last layer one query, a banded layer the cone below that query.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from folkmoot.core.errors import UsageError
from folkmoot.models.networks.everywhere import OneWay
from folkmoot.models.networks.head import Head, run

Array = NDArray[np.float32]
POSITIONS = ("sinusoidal", "rotary")


def sinusoidal(steps: int, width: int) -> Tensor:
    """Return `[steps, width]`: sines in the even columns, cosines in the odd ones."""
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(steps)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(steps, -1)[:, :width]


def turns(steps: int, width: int) -> Tensor:
    """Return `[2, steps, width / 2]`: cosines and sines of the rotary angles (Su et al. 2021)."""
    rate = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(steps)[:, None] * rate
    return torch.stack([angle.cos(), angle.sin()])


def turn(x: Tensor, by: Tensor) -> Tensor:
    """Rotate `x` `[..., steps, width]` by the last steps' angles of `by`."""
    cosine, sine = by[0, -x.shape[-2] :], by[1, -x.shape[-2] :]
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], dim=-1)


def seen(steps: int, band: int) -> Tensor:
    """Return `[queries, keys]`, true where a key is one of the last `band` at its query's bar."""
    age = torch.arange(steps)[:, None] - torch.arange(steps)
    return (age >= 0) & (age < band)


class BarDropout(nn.Module):
    """Drop features of `[rows, steps, width]`, the same ones at every bar of a row.

    One mask a row (Gal & Ghahramani 2016): it costs one sixtieth of the random numbers, which on a
    CPU take as long as the matrix product before them.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Drop in training; answer `x` itself otherwise."""
        if not self.training or self.share == 0.0:
            return x
        return x * F.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.share)


class Attention(nn.Module):
    """Attend with several heads from the last queries of a window to all its keys.

    `by`: rotary angles, `turns(steps, width / heads)`, or None. The weights are not dropped, so
    that a fused kernel serves training too.
    """

    def __init__(self, width: int, heads: int, by: Tensor | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)
        self.register_buffer("by", by, persistent=False)

    def split(self, x: Tensor) -> Tensor:
        """Give each head its part: `[rows, steps, width]` to `[rows, heads, steps, part]`."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def project(self, x: Tensor, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the last queries and all keys and values of `x`, not yet turned."""
        if last == x.shape[1]:
            q, k, v = self.inward(x).chunk(3, dim=-1)
        else:
            width, (weight, bias) = x.shape[-1], (self.inward.weight, self.inward.bias)
            q = F.linear(x[:, -last:], weight[:width], bias[:width])
            k, v = F.linear(x, weight[width:], bias[width:]).chunk(2, dim=-1)
        return self.split(q), self.split(k), self.split(v)

    def turned(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys, turned by their places if this attention turns them."""
        return (q, k) if self.by is None else (turn(q, self.by), turn(k, self.by))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Return what the queries gather, `[rows, heads, queries, part]`."""
        q, k = self.turned(q, k)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    def forward(self, x: Tensor, last: int, mask: Tensor | None = None) -> Tensor:
        """Return `[rows, last, width]`; `mask` `[last, steps]` is true where a key is seen."""
        mixed = self.mix(*self.project(x, last), mask)
        return self.outward(mixed.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, last: int, mask: Tensor | None = None) -> Tensor:
        """Return the attention `[rows, heads, last, steps]` that `forward` gives its keys."""
        q, k, _ = self.project(x, last)
        q, k = self.turned(q, k)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(dim=-1)


class Layer(nn.Module):
    """Add attention, then two linear maps with a ReLU between, each on normalised input."""

    def __init__(self, attention: nn.Module, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = attention
        self.before = nn.LayerNorm(width)
        self.between = nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop = BarDropout(dropout)

    def forward(self, x: Tensor, last: int, mask: Tensor | None = None) -> Tensor:
        """Return the last positions of `x` `[rows, steps, width]` after this layer."""
        return self.after(x[:, -last:], self.attention(self.before(x), last, mask))

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add to `x` what was attended to, and what the linear maps make of both."""
        x = x + self.drop(attended)
        return x + self.drop(self.narrow(self.drop(F.relu(self.widen(self.between(x))))))


class TransformerNetwork(OneWay):
    """Embed each bar, add its place, attend, read the last bar.

    `width`, `heads`, `hidden` of the linear maps, `layers`; `causal`: no bar sees a later one.
    `positions`: sinusoidal along time, or rotary: only differences of places count and a layer sees
    its last `(steps - 1) // layers + 1` bars, so that no bar before the window can reach the answer
    and `stream` is exact; rotary is causal.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 128,
        heads: int = 8,
        hidden: int = 352,
        layers: int = 3,
        causal: bool = False,
        positions: str = "sinusoidal",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        rotary = positions == "rotary"
        check(width, heads, positions, causal)
        self.steps, self.causal = steps, causal
        self.band = (steps - 1) // layers + 1 if rotary else steps
        by = turns(steps, width // heads) if rotary else None
        self.embed = nn.Linear(features, width)
        self.layers = nn.ModuleList(
            Layer(Attention(width, heads, by), width, hidden, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = Head(width, out, dropout)
        place = None if rotary else sinusoidal(steps, width)
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("seen", seen(steps, self.band) if causal else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, features]` to `[rows, out]`."""
        return self._read(self._encode(x, self._spans())[:, -1])

    def every(self, x: Tensor) -> Tensor:
        """Return the answer at each bar, `[rows, steps, out]`, from the bars up to it.

        Raises `UsageError` unless the network is causal.
        """
        if not self.causal:
            raise UsageError(
                "an answer at each bar would see later bars",
                where="TransformerNetwork.every",
                allowed="causal=True",
            )
        return self._read(self._encode(x, [self.steps] * len(self.layers)))

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return the last layer's attention at the last bar: of each head, and their mean.

        `attention` `[rows, steps]`; `heads` `[rows, heads, 1, steps]`.
        """
        hidden = self._encode(x, self._spans()[:-1])
        last = self.layers[-1]
        weights = last.attention.weights(last.before(hidden), 1, self._mask(1, hidden.shape[1]))
        heads = F.pad(weights, (self.steps - hidden.shape[1], 0))
        return {"attention": heads.mean(dim=1)[:, 0], "heads": heads}

    def stream(self) -> "Stream":
        """Return a stream that takes one bar at a time; raises `UsageError` unless rotary."""
        return Stream(self)

    def _read(self, hidden: Tensor) -> Tensor:
        return self.head(self.norm(hidden))

    def _spans(self) -> list[int]:
        spans = [1]
        while len(spans) < len(self.layers):
            spans.append(min(self.steps, spans[-1] + self.band - 1))
        return spans[::-1]

    def _mask(self, last: int, steps: int) -> Tensor | None:
        whole = last == 1 and steps <= self.band
        return None if self.seen is None or whole else self.seen[-last:, -steps:]

    def _encode(self, x: Tensor, spans: list[int]) -> Tensor:
        if spans:
            x = x[:, -min(self.steps, spans[0] + self.band - 1) :]
        x = self.embed(x)
        if self.place is not None:
            x = x + self.place
        for layer, last in zip(self.layers, spans, strict=False):
            x = run(layer, x, last, self._mask(last, x.shape[1]))
        return x


class Stream:
    """Answer bar by bar what the whole window would, to rounding, from the keys and values kept.

    It holds a copy of the weights and needs no torch to push: one bar is matrix times vector, of
    which calling torch takes longer than the product.
    """

    def __init__(self, network: TransformerNetwork) -> None:
        if network.place is not None:
            raise UsageError(
                "places counted from the window's start move with it",
                where="TransformerNetwork.stream",
                allowed="rotary",
            )
        self.steps, self.bars = network.steps, 0
        self._embed = _Map(network.embed)
        self._layers = [_BarLayer(layer, network.band) for layer in network.layers]
        self._norm = _Norm(network.norm)
        self._head = [_Map(part) for part in network.head if isinstance(part, nn.Linear)]

    def push(self, x: Array) -> Array:
        """Take a bar `[features]`; return `[out]`, NaN until a window of bars has been seen."""
        hidden = self._embed(np.asarray(x, dtype=np.float32))
        for layer in self._layers:
            hidden = layer.push(hidden, self.bars)
        self.bars += 1
        answer = self._norm(hidden)
        for part in self._head[:-1]:
            answer = np.maximum(part(answer), 0.0)
        answer = self._head[-1](answer)
        return answer if self.bars >= self.steps else np.full_like(answer, np.nan)


class _Map:
    """A linear map of one vector."""

    def __init__(self, layer: nn.Linear) -> None:
        self.weight, self.bias = _copy(layer.weight), _copy(layer.bias)

    def __call__(self, x: Array) -> Array:
        return self.weight @ x + self.bias


class _Norm:
    """A layer norm of one vector."""

    def __init__(self, layer: nn.LayerNorm) -> None:
        self.weight, self.bias = _copy(layer.weight), _copy(layer.bias)
        self.small = np.float32(layer.eps)

    def __call__(self, x: Array) -> Array:
        centred = x - x.mean()
        variance = centred @ centred / np.float32(len(x))
        scored: Array = centred / np.sqrt(variance + self.small) * self.weight + self.bias
        return scored


class _BarLayer:
    """A layer that sees one bar, and the last `band` bars' keys and values in a ring."""

    def __init__(self, layer: Layer, band: int) -> None:
        attention: Any = layer.attention
        self.before, self.between = _Norm(layer.before), _Norm(layer.between)
        self.inward, self.outward = _Map(attention.inward), _Map(attention.outward)
        self.widen, self.narrow = _Map(layer.widen), _Map(layer.narrow)
        part = self.outward.weight.shape[0] // attention.heads
        self.heads, self.band = attention.heads, band
        self.keys = np.zeros((attention.heads, band, part), dtype=np.float32)
        self.values = np.zeros_like(self.keys)
        self.rate = 10_000.0 ** (-np.arange(0, part, 2) / part)

    def push(self, hidden: Array, bar: int) -> Array:
        """Return the vector of this bar after the layer; `bar` counts from the first one."""
        q, k, v = self.inward(self.before(hidden)).reshape(3, self.heads, -1)
        angle = bar * self.rate
        cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        place, held = bar % self.band, min(bar + 1, self.band)
        self.keys[:, place] = _turn(k, cosine, sine)
        self.values[:, place] = v
        scores = self.keys[:, :held] @ _turn(q, cosine, sine)[:, :, None]
        scores *= np.float32(1.0 / math.sqrt(q.shape[1]))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed = (shares * self.values[:, :held]).sum(axis=1) / shares.sum(axis=1)
        hidden = hidden + self.outward(mixed.ravel())
        return hidden + self.narrow(np.maximum(self.widen(self.between(hidden)), 0.0))


def _turn(x: Array, cosine: Array, sine: Array) -> Array:
    half = x.shape[1] // 2
    a, b = x[:, :half], x[:, half:]
    return np.concatenate([a * cosine - b * sine, a * sine + b * cosine], axis=1)


def _copy(tensor: Tensor) -> Array:
    copied: Array = tensor.detach().cpu().float().numpy().copy()
    return copied


def check(width: int, heads: int, positions: str, causal: bool) -> None:
    """Raise `UsageError` for sizes that do not divide or places that do not fit the mask."""
    if width % (2 * heads):
        raise UsageError(
            f"width {width} is divided among {heads} heads, in pairs",
            where="transformer",
            allowed="a multiple of 2 x heads",
        )
    if positions not in POSITIONS or (positions == "rotary" and not causal):
        raise UsageError(
            f"positions {positions!r} with causal={causal}",
            where="transformer",
            allowed=" or ".join(POSITIONS) + ", rotary with causal=True",
        )
