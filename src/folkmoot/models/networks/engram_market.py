"""The market-token Engram: bars as tokens, a memory of their n-grams, a small causal transformer.

1. A token's vector is its own plus those of its parts (return, range, volume, close).
2. Layers with a memory add what it says of the last n tokens; see `engram_memory`.
3. The last step answers 8 raw numbers a horizon; every step says which token comes next.

Attention looks back over `span` steps, which by default is the longest span with which the newest
step sees no further than the window. A stream that keeps the last `span` keys and the last rows of
the convolution then answers what the window answers, but for rounding.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from folkmoot.core.errors import UsageError
from folkmoot.models.engram.hashing import Codebook
from folkmoot.models.engram.tokens import BINS
from folkmoot.models.networks.engram_backbone import Block
from folkmoot.models.networks.engram_memory import Memory, Tables
from folkmoot.models.networks.engram_norm import RMSNorm
from folkmoot.models.networks.engram_streams import gather_in, spread_out
from folkmoot.models.networks.head import Head, count, run

KERNEL = 4
SPREAD = 0.02
"""Standard deviation of fresh tables: a row that no bar ever asked for says next to nothing."""
SKIP = 4
"""Of the steps of a window, one in so many is asked for the next token in a training batch."""


def longest_span(steps: int, layers: int, memories: int, behind: int) -> int:
    """Return the longest attention span with which the newest of `steps` sees no step before them.

    `memories` convolutions look `behind` steps back each.

    >>> longest_span(64, 2, 2, 9)
    23
    """
    return (steps - 1 - memories * behind) // layers + 1


def _receptive(steps: int, layers: int, span: int, behind: int) -> int:
    """Return how many tokens the newest sees; raises `UsageError` for a window too short."""
    if span < 2:
        raise UsageError(
            f"{layers} layers in a window of {steps} tokens",
            where="engram",
            allowed=f"{1 + layers + behind} tokens or more",
        )
    return 1 + layers * (span - 1) + behind


class MarketEngram(nn.Module):
    """Codes of a window in, `[rows, out]` raw numbers out; see `hashing.Codebook.codes`.

    `book`: the tables, which without `memory` stay away and leave the rest as it is;
    `parts[vocabulary][k]`: the token's part of kind k, shared by the tokens that have it;
    `memory_layers`: which of `layers` have a memory; `row` numbers an order; `next_token`: weight
    of the self-supervised loss.
    """

    def __init__(
        self,
        book: Codebook,
        steps: int,
        out: int,
        *,
        memory: bool = True,
        parts: Sequence[Sequence[int]] = (),
        width: int = 32,
        layers: int = 2,
        heads: int = 2,
        hidden: int = 48,
        memory_layers: Sequence[int] = (0, 1),
        row: int = 32,
        streams: int = 1,
        conv: bool = True,
        signed_root: bool = False,
        span: int = 0,
        dropout: float = 0.1,
        row_dropout: float = 0.1,
        next_token: float = 0.1,
    ) -> None:
        super().__init__()
        self.steps, self.book, self.streams, self.next_token = steps, book, streams, next_token
        self.tokens = TokenVectors(book.vocabulary, width, parts)
        kernel = KERNEL if conv else 0
        options: dict[str, Any] = {"streams": streams, "kernel": kernel, "signed_root": signed_root}
        self.memories = nn.ModuleDict()
        for place, layer in enumerate(memory_layers if memory else ()):
            tables = Tables(_tables(book, place, row), row_dropout, SPREAD)
            self.memories[str(layer)] = Memory(tables, width, dilation=max(book.orders), **options)
        behind = len(memory_layers) * max(0, kernel - 1) * max(book.orders)
        self.span = span or longest_span(steps, layers, 1, behind)
        self.receptive = _receptive(steps, layers, self.span, behind)
        form: dict[str, Any] = {"span": self.span, "streams": streams}
        blocks = [Block(width, heads, hidden, place=k, **form) for k in range(layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = RMSNorm(width)
        self.next = NextToken(book.vocabulary, width, parts)
        self.head = Head(width, out, dropout)

    def forward(self, codes: Tensor) -> Tensor:
        """Return `[rows, out]` of `codes[rows, steps, book.width]`, whole numbers."""
        answer: Tensor = self.head(self._trunk(codes)[:, -1])
        return answer

    def learn(self, inputs: Sequence[Tensor], extras: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return (raw numbers, loss to add): the cross-entropy of the tokens that come next.

        A window's steps are asked in turn, one in `SKIP` of them a batch, drawn at random: windows
        overlap, so an epoch asks each bar many times all the same.
        """
        del extras
        (codes,) = inputs
        told = self._trunk(codes)
        first = int(torch.randint(SKIP, ())) if self.steps > SKIP else 0
        asked = self.next(told[:, first:-1:SKIP]).flatten(0, 1)
        right = codes[:, first + 1 :: SKIP, 0].reshape(-1)
        loss = functional.cross_entropy(asked, right.long())
        return self.head(told[:, -1]), self.next_token * loss

    def next_tokens(self, codes: Tensor) -> Tensor:
        """Return logits `[rows, steps, vocabulary]` of the token after each step."""
        logits: Tensor = self.next(self._trunk(codes))
        return logits

    def _trunk(self, codes: Tensor) -> Tensor:
        state = spread_out(self.tokens(codes[:, :, 0]), self.streams)
        for layer, block in enumerate(self.blocks):
            name = str(layer)
            if name in self.memories:
                state = state + self.memories[name](state, self._rows(codes, name))
            state = run(block, state)
        told: Tensor = self.norm(gather_in(state))
        return told

    def _rows(self, codes: Tensor, name: str) -> Tensor:
        """Return the row numbers of one memory: the exact ones, and its own hashed ones."""
        exact = len(self.book.exact)
        each = self.book.heads * len(self.book.hashed)
        first = 1 + exact + each * list(self.memories).index(name)
        return torch.cat((codes[:, :, 1 : 1 + exact], codes[:, :, first : first + each]), dim=2)

    def step(self, codes: Tensor, caches: list[dict[str, dict[str, Tensor]]]) -> Tensor:
        """Return `[rows, out]` after the next `codes[rows, 1, width]`; see `caches`."""
        state = spread_out(self.tokens(codes[:, :, 0]), self.streams)
        for layer, block in enumerate(self.blocks):
            name, cache = str(layer), caches[layer]
            if name in self.memories:
                rows = self._rows(codes, name)
                state = state + self.memories[name].step(state, rows, cache["memory"])
            state = block.step(state, cache["attention"])
        answer: Tensor = self.head(self.norm(gather_in(state))[:, -1])
        return answer

    def caches(self) -> list[dict[str, dict[str, Tensor]]]:
        """Return empty caches for `step`, one a layer."""
        return [{"memory": {}, "attention": {}} for _ in self.blocks]

    def explain(self, codes: Tensor) -> dict[str, Tensor]:
        """Return what the newest step used.

        `attention[rows, steps]`: of the last layer, mean of its heads; `gate[rows, memories]` in
        (0, 1), mean of the streams; `memory[rows, memories, orders]`: size of what each order's
        rows were let in with; `surprise[rows]`: nats of the newest token, from those before it.
        """
        state = spread_out(self.tokens(codes[:, :, 0]), self.streams)
        gates, sizes = [], []
        for layer, block in enumerate(self.blocks):
            name = str(layer)
            if name in self.memories:
                rows = self._rows(codes, name)
                gate, size = self._hits(self.memories[name], state, rows)
                gates.append(gate)
                sizes.append(size)
                state = state + self.memories[name](state, rows)
            looks = block.looks(state)[:, :, -1].mean(dim=1)
            state = block(state)
        told = self.next(self.norm(gather_in(state))[:, -2]).log_softmax(dim=1)
        found = {"attention": looks}
        found["surprise"] = -told.gather(1, codes[:, -1, :1].long())[:, 0]
        if gates:
            found |= {"gate": torch.stack(gates, 1), "memory": torch.stack(sizes, 1)}
        return found

    def _hits(self, memory: Memory, state: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        e = memory.tables(rows[:, -1:])
        gate = memory.gate(state[:, -1:], e).mean(dim=2)[:, 0]
        each = e.shape[2] // len(self.book.orders)
        said = [
            functional.linear(part, memory.value.weight[:, k * each : (k + 1) * each])
            for k, part in enumerate(e[:, 0].split(each, dim=1))
        ]
        return gate, gate[:, None] * torch.stack([s.norm(dim=1) for s in said], dim=1)

    def groups(self) -> list[dict[str, Any]]:
        """Return the tables as a parameter group: five times the rate, no decay."""
        tables = [p for memory in self.memories.values() for p in memory.tables.parameters()]
        return [{"params": tables, "lr_factor": 5.0, "weight_decay": 0.0}] if tables else []


class TokenVectors(nn.Module):
    """A vector for every token: its own, plus one for each of its parts."""

    parts: Tensor

    def __init__(self, vocabulary: int, width: int, parts: Sequence[Sequence[int]]) -> None:
        super().__init__()
        kinds = list(zip(*parts, strict=True))
        held = torch.tensor(kinds, dtype=torch.int64).reshape(len(kinds), vocabulary)
        self.register_buffer("parts", held, persistent=False)
        own = torch.randn(vocabulary, width) / math.sqrt(width)
        self.own = nn.Parameter(SPREAD * own if kinds else own)
        self.shared = nn.ParameterList(
            nn.Parameter(_scale(max(kind) + 1, bins, width))
            for kind, bins in zip(kinds, BINS, strict=False)
        )

    def table(self) -> Tensor:
        """Return `[vocabulary, width]`."""
        table: Tensor = self.own
        for k, shared in enumerate(self.shared):
            table = table + shared[self.parts[k]]
        return table

    def forward(self, tokens: Tensor) -> Tensor:
        """Return `[rows, steps, width]`."""
        return functional.embedding(tokens, self.table())


class NextToken(TokenVectors):
    """Logits of the next token: what its vector has in common with what is told, and a bias."""

    def __init__(self, vocabulary: int, width: int, parts: Sequence[Sequence[int]]) -> None:
        super().__init__(vocabulary, width, parts)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, told: Tensor) -> Tensor:
        """Return `[..., vocabulary]` of `told[..., width]`."""
        return functional.linear(told, self.table(), self.bias)


