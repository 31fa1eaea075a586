"""The market-token Engram: a memory of what followed the same few bars, and a small transformer."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET
from folkmoot.models import rows
from folkmoot.models.engram.hashing import Codebook, Ints
from folkmoot.models.engram.tokens import BEFORE, FIRST, GAP, PAD, BarTokens
from folkmoot.models.memory import Arrays
from folkmoot.models.neural.inputs import Inputs, Windowed, bars_of, check_windows, known_windows
from folkmoot.models.neural.network import Network

if TYPE_CHECKING:
    from torch import nn

    from folkmoot.models.engram.stream import EngramStream

LONGEST = 4
"""The longest order of n-grams."""
MARGIN = BEFORE + 1 + LONGEST - 1
"""Bars of a window that only measure its first token, and the n-grams that end there."""
MEMORIES = ("on", "off", "wide")
USUAL = {"rate": 2e-3}
"""What a fit is given unless told otherwise: small networks on tokens bear a high rate."""


@dataclass(eq=False)
class Engram(Network):
    """Answer from tokens of bars: hashed n-gram memory, gated into a causal transformer.

    `lookback` bars make `lookback` - 24 tokens. `orders`: lengths of the n-grams, up to 4; `heads`
    and `start`: hash heads, and where the primes of their tables start; `row` numbers an order;
    `width`, `layers`, `attention_heads`, `hidden`: the transformer; `memory_layers`: those with a
    memory; `memory`: on, off (the same transformer without it) or wide (without it, and as much
    wider as its parameters allow); `streams` residual streams; `conv`: the short convolution;
    `signed_root`: the released script's gate; `next_token`: weight of the next token's
    cross-entropy; `fewest`: n-grams that fewer training bars end with are not remembered, as what
    is remembered of them is noise; `column`: a column of whole numbers that are the tokens, in
    place of the bars'.

    Source: arXiv 2601.07372; algorithms.md sections 18 and 19.
    """

    small: ClassVar[dict[str, Any]] = {
        "width": 16,
        "hidden": 16,
        "row": 16,
        "lookback": 44,
        "memory_layers": (1,),
        "training": {"epochs": 4, "batch": 64, "rate": 5e-3, "patience": 4},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 88
    orders: tuple[int, ...] = (1, 2, 3)
    heads: int = 4
    start: int = 4099
    row: int = 32
    width: int = 32
    layers: int = 2
    attention_heads: int = 2
    hidden: int = 48
    memory_layers: tuple[int, ...] = (0, 1)
    memory: str = "on"
    streams: int = 1
    conv: bool = True
    signed_root: bool = False
    next_token: float = 0.1
    fewest: int = 50
    dropout: float = 0.1
    row_dropout: float = 0.1
    column: str = ""
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.training = {**USUAL, **self.training}
        super().__post_init__()

    def check(self) -> None:
        """Refuse options that do not fit together; raises `UsageError`."""
        self.orders, self.memory_layers = tuple(self.orders), tuple(self.memory_layers)
        self.needs = ((self.column,) if self.column else ()) + BARS_SET
        for name, good, allowed in (
            ("orders", _rising(self.orders, 1, LONGEST) and self.orders, "rising, 1 to 4"),
            ("memory", self.memory in MEMORIES, ", ".join(MEMORIES)),
            ("memory_layers", _rising(self.memory_layers, 0, self.layers - 1), "rising, layers"),
            ("row", self.row % self.heads == 0, f"a multiple of {self.heads}"),
            ("width", self.width % (2 * self.attention_heads) == 0, "even for each head"),
            ("lookback", self.lookback >= MARGIN + 8, f"{MARGIN + 8} or more"),
        ):
            if not good:
                said = f"{name} is {getattr(self, name)!r}"
                raise UsageError(said, where="engram", allowed=allowed)

    @property
    def steps(self) -> int:
        """Tokens of a window."""
        return self.lookback - MARGIN

    def prepare(self, x: Features, y: Floats, usable: rows.Rows) -> Arrays:
        """Learn the tokens from the decision bars of the `usable` rows."""
        del y
        table, starts = bars_of(x, self.needs)
        shown = np.zeros(len(table), dtype=np.bool_)
        shown[starts[usable] + self.lookback - 1] = True
        if self.column:
            size = FIRST + int(_whole(table[shown, 0]).max(initial=-1)) + 1
            self.learnt["own.parts"] = np.empty((size, 0), dtype=np.int64)
        else:
            found = BarTokens.fit(table, shown)
            self.learnt["own.edges"], self.learnt["own.merged"] = found.edges, found.merged
            self.learnt["own.parts"] = found.parts
        return self._common(self.tokens(table)[0], shown)

    def _common(self, tokens: Ints, shown: rows.Rows) -> Arrays:
        """Return the numbers of the n-grams that enough of the bars `shown` end with."""
        book = self.book
        kept: Arrays = {}
        for order in self.orders:
            if order > 1 and self.fewest > 1:
                numbers, counts = np.unique(book.number(tokens, order)[shown], return_counts=True)
                kept[f"kept{order}"] = numbers[counts >= self.fewest]
        return kept

    def inputs(self, x: Features) -> Inputs:
        """Return the codes of the tokens of each row, and which rows know all their bars."""
        check_windows(x, self.lookback)
        table, starts = bars_of(x, self.needs)
        tokens, known = self.tokens(table)
        codes = self.book.codes(tokens)
        # Unknown bars before the first token matter through what it is measured against alone.
        good = known_windows(known, starts + MARGIN, self.steps)
        good &= known_windows(rows.known(table), starts, self.lookback)
        return Inputs((Windowed(codes, starts + MARGIN, self.steps),), good)

    def tokens(self, table: Floats) -> tuple[Ints, rows.Rows]:
        """Return (`tokens[bars]`, `known[bars]`) of `table[bars, needs]`; raises `Untrained`."""
        learnt = rows.learnt(self)
        if not self.column:
            kept = BarTokens(learnt["own.edges"], learnt["own.merged"], learnt["own.parts"])
            return kept.tokens(table)
        known = np.isfinite(table[:, 0])
        said = np.where(known, _whole(table[:, 0]) + FIRST, PAD)
        return np.where(said < len(learnt["own.parts"]), said, GAP), known

    @property
    def book(self) -> Codebook:
        """The memory's tables, as far as the tokens are known."""
        held = self.learnt.get("own.parts")
        size = REFERENCE_TOKENS if held is None else len(held)
        layers = len(self.memory_layers)
        kept = {n: self.learnt[k] for n in self.orders if (k := f"own.kept{n}") in self.learnt}
        return Codebook(size, self.orders, layers, self.heads, self.start, kept=kept)

    def network(self, features: int, out: int) -> "nn.Module":
        """Return an unfitted network that answers `out` raw numbers; `features` are not its own."""
        del features
        from folkmoot.models.networks.engram_market import MarketEngram, widened

        held = self.learnt.get("own.parts")
        shape: dict[str, Any] = {
            "parts": () if held is None else held.tolist(),
            "width": self.width,
            "layers": self.layers,
            "heads": self.attention_heads,
            "hidden": self.hidden,
            "memory_layers": self.memory_layers,
            "row": self.row,
            "streams": self.streams,
            "conv": self.conv,
            "signed_root": self.signed_root,
            "dropout": self.dropout,
            "row_dropout": self.row_dropout,
            "next_token": self.next_token,
        }
        if self.memory == "wide":
            shape |= widened(self.book, self.steps, out, shape)
        return MarketEngram(self.book, self.steps, out, memory=self.memory == "on", **shape)

    def stream(self) -> "EngramStream":
        """Return the fitted member as a stream of bars; see `EngramStream`."""
        from folkmoot.models.engram.stream import EngramStream

        return EngramStream(self)


REFERENCE_TOKENS = 191
"""Tokens of a network that is counted before it is fitted: nothing merged."""


def _rising(numbers: tuple[int, ...], low: int, high: int) -> bool:
    inside = all(low <= number <= high for number in numbers)
    return inside and sorted(set(numbers)) == list(numbers)


def _whole(said: Floats) -> Ints:
    """Return tokens of a column; raises `DataError` unless the known ones are whole, from 0."""
    known = said[np.isfinite(said)]
    if len(known) and (known.min() < 0.0 or (known != np.floor(known)).any()):
        raise DataError("a token is no whole number from 0", where="engram", allowed="0, 1, 2, ...")
    return np.where(np.isfinite(said), said, 0.0).astype(np.int64)
