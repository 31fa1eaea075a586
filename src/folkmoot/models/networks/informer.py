"""Informer's encoder (Zhou et al. 2021): attention for the queries that stand out, then distilling.

1. A query is measured on a sample of the keys: its best score less their mean.
2. Queries that stand out attend to all keys; the others take the mean of the values.
3. Between layers a convolution and a pool halve the length.

The official choice ranks all queries of the window and fills their ends with each other, so that a
position depends on later ones. Causal, a query is measured on keys up to its own bar and compared
with the queries before it, the others take the running mean, and nothing is filled from the right.
"""

import math
from statistics import NormalDist

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from folkmoot.models.networks.head import Head, run
from folkmoot.models.networks.norm import Norm1d
from folkmoot.models.networks.transformer import Attention, Layer, check, seen, sinusoidal

SOFT = 0.1
STILL = 1e-3


def sampled(steps: int, factor: int) -> int:
    """Return how many of `steps` keys, or of its queries, the sparse attention takes."""
    return min(steps, factor * math.ceil(math.log(steps))) if steps > 1 else 1


def strided(steps: int, factor: int) -> Tensor:
    """Return the places of the sampled keys: evenly spread from the first one on."""
    count = sampled(steps, factor)
    return torch.arange(count) * steps // count


def sparsity(q: Tensor, k: Tensor, sample: Tensor) -> Tensor:
    """Return the official measure of each query, `[rows, heads, queries]`.

    `sample`: key places, `[keys]` for all queries or `[queries, keys]` of their own. The best score
    less the sum of the sampled ones divided by the number of *all* keys, as the official code does.
    """
    if sample.ndim == 1:
        scores = q @ k[:, :, sample].transpose(-1, -2)
    else:
        scores = torch.take_along_dim(q @ k.transpose(-1, -2), sample[None, None], dim=-1)
    return scores.amax(dim=-1) - scores.sum(dim=-1) / k.shape[2]


def official(q: Tensor, k: Tensor, v: Tensor, sample: Tensor, top: int) -> Tensor:
    """Attend as the official `ProbAttention` without a mask does: `[rows, heads, queries, part]`.

    The `top` queries of the largest `sparsity` attend to all keys, the others take the mean value.
    """
    chosen = sparsity(q.detach(), k.detach(), sample).topk(top, sorted=False).indices
    place = chosen[..., None]
    asking = q.gather(2, place.expand(-1, -1, -1, q.shape[3]))
    attended = F.scaled_dot_product_attention(asking, k, v)
    rest = v.mean(dim=2, keepdim=True).expand(-1, -1, q.shape[2], -1)
    return rest.scatter(2, place.expand(-1, -1, -1, v.shape[3]), attended)


def usual_best(sample: Tensor, steps: int) -> Tensor:
    """Return `[steps]`: the expected best of as many normal numbers as a query has sampled keys.

    By Blom (1958), to 0.02 from two keys on; 1 for a single key, whose score is its own mean.
    """
    counts = (sample <= torch.arange(steps)[:, None]).sum(dim=1).tolist()
    normal = NormalDist()
    return torch.tensor(
        [normal.inv_cdf((n - 0.375) / (n + 0.25)) if n > 1 else 1.0 for n in counts]
    )


def standing_out(q: Tensor, k: Tensor, sample: Tensor, usual: Tensor, share: float) -> Tensor:
    """Return how far each query stands out of those before it, 0 to 1: `[rows, heads, queries]`.

    Query i is measured on the sampled keys up to i, best score less mean, in units of `usual`, its
    `usual_best`, because the best of many exceeds the best of few. The measure is compared with its
    running mean and deviation: the bound lets `share` of a normal sample pass. A tenth of a
    deviation leads from 0 to 1, so that rounding can not switch a query on or off.
    """
    steps = q.shape[2]
    past = sample <= torch.arange(steps, device=q.device)[:, None]
    scores = q @ k[:, :, sample].transpose(-1, -2)
    best = scores.masked_fill(~past, -torch.inf).amax(dim=-1)
    measure = (best - (scores * past).sum(dim=-1) / past.sum(dim=-1)) / usual
    count = torch.arange(1, steps + 1, device=q.device)
    mean = measure.cumsum(dim=-1) / count
    spread = ((measure**2).cumsum(dim=-1) / count - mean**2).clamp(min=0.0).sqrt()
    score = (measure - mean) / (spread + STILL)
    return ((score - NormalDist().inv_cdf(1.0 - share)) / SOFT + 0.5).clamp(0.0, 1.0)


