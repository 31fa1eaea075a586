"""The text Engram: a transformer on residual streams whose memory layers look n-grams up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from folkmoot.core.errors import UsageError
from folkmoot.models.engram.hashing import Sizes, multipliers, offsets, table_sizes
from folkmoot.models.engram.settings import BackBoneConfig, EngramConfig
from folkmoot.models.networks.engram_backbone import Block
from folkmoot.models.networks.engram_memory import Memory, Tables
from folkmoot.models.networks.engram_norm import RMSNorm
from folkmoot.models.networks.engram_streams import gather_in, spread_out
from folkmoot.models.networks.head import run

Cache = list[dict[str, dict[str, Tensor]]]


class Hash(nn.Module):
    """Compressed tokens to rows of one layer's tables laid end to end; see `hashing`."""

    factors: Tensor
    moduli: Tensor
    starts: Tensor

    def __init__(self, layer: int, vocabulary: int, sizes: Sizes, seed: int) -> None:
        super().__init__()
        drawn = multipliers(layer, vocabulary, max(sizes), seed)
        flat = [p for primes in sizes.values() for p in primes]
        self.sizes = sizes
        # Not kept with the weights: settings say them.
        self.register_buffer("factors", torch.tensor(drawn.tolist()), persistent=False)
        self.register_buffer("moduli", torch.tensor(flat), persistent=False)
        self.register_buffer("starts", torch.tensor(offsets(sizes).tolist()), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return `[rows, steps, tables]`; `tokens[rows, behind + steps]` with `behind` before."""
        behind = len(self.factors) - 1
        steps = tokens.shape[1] - behind
        mixes, mix = [], torch.zeros_like(tokens[:, :steps])
        for k in range(len(self.factors)):
            mix = mix ^ (tokens[:, behind - k : behind - k + steps] * self.factors[k])
            mixes.append(mix)
        columns = [mixes[n - 1] for n, primes in self.sizes.items() for _ in primes]
        return torch.stack(columns, dim=2) % self.moduli + self.starts


class TextEngram(nn.Module):
    """A language model: raw token ids in, logits of the next raw token out.

    `lookup[vocab_size]`: raw to compressed ids, as `CompressedTokenizer.lookup_table`; without one,
    every token is its own. Built under `torch.device("meta")` it takes no memory at any size.
    """

    lookup: Tensor

    def __init__(
        self,
        config: EngramConfig | None = None,
        backbone: BackBoneConfig | None = None,
        lookup: Any = None,
    ) -> None:
        super().__init__()
        self.config = config = config or EngramConfig()
        self.backbone = backbone = backbone or BackBoneConfig()
        merged = _lookup(lookup, backbone.vocab_size, config.pad_id)
        self.pad = int(merged[config.pad_id])
        self.register_buffer("lookup", torch.tensor(merged.tolist()), persistent=False)
        self.embedding = nn.Embedding(backbone.vocab_size, backbone.hidden_size)
        self.blocks = nn.ModuleList(
            Block(
                backbone.hidden_size,
                backbone.num_heads,
                backbone.feed_forward,
                streams=backbone.hc_mult,
                connection=backbone.connection,
                place=layer,
            )
            for layer in range(backbone.num_layers)
        )
        layers = [layer for layer in config.layer_ids if layer < backbone.num_layers]
        self.hashes, self.memories = self._remember(layers, int(merged.max()) + 1)
        self.norm = RMSNorm(backbone.hidden_size)
        self.head = nn.Linear(backbone.hidden_size, backbone.vocab_size, bias=False)

    def _remember(self, layers: list[int], vocabulary: int) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        config = self.config
        starts = tuple(enumerate(config.engram_vocab_size, start=2))
        sizes = table_sizes(starts, config.n_head_per_ngram, tuple(config.layer_ids))
        row = config.n_embed_per_ngram // config.n_head_per_ngram
        hashes, memories = nn.ModuleDict(), nn.ModuleDict()
        for layer in layers:
            flat = [p for primes in sizes[layer].values() for p in primes]
            hashes[str(layer)] = Hash(layer, vocabulary, sizes[layer], config.seed)
            memories[str(layer)] = Memory(
                Tables([(sum(flat), len(flat), row)]),
                self.backbone.hidden_size,
                streams=self.backbone.hc_mult,
                kernel=config.kernel_size,
                dilation=config.max_ngram_size,
                signed_root=config.signed_root,
            )
        return hashes, memories

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits `[rows, steps, vocab_size]` of the token after each of `ids`."""
        tokens = self._before(ids)
        state = spread_out(self.embedding(ids), self.backbone.hc_mult)
        for layer, block in enumerate(self.blocks):
            name = str(layer)
            if name in self.memories:
                state = state + self.memories[name](state, self.hashes[name](tokens))
            state = run(block, state)
        return self._logits(state)

    def _before(self, ids: Tensor) -> Tensor:
        """Return the compressed tokens with the padding that stands before the first."""
        behind = self.config.max_ngram_size - 1
        pad = ids.new_full((len(ids), behind), self.pad)
        return torch.cat((pad, self.lookup[ids]), dim=1)

    def _logits(self, state: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(gather_in(state)))
        return logits

    def _step(self, tokens: Tensor, ids: Tensor, caches: Cache) -> Tensor:
        """Return logits after the newest of `ids[rows, 1]`; `tokens` ends with it, compressed."""
        state = spread_out(self.embedding(ids), self.backbone.hc_mult)
        for layer, block in enumerate(self.blocks):
            name, cache = str(layer), caches[layer]
            if name in self.memories:
                rows = self.hashes[name](tokens)
                state = state + self.memories[name].step(state, rows, cache["memory"])
            state = block.step(state, cache["attention"])
        return self._logits(state)[:, -1]

    @torch.inference_mode()
    def generate(
        self, ids: Tensor, max_new_tokens: int = 50, *, temperature: float = 0.0, seed: int = 0
    ) -> Tensor:
        """Return `ids[rows, steps]` with `max_new_tokens` more, each from all before it.

        Temperature 0 takes the likeliest token; above it, tokens are drawn with `seed`. Keys,
        values and convolution are kept between steps. Raises `UsageError` for an empty prompt.
        """
        if not ids.shape[1] or temperature < 0.0:
            raise UsageError(
                "no prompt, or a temperature below 0", where="generate", allowed=">= 0"
            )
        was_training = self.training
        self.eval()
        behind = self.config.max_ngram_size - 1
        source = torch.Generator(device=ids.device).manual_seed(seed)
        caches: Cache = [{"memory": {}, "attention": {}} for _ in self.blocks]
        tokens, written = self._before(ids), ids
        for place in range(ids.shape[1] + max_new_tokens - 1):
            newest = written[:, place : place + 1]
            logits = self._step(tokens[:, place : place + behind + 1], newest, caches)
            if place + 1 == written.shape[1]:
                chosen = _choose(logits, temperature, source)
                written = torch.cat((written, chosen), dim=1)
                tokens = torch.cat((tokens, self.lookup[chosen]), dim=1)
        self.train(was_training)
        return written

    def groups(self) -> list[dict[str, Any]]:
        """Return the tables as a parameter group: five times the rate, no decay."""
        tables = [p for memory in self.memories.values() for p in memory.tables.parameters()]
        return [{"params": tables, "lr_factor": 5.0, "weight_decay": 0.0}] if tables else []

    def count(self) -> Mapping[str, int]:
        """Return the numbers of the tables, of the rest of the memories, and of the backbone."""
        total = sum(p.numel() for p in self.parameters())
        memories = sum(p.numel() for p in self.memories.parameters())
        tables = sum(p.numel() for group in self.groups() for p in group["params"])
        return {"tables": tables, "dense": memories - tables, "backbone": total - memories}


def _choose(logits: Tensor, temperature: float, source: torch.Generator) -> Tensor:
    if temperature == 0.0:
        return logits.argmax(dim=1, keepdim=True)
    chances = (logits.float() / temperature).softmax(dim=1)
    return torch.multinomial(chances, 1, generator=source)


def _lookup(lookup: Any, size: int, pad: int) -> Any:
    if lookup is None:
        return np.arange(size)
    found = np.asarray(lookup, dtype=np.int64)
    if not pad < len(found) <= size or int(found.min()) < 0:
        raise UsageError(
            f"a lookup of {len(found)} tokens",
            where="TextEngram",
            allowed=f"{pad + 1} to {size} ids from 0",
        )
    # A model's vocabulary is padded beyond its tokenizer, by tokens that no text has.
    return np.concatenate((found, np.full(size - len(found), found[pad])))
