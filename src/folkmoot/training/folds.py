"""Six blocks at absolute row numbers, so that an appended bar moves none of them."""

from dataclasses import dataclass

from folkmoot.core.errors import DataError

BLOCKS = 6
SPANS_BEFORE = 4
"""The first 40 % trains only: four block lengths before block 0, six from there."""

SHORTEST = 100
"""Fewer rows than this cannot be cut into a span that teaches and blocks that ask."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start` (inclusive) to `stop` (exclusive), forecast by what was known at `start`."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Layout:
    """`train` rows before the first block, the `length` of a closed block, and the six blocks."""

    train: int
    length: int
    blocks: tuple[Block, ...]


def layout(n: int) -> Layout:
    """Cut n rows: the first 40 % trains only, then blocks 0 to 4 of equal length and an open one.

    The length is n // 10 rounded down to a multiple of q, a 32nd to a 64th of itself: it stays the
    same until n // 10 crosses a multiple of q, and until then further rows only extend block 5.

    Raises `DataError` for fewer than 100 rows.

    >>> layout(36_000).train, layout(36_000).length, layout(36_000).blocks[5]
    (14336, 3584, Block(index=5, start=32256, stop=36000))
    """
    if n < SHORTEST:
        raise DataError(f"{n} rows are too few to walk", where="layout", allowed=f">= {SHORTEST}")
    tenth = n // 10
    quantum = max(1, (1 << (tenth.bit_length() - 1)) // 32)
    length = tenth // quantum * quantum
    first = SPANS_BEFORE * length
    starts = [first + k * length for k in range(BLOCKS)]
    stops = [*starts[1:], n]
    blocks = tuple(
        Block(k, start, stop) for k, (start, stop) in enumerate(zip(starts, stops, strict=True))
    )
    return Layout(first, length, blocks)
