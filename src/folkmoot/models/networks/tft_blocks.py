"""What a Temporal Fusion Transformer is made of (Lim, Arik, Loeff, Pfister 2021, section 4)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

PIECE = 512
"""Positions that a variable selection handles at once, so that they stay in a processor's cache."""


class GLU(nn.Module):
    """Gated linear unit: (W x + b) * sigmoid(W' x + b'), `[..., width] -> [..., out]`."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated values."""
        return functional.glu(self.linear(x), dim=-1)


class GatedSkip(nn.Module):
    """LayerNorm(skip + GLU(dropout(x))): a part that the network can close if it has no use."""

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.gate = GLU(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return `skip` with what the gate lets through of `x`."""
        return self.norm(skip + self.gate(self.dropout(x)))


class GRN(nn.Module):
    """Gated residual network: LayerNorm(a' + GLU(dropout(W1 ELU(W2 a + W3 c + b2) + b1))).

    `a[..., width]`, `c[..., context]` if `context` is not 0; a' is `a`, or linear in it where
    `out` is another width.
    """

    def __init__(
        self, width: int, out: int, hidden: int = 0, context: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        hidden = hidden or out
        self.first = nn.Linear(width, hidden)
        self.context = nn.Linear(context, hidden, bias=False) if context else None
        self.second = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.gate = GLU(hidden, out)
        self.skip = nn.Linear(width, out) if width != out else nn.Identity()
        self.norm = nn.LayerNorm(out)

    def forward(self, a: Tensor, context: Tensor | None = None) -> Tensor:
        """Return `[..., out]`."""
        return self.rest(self.first(a), self.skip(a), context)

    def rest(self, first: Tensor, skip: Tensor, context: Tensor | None) -> Tensor:
        """Return what follows from `first` = W2 a + b2 and `skip` = a'."""
        if self.context is not None:
            first = first + self.context(context)
        hidden = self.dropout(self.second(functional.elu(first)))
        return self.norm(skip + self.gate(hidden))


class Selection(nn.Module):
    """Variable selection: weigh each variable's own GRN by softmax(GRN(all of them, context)).

    The GRNs of all variables, `width -> out` wide, are one batched product each: axis 0 of their
    weights is the variable.
    """

    def __init__(
        self, variables: int, width: int, out: int, context: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        hidden = min(width, out)
        self.weigh = GRN(variables * width, variables, out, context, dropout)
        self.first, self.first_bias = _own(variables, width, hidden)
        self.second, self.second_bias = _own(variables, hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.value, self.value_bias = _own(variables, hidden, out)
        self.gate, self.gate_bias = _own(variables, hidden, out)
        if width != out:
            self.skip, self.skip_bias = _own(variables, width, out)
        self.narrow = width != out
        self.gain = nn.Parameter(torch.ones(variables, out))
        self.shift = nn.Parameter(torch.zeros(variables, out))

    def forward(self, embedded: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (`[rows, out]`, weights `[rows, variables]`).

        `embedded[rows, variables, width]`, `context[rows or 1, context]`.
        """
        each = embedded.transpose(0, 1)
        weights = self.weigh(embedded.flatten(1), context).softmax(dim=-1)
        first = torch.baddbmm(self.first_bias, each, self.first)
        skip = torch.baddbmm(self.skip_bias, each, self.skip) if self.narrow else each
        return self.mix(first, skip, weights), weights

    def mix(self, first: Tensor, skip: Tensor, weights: Tensor, steps: int = 1) -> Tensor:
        """Return `[rows, out]`: the variables' GRNs by their weights.

        `first[variables, rows, hidden]`, `skip[variables, rows, out]`: W2 e + b2 and e'. Dropout
        draws once for `steps` neighbouring rows: drawing for each takes longer than the rest.
        """
        hidden = torch.baddbmm(self.second_bias, functional.elu(first), self.second)
        if self.training:
            apart = hidden.unflatten(1, (-1, steps))
            hidden = (apart * self.dropout(torch.ones_like(apart[:, :, :1]))).flatten(1, 2)
        value = torch.baddbmm(self.value_bias, hidden, self.value)
        gate = torch.baddbmm(self.gate_bias, hidden, self.gate).sigmoid()
        own = torch.addcmul(skip, value, gate)
        own = functional.layer_norm(own, own.shape[-1:])
        # The norm's own gain and shift come with the weights, in one pass over the largest array.
        weighed = weights.t()[:, :, None] * self.gain[:, None, :]
        return (own * weighed).sum(dim=0) + weights @ self.shift


class NumberSelection(nn.Module):
    """Variable selection of plain numbers, each embedded as `scale * x + offset`, `width` wide.

    What follows an embedding is linear, so both are applied as one: the embedded numbers, the
    largest arrays of a straightforward implementation, are never formed. With `recompute` the
    backward pass forms each piece's arrays again instead of keeping those of the whole batch.
    """

    recompute = False

    def __init__(
        self, variables: int, width: int, out: int, context: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(variables, width).uniform_(-1.0, 1.0))
        self.offset = nn.Parameter(torch.empty(variables, width).uniform_(-1.0, 1.0))
        self.selection = Selection(variables, width, out, context, dropout)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (`[rows, steps, out]`, weights `[rows, steps, variables]`).

        `x[rows, steps, variables]`, `context[rows or 1, context]`, the same at every step.
        """
        on_processor = x.device.type == "cpu" and not torch.compiler.is_compiling()
        size = max(1, PIECE // x.shape[1]) if on_processor else x.shape[0]
        if size >= x.shape[0]:
            return self._piece(x, context)
        pieces = x.split(size)
        contexts: Sequence[Tensor | None] = [context] * len(pieces)
        if context is not None and context.shape[0] > 1:
            contexts = context.split(size)
        found = [self._part(*pair) for pair in zip(pieces, contexts, strict=True)]
        chosen, weights = zip(*found, strict=True)
        return torch.cat(chosen), torch.cat(weights)

    def _part(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        if not (self.recompute and self.training):
            return self._piece(x, context)
        found: tuple[Tensor, Tensor] = checkpoint(self._piece, x, context, use_reentrant=False)
        return found

    def _piece(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        own = self.selection
        weigh = own.weigh
        steps, flat = x.shape[1], x.flatten(0, 1)
        first = self._joint(weigh.first, flat).unflatten(0, (-1, steps))
        skip = self._joint(weigh.skip, flat).unflatten(0, (-1, steps))
        weights = weigh.rest(first, skip, None if context is None else context[:, None, :])
        weights = weights.softmax(dim=-1)
        each = flat.t()[:, :, None]
        chosen = own.mix(
            self._each(own.first, own.first_bias, each),
            self._each(own.skip, own.skip_bias, each) if own.narrow else self._embed(each),
            weights.flatten(0, 1),
            steps,
        )
        return chosen.unflatten(0, (-1, steps)), weights

    def _joint(self, layer: nn.Linear, flat: Tensor) -> Tensor:
        """Return `layer` of all embedded numbers in a row: `[rows, out]`."""
        weight = layer.weight.unflatten(1, self.scale.shape)
        return functional.linear(
            flat,
            (weight * self.scale).sum(dim=2),
            layer.bias + (weight * self.offset).sum(dim=(1, 2)),
        )

    def _each(self, weight: Tensor, bias: Tensor, each: Tensor) -> Tensor:
        """Return each embedded number's own linear layer: `[variables, rows, out]`."""
        slope = self.scale[:, None, :] @ weight
        return torch.addcmul(self.offset[:, None, :] @ weight + bias, each, slope)

    def _embed(self, each: Tensor) -> Tensor:
        return torch.addcmul(self.offset[:, None, :], each, self.scale[:, None, :])


class InterpretableAttention(nn.Module):
    """Multi-head attention whose heads share one value, so that their weights can be averaged.

    H = W_H (1/m) sum over heads of softmax(Q_h K_h' / sqrt(d)) V.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.part = heads, width // heads
        self.query = nn.Linear(width, heads * self.part, bias=False)
        self.key = nn.Linear(width, heads * self.part, bias=False)
        self.value = nn.Linear(width, self.part, bias=False)
        self.out = nn.Linear(self.part, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, queries: int) -> tuple[Tensor, Tensor]:
        """Return (`[rows, queries, width]`, weights `[rows, heads, queries, steps]`).

        The last `queries` steps of `x[rows, steps, width]` ask; none looks at a later one.
        """
        steps = x.shape[1]
        asked = self._split(self.query(x[:, steps - queries :]))
        score = asked @ self._split(self.key(x)).transpose(2, 3) * self.part**-0.5
        later = torch.ones(queries, steps, dtype=torch.bool, device=x.device)
        later = later.triu(steps - queries + 1)
        weights = score.masked_fill(later, float("-inf")).softmax(dim=-1)
        mean = self.dropout(weights).mean(dim=1)
        return self.out(mean @ self.value(x)), weights

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, self.part)).transpose(1, 2)


def _own(variables: int, width: int, out: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Return a linear layer of each variable: `[variables, width, out]`, `[variables, 1, out]`."""
    bound = width**-0.5
    weight = torch.empty(variables, width, out).uniform_(-bound, bound)
    bias = torch.empty(variables, 1, out).uniform_(-bound, bound)
    return nn.Parameter(weight), nn.Parameter(bias)