def _scale(rows: int, bins: int, width: int) -> Tensor:
    """Return `[rows, width]`: the `bins` in their order along one random direction, others at 0."""
    places = torch.zeros(rows)
    places[:bins] = torch.linspace(-1.5, 1.5, bins)
    return places[:, None] * torch.randn(width) / math.sqrt(width)


def _tables(book: Codebook, place: int, row: int) -> list[tuple[int, int, int]]:
    """Return (rows, slots, width) of each of a memory's tables."""
    tables = [(book.exact_rows(n), 1, row) for n in book.exact]
    if book.hashed:
        tables.append((book.hashed_rows(place), book.heads * len(book.hashed), row // book.heads))
    return tables


def widened(book: Codebook, steps: int, out: int, shape: dict[str, Any]) -> dict[str, Any]:
    """Return the `width` and `hidden` with which a network without memory is as large as one with.

    `shape`: options of `MarketEngram`; the feed-forward layer grows as the width does.
    """
    with torch.device("meta"):
        wanted = count(MarketEngram(book, steps, out, **shape))
        width, hidden, unit = shape["width"], shape["hidden"], 2 * shape["heads"]
        best = {"width": width, "hidden": hidden}
        least = math.inf
        for wide in range(width, 64 * width, unit):
            trial = {"width": wide, "hidden": round(hidden * wide / width)}
            size = count(MarketEngram(book, steps, out, memory=False, **{**shape, **trial}))
            if abs(size - wanted) < least:
                best, least = trial, abs(size - wanted)
            if size > wanted:
                break
    return best
