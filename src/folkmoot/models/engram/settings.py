"""The settings of a text Engram, with the values of document 000 as defaults."""

from dataclasses import dataclass, field

from folkmoot.core.errors import UsageError


@dataclass(slots=True)
class EngramConfig:
    """What the memory of a text Engram is made of.

    `tokenizer_name_or_path`: a `tokenizer.json`, or a folder that holds one; `engram_vocab_size`:
    where the primes of each order's tables start, orders 2 to `max_ngram_size`;
    `n_embed_per_ngram`: numbers an order, shared by its `n_head_per_ngram` hash heads; `layer_ids`:
    layers with a memory; `pad_id`: the raw token left of a text; `seed` of the multipliers;
    `kernel_size` of the short convolution; `signed_root`: soften the gate as the released script
    does. Source: arXiv 2601.07372 and its script.
    """

    tokenizer_name_or_path: str = "deepseek-ai/DeepSeek-V3"
    engram_vocab_size: list[int] = field(default_factory=lambda: [129_280 * 5, 129_280 * 5])
    max_ngram_size: int = 3
    n_embed_per_ngram: int = 512
    n_head_per_ngram: int = 8
    layer_ids: list[int] = field(default_factory=lambda: [1, 15])
    pad_id: int = 2
    seed: int = 0
    kernel_size: int = 4
    signed_root: bool = True

    def __post_init__(self) -> None:
        orders = max(0, self.max_ngram_size - 1)
        if orders < 1 or len(self.engram_vocab_size) != orders:
            raise UsageError(
                f"engram_vocab_size has {len(self.engram_vocab_size)} numbers",
                where="EngramConfig",
                allowed=f"one for each order from 2 to {self.max_ngram_size}",
            )
        if self.n_head_per_ngram < 1 or self.n_embed_per_ngram % self.n_head_per_ngram:
            raise UsageError(
                f"{self.n_embed_per_ngram} numbers for {self.n_head_per_ngram} heads",
                where="EngramConfig",
                allowed="a multiple of the heads",
            )


@dataclass(slots=True)
class BackBoneConfig:
    """The transformer around the memory.

    `hidden_size` numbers a token in each of `hc_mult` residual streams; `vocab_size` raw tokens;
    `num_layers` blocks of `num_heads` attention heads and a gated feed-forward layer of
    `intermediate_size` (0: the multiple of 64 nearest to 8/3 of `hidden_size`); `connection` of
    the streams: mhc or hc. The last three are ours: the document leaves them open.
    """

    hidden_size: int = 1024
    hc_mult: int = 4
    vocab_size: int = 129_280
    num_layers: int = 30
    num_heads: int = 16
    intermediate_size: int = 0
    connection: str = "mhc"

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.hidden_size % (2 * self.num_heads):
            raise UsageError(
                f"hidden_size is {self.hidden_size} for {self.num_heads} heads",
                where="BackBoneConfig",
                allowed="an even number for each head",
            )
        if self.hc_mult < 1 or self.connection not in ("mhc", "hc"):
            raise UsageError(
                f"hc_mult is {self.hc_mult}, connection {self.connection!r}",
                where="BackBoneConfig",
                allowed="1 or more, mhc or hc",
            )

    @property
    def feed_forward(self) -> int:
        """Hidden numbers of the feed-forward layer."""
        return self.intermediate_size or max(64, round(self.hidden_size * 8 / 3 / 64) * 64)