class ProbAttention(Attention):
    """Attend with the queries that stand out; the others take a mean of the values.

    `causal`: as `standing_out` says, with the running mean; otherwise as `official` does.
    """

    def __init__(self, width: int, heads: int, steps: int, factor: int, causal: bool) -> None:
        super().__init__(width, heads)
        self.top = sampled(steps, factor)
        self.causal = causal
        sample = strided(steps, factor)
        self.register_buffer("sample", sample, persistent=False)
        self.register_buffer("usual", usual_best(sample, steps), persistent=False)
        self.register_buffer("seen", seen(steps, steps) if causal else None, persistent=False)

    def forward(self, x: Tensor, last: int, mask: Tensor | None = None) -> Tensor:
        """Return the last positions of `[rows, steps, width]` after attention."""
        q, k, v = self.project(x, x.shape[1])
        mixed = (
            self._causal(q, k, v, last) if self.causal else self._official(q, k, v)[:, :, -last:]
        )
        return self.outward(mixed.transpose(1, 2).flatten(2))

    def gate(self, q: Tensor, k: Tensor) -> Tensor:
        """Return which queries attend: 1 do, 0 take the running mean, between both in part."""
        steps = q.shape[2]
        if self.top >= steps:
            return torch.ones_like(q[..., 0])
        share = self.top / steps
        return standing_out(q.detach(), k.detach(), self.sample, self.usual, share)

    def _official(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return official(q, k, v, self.sample, self.top)

    def _causal(self, q: Tensor, k: Tensor, v: Tensor, last: int) -> Tensor:
        gate = self.gate(q, k)[:, :, -last:, None]
        mask = None if last == 1 else self.seen[-last:]
        attended = F.scaled_dot_product_attention(q[:, :, -last:], k, v, attn_mask=mask)
        running = self.seen / self.seen.sum(dim=-1, keepdim=True)
        return gate * attended + (1.0 - gate) * (running[-last:] @ v)

    def weights(self, x: Tensor, last: int, mask: Tensor | None = None) -> Tensor:
        """Return the weight `[rows, heads, last, steps]` of each value in what is gathered."""
        q, k, _ = self.project(x, x.shape[1])
        steps = x.shape[1]
        one = torch.eye(steps, device=x.device).expand(*k.shape[:2], -1, -1)
        if not self.causal:
            return official(q, k, one, self.sample, self.top)[:, :, -last:]
        return self._causal(q, k, one, last)


class Distil(nn.Module):
    """Halve the length: a convolution of three bars, batch norm, ELU, the largest of three.

    Causal it is filled on the left and its last position ends at the last bar; otherwise the
    window is closed to a circle, as in the official code.
    """

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.mix = nn.Conv1d(width, width, 3)
        self.norm = Norm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, width]` to `[rows, (steps + 1) // 2, width]`."""
        x = x.transpose(1, 2)
        x = F.pad(x, (2, 0)) if self.causal else F.pad(x, (1, 1), mode="circular")
        x = F.elu(self.norm(self.mix(x)))
        left = 1 + x.shape[2] % 2 if self.causal else 1
        x = F.pad(x, (left, 0 if self.causal else 1), value=-torch.inf)
        return F.max_pool1d(x, 3, 2).transpose(1, 2)


class InformerNetwork(nn.Module):
    """Embed each bar, add its place, attend sparsely and distil in turn, read the last position.

    `width`, `heads`, `hidden` of the linear maps, `layers`; `factor`: c of c ln(steps) sampled keys
    and, about, attending queries; `causal`: no position depends on later bars; otherwise the
    official attention and convolution, where a query ranked by rounding may change the answer.
    Below some 300 bars the sparse choice saves no time: a mask over one fused attention is faster.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        width: int = 128,
        heads: int = 8,
        hidden: int = 256,
        layers: int = 2,
        factor: int = 5,
        causal: bool = True,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check(width, heads, "sinusoidal", causal)
        self.steps = steps
        self.embed = nn.Linear(features, width)
        self.layers, self.distils = nn.ModuleList(), nn.ModuleList()
        for i in range(layers):
            attention = ProbAttention(width, heads, steps, factor, causal)
            self.layers.append(Layer(attention, width, hidden, dropout))
            if i + 1 < layers:
                self.distils.append(Distil(width, causal))
                steps = (steps + 1) // 2
        self.norm = nn.LayerNorm(width)
        self.head = Head(width, out, dropout)
        self.register_buffer("place", sinusoidal(self.steps, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, features]` to `[rows, out]`."""
        return self.head(self.norm(self._encode(x, 1)[:, -1]))

    def every(self, x: Tensor) -> Tensor:
        """Return the answer at each distilled position, `[rows, positions, out]`.

        Two layers end at the window's last bar, the third last, the fifth last and so on; causal,
        an answer comes from the bars up to its own.
        """
        return self.head(self.norm(self._encode(x, None)))

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return the first layer's weights at the last bar: of each head, and their mean.

        `attention` `[rows, steps]`; `heads` `[rows, heads, 1, steps]`: even where a head does not
        attend.
        """
        layer = self.layers[0]
        heads = layer.attention.weights(layer.before(self.embed(x) + self.place), 1)
        return {"attention": heads.mean(dim=1)[:, 0], "heads": heads}

    def _encode(self, x: Tensor, last: int | None) -> Tensor:
        x = self.embed(x) + self.place
        for layer, distil in zip(self.layers, self.distils, strict=False):
            # Not recomputed: a batch norm called twice would count the batch twice.
            x = distil(run(layer, x, x.shape[1]))
        return run(self.layers[-1], x, last or x.shape[1])
