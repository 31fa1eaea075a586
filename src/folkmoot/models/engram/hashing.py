"""Which rows of a memory a token and those before it ask for: suffix n-grams, hashed.

1. Every (layer, order, head) has a table of prime size, no prime used twice.
2. Every layer has odd 64-bit multipliers m_0, m_1, ... drawn from (seed, layer).
3. An n-gram mixes to x_t m_0 xor x_{t-1} m_1 xor ..., and asks row `mix mod prime` of each head.

Tokens are below the vocabulary's size, so that no product passes 2^63.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.errors import DataError

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]
Sizes = Mapping[int, tuple[int, ...]]
"""Order to the prime sizes of its heads."""

STRIDE = 10_007
"""What a layer adds to the seed of its multipliers."""
LARGEST = int(np.iinfo(np.int64).max)


def is_prime(n: int) -> bool:
    """Tell whether `n` is prime, by trial division.

    >>> is_prime(646403), is_prime(646405)
    (True, False)
    """
    if n < 4:
        return n > 1
    return n % 2 == 1 and all(n % d for d in range(3, int(n**0.5) + 1, 2))


def _primes(start: int, used: set[int]) -> Iterator[int]:
    n = start
    while True:
        if n not in used and is_prime(n):
            used.add(n)
            yield n
        n += 1


@lru_cache(maxsize=32)
def table_sizes(
    starts: tuple[tuple[int, int], ...], heads: int, layers: tuple[int, ...]
) -> dict[int, dict[int, tuple[int, ...]]]:
    """Return layer to order to the sizes of its `heads` tables.

    `starts`: pairs (order, where its primes begin). Primes are walked upward in the order layer,
    order, head, and none is taken twice. Source: the script of arXiv 2601.07372.

    >>> table_sizes(((2, 646400),), 3, (1,))
    {1: {2: (646403, 646411, 646421)}}
    """
    used: set[int] = set()
    sizes: dict[int, dict[int, tuple[int, ...]]] = {}
    for layer in layers:
        sizes[layer] = {}
        for order, start in starts:
            walk = _primes(start, used)
            sizes[layer][order] = tuple(next(walk) for _ in range(heads))
    return sizes


def multipliers(layer: int, vocabulary: int, longest: int, seed: int = 0) -> Ints:
    """Return `[longest]` odd int64: 2 r + 1, r uniform below a quarter of 2^64 / vocabulary.

    >>> multipliers(1, 128, 3) % 2
    array([1, 1, 1])
    """
    bound = max(1, LARGEST // vocabulary // 2)
    rng = np.random.default_rng(seed + STRIDE * layer)
    drawn: Ints = rng.integers(0, bound, size=longest, dtype=np.int64) * 2 + 1
    return drawn


def hash_ngrams(tokens: Any, pad: int, factors: Ints, sizes: Sizes) -> Ints:
    """Return `[..., steps, tables]`: the row that each position asks of each table.

    `tokens[..., steps]` whole numbers from 0; positions before the first hold `pad`; tables in the
    order of `sizes`. Raises `DataError` for a negative token.
    """
    whole = np.ascontiguousarray(tokens, dtype=np.int64)
    if whole.size and int(whole.min()) < 0:
        raise DataError(f"token {int(whole.min())}", where="hash_ngrams", allowed="0 or more")
    flat = whole.reshape(-1, whole.shape[-1])
    orders = np.array([n for n, primes in sizes.items() for _ in primes], dtype=np.int64)
    moduli = np.array([p for primes in sizes.values() for p in primes], dtype=np.int64)
    rows = np.empty((*flat.shape, len(moduli)), dtype=np.int64)
    _hash(flat, pad, factors, orders, moduli, rows)
    return rows.reshape(*whole.shape, len(moduli))


@njit(cache=True, nogil=True)
def _hash(tokens: Ints, pad: int, factors: Ints, orders: Ints, moduli: Ints, rows: Ints) -> None:
    mixes = np.zeros(len(factors) + 1, dtype=np.int64)
    for i in range(tokens.shape[0]):
        for t in range(tokens.shape[1]):
            for k in range(len(factors)):
                token = tokens[i, t - k] if t >= k else pad
                mixes[k + 1] = mixes[k] ^ (token * factors[k])
            for j in range(len(moduli)):
                rows[i, t, j] = mixes[orders[j]] % moduli[j]


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """The memory of a market: what a series of tokens asks of the tables of its layers.

    `orders` up to 2 have exact tables, a row for every n-gram; longer ones `heads` hashed tables of
    primes near `start` in each of `layers` layers. `kept`: for an order of 2 or more, the sorted
    numbers of the n-grams that are known; all others share one row, the last of each table. An
    order that `kept` does not name knows all. `pad` stands before the series.
    """

    vocabulary: int
    orders: tuple[int, ...] = (1, 2, 3)
    layers: int = 2
    heads: int = 4
    start: int = 4099
    seed: int = 0
    pad: int = 0
    kept: Mapping[int, Ints] = field(default_factory=dict)

    @property
    def exact(self) -> tuple[int, ...]:
        """Orders without collisions."""
        return tuple(n for n in self.orders if n <= EXACT)

    @property
    def hashed(self) -> tuple[int, ...]:
        """Orders whose n-grams share rows."""
        return tuple(n for n in self.orders if n > EXACT)

    @property
    def width(self) -> int:
        """Columns of `codes`."""
        return 1 + len(self.exact) + self.layers * self.heads * len(self.hashed)

    def sizes(self, layer: int) -> dict[int, tuple[int, ...]]:
        """Return order to the sizes of the hashed tables of one layer."""
        starts = tuple((n, self.start) for n in self.hashed)
        return table_sizes(starts, self.heads, tuple(range(self.layers)))[layer]

    def hashed_rows(self, layer: int) -> int:
        """Return how many rows the hashed tables of one layer have, laid end to end."""
        return sum(sum(primes) for primes in self.sizes(layer).values()) + 1

    def exact_rows(self, order: int) -> int:
        """Return how many rows the table of an exact order has."""
        known = self.kept.get(order)
        return 1 + (self.vocabulary**order if known is None else len(known))

    def number(self, tokens: Ints, order: int) -> Ints:
        """Return `[steps]`: the n-gram that ends at each step, as one whole number."""
        number = np.zeros(len(tokens), dtype=np.int64)
        for k in range(order - 1, -1, -1):
            before = np.full(min(k, len(tokens)), self.pad)
            shifted = np.concatenate((before, tokens[: len(tokens) - k]))
            number = number * self.vocabulary + shifted
        return number

    def known(self, tokens: Ints, order: int) -> Rows:
        """Return `[steps]`: whether the n-gram that ends at each step is known."""
        if order not in self.kept:
            return np.ones(len(tokens), dtype=np.bool_)
        return np.isin(self.number(tokens, order), self.kept[order])

    def codes(self, tokens: Ints) -> Ints:
        """Return `[steps, width]` of `tokens[steps]`.

        The token itself; the row of each exact order; then, layer by layer, the rows of the hashed
        tables laid end to end.
        """
        columns = [tokens[:, None], *(self._exact(tokens, n)[:, None] for n in self.exact)]
        known = [np.repeat(self.known(tokens, n)[:, None], self.heads, 1) for n in self.hashed]
        for layer in range(self.layers if self.hashed else 0):
            sizes = self.sizes(layer)
            factors = multipliers(layer, self.vocabulary, max(self.orders), self.seed)
            rows = hash_ngrams(tokens, self.pad, factors, sizes) + offsets(sizes)
            last = self.hashed_rows(layer) - 1
            columns.append(np.where(np.concatenate(known, axis=1), rows, last))
        return np.concatenate(columns, axis=1, dtype=np.int64)

    def _exact(self, tokens: Ints, order: int) -> Ints:
        number = self.number(tokens, order)
        if order not in self.kept:
            return number
        kept = self.kept[order]
        place: Ints = np.minimum(np.searchsorted(kept, number), max(0, len(kept) - 1))
        return np.where(self.known(tokens, order), place, len(kept)).astype(np.int64)


EXACT = 2
"""The longest order whose n-grams a table can hold one by one."""


def offsets(sizes: Sizes) -> Ints:
    """Return where each table starts when all lie end to end.

    >>> offsets({2: (5, 7), 3: (11,)})
    array([ 0,  5, 12])
    """
    flat: Sequence[int] = [p for primes in sizes.values() for p in primes]
    return np.concatenate(([0], np.cumsum(flat)[:-1])).astype(np.int64)
