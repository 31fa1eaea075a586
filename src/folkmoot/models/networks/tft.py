"""Temporal Fusion Transformer (Lim, Arik, Loeff, Pfister 2021), decoded at the asked horizons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from folkmoot.models.networks.tft_blocks import (
    GRN,
    GatedSkip,
    InterpretableAttention,
    NumberSelection,
    Selection,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one forward pass answered, and the weights that it gave.

    `raw[rows, out]`; `temporal[rows, steps + horizons, hidden]`: enriched states, before attention;
    `past`, `future` [rows, positions, variables] and `static` [rows or 1, variables]: selection
    weights; `attention[rows, heads, horizons, steps + horizons]`.
    """

    raw: Tensor
    temporal: Tensor
    past: Tensor
    future: Tensor
    static: Tensor
    attention: Tensor


class TFTModel(nn.Module):
    """Select variables, read them by an LSTM encoder and decoder, attend, answer each horizon.

    `forward(past[rows, steps, features], known[rows, steps + horizons, known], static)` returns
    `[rows, out]`, horizon by horizon, by one linear layer that all horizons share.

    - `past`: what was observed up to the decision bar. `known`: functions of time alone, at every
      past step and at every horizon. The past's variables are both, the decoder's are `known`.
    - The decoder's steps are the asked horizons (1, 5, 15, 30: four steps, not thirty). Its LSTM
      and its attention see the horizons up to their own, and which horizon it is from `known`.
    - `static[rows, identities]`: whole numbers below `identities`, such as a symbol's and a
      timeframe's. Without them each is 0, and their part is computed once for the whole batch.
    - `hidden` is a multiple of `heads`; `width`: numbers that a variable is embedded in.
    """

    def __init__(
        self,
        features: int,
        steps: int,
        out: int,
        horizons: int = 1,
        known: int = 5,
        hidden: int = 32,
        heads: int = 4,
        width: int = 8,
        dropout: float = 0.1,
        identities: Sequence[int] = (1, 1),
    ) -> None:
        super().__init__()
        self.steps, self.horizons = steps, horizons
        self.identities = nn.ModuleList(nn.Embedding(count, hidden) for count in identities)
        self.static = Selection(len(identities), hidden, hidden, dropout=dropout)
        self.selecting, self.enriching, self.hidden_start, self.cell_start = (
            GRN(hidden, hidden, dropout=dropout) for _ in range(4)
        )
        self.selections = nn.ModuleList(
            NumberSelection(count, width, hidden, hidden, dropout)
            for count in (features + known, known)
        )
        self.encoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.local = GatedSkip(hidden, dropout)
        self.enrich = GRN(hidden, hidden, context=hidden, dropout=dropout)
        self.attention = InterpretableAttention(hidden, heads, dropout)
        self.attended = GatedSkip(hidden, dropout)
        self.feed = GRN(hidden, hidden, dropout=dropout)
        self.last = GatedSkip(hidden, dropout)
        self.answer = nn.Linear(hidden, out // horizons)
        # An unfitted network answers what it would answer if its input said nothing.
        with torch.no_grad():
            self.answer.weight.mul_(0.1)
            self.answer.bias.zero_()

    def forward(self, past: Tensor, known: Tensor, static: Tensor | None = None) -> Tensor:
        """Return `[rows, out]` raw numbers, horizon by horizon."""
        return self.read(past, known, static).raw

    def read(self, past: Tensor, known: Tensor, static: Tensor | None = None) -> Reading:
        """Return the answer and what it was made of."""
        about, static_weights = self._static(static)
        context = self.selecting(about)
        behind, ahead = known[:, : self.steps], known[:, self.steps :]
        select_past, select_known = self.selections
        seen, past_weights = select_past(torch.cat((past, behind), dim=2), context)
        coming, future_weights = select_known(ahead, context)
        local = self.local(self._order(seen, coming, about), torch.cat((seen, coming), dim=1))
        temporal = self.enrich(local, self.enriching(about)[:, None, :])
        attended, attention = self.attention(temporal, self.horizons)
        own = slice(self.steps, None)
        state = self.feed(self.attended(attended, temporal[:, own]))
        raw = self.answer(self.last(state, local[:, own])).flatten(1)
        return Reading(raw, temporal, past_weights, future_weights, static_weights, attention)

    def _static(self, static: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return (`[rows or 1, hidden]`, weights `[rows or 1, identities]`)."""
        device = self.answer.weight.device
        if static is None:
            static = torch.zeros(1, len(self.identities), dtype=torch.long, device=device)
        each = [layer(static[:, place]) for place, layer in enumerate(self.identities)]
        about: tuple[Tensor, Tensor] = self.static(torch.stack(each, dim=1))
        return about

    def _order(self, seen: Tensor, coming: Tensor, about: Tensor) -> Tensor:
        """Return `[rows, steps + horizons, hidden]`: the encoder's states, then the decoder's."""
        starts = (self.hidden_start(about), self.cell_start(about))
        start = tuple(s.expand(seen.shape[0], -1).unsqueeze(0).contiguous() for s in starts)
        states, end = self.encoder(seen, start)
        return torch.cat((states, self.decoder(coming, end)[0]), dim=1)

    def groups(self) -> list[dict[str, Any]]:
        """Return the vectors that are kept as matrices, a variable a row: they do not decay."""
        vectors = ("gain", "shift", "offset")
        named = self.named_parameters()
        found = [p for n, p in named if p.ndim > 1 and (n.endswith("bias") or n.endswith(vectors))]
        return [{"params": found, "weight_decay": 0.0}]

    def explain(
        self, past: Tensor, known: Tensor, static: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the weights that the forward pass gave to variables and to steps.

        `past[rows, features + known]`, `future[rows, known]`, `static[rows, identities]`: mean
        selection weights over the positions, each row's sum is 1. They tell what was used, not what
        causes what. `attention[rows, heads, horizons, steps + horizons]`.
        """
        reading = self.read(past, known, static)
        return {
            "past": reading.past.mean(dim=1),
            "future": reading.future.mean(dim=1),
            "static": reading.static.expand(past.shape[0], -1),
            "attention": reading.attention,
        }
