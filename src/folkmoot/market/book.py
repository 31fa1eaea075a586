"""An order book kept from a snapshot and the diffs after it; unknown wherever the chain breaks."""

from bisect import bisect_left, insort
from collections import deque

from folkmoot.market.recordings import Diff, Levels, Snapshot

WAITING = 5_000
"""Diffs kept until a snapshot comes that they continue."""


class Side:
    """One side of a book, best level first; `sign` is -1 for bids, whose best is the highest."""

    def __init__(self, sign: float) -> None:
        self._sign = sign
        self._keys: list[float] = []
        self._sizes: dict[float, float] = {}

    def clear(self) -> None:
        """Forget every level."""
        self._keys.clear()
        self._sizes.clear()

    def apply(self, levels: Levels) -> None:
        """Set the size of each level; 0 removes it."""
        for price, size in levels:
            key = self._sign * price
            if size > 0.0:
                if key not in self._sizes:
                    insort(self._keys, key)
                self._sizes[key] = size
            elif self._sizes.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]

    def top(self, k: int) -> list[tuple[float, float]]:
        """Return (price, size) of the best k levels, or fewer where there are fewer."""
        return [(self._sign * key, self._sizes[key]) for key in self._keys[:k]]

    def size(self, k: int) -> float:
        """Return the sum of the sizes of the best k levels."""
        return sum(self._sizes[key] for key in self._keys[:k])

    def __len__(self) -> int:
        return len(self._keys)


class Book:
    """A book that is `known` only while every update since a snapshot has been seen.

    A diff continues the book if its first update follows the last one applied. One that does not
    makes the book unknown until a snapshot; diffs received meanwhile are kept, since a snapshot is
    older than its arrival. `breaks` counts how often a known book was lost.
    """

    def __init__(self) -> None:
        self.bids, self.asks = Side(-1.0), Side(1.0)
        self.update = 0
        self.known = False
        self.breaks = 0
        self._waiting: deque[Diff] = deque(maxlen=WAITING)

    def diff(self, diff: Diff) -> None:
        """Take the next diff."""
        if not self.known:
            self._waiting.append(diff)
        elif diff.last > self.update:
            if diff.first > self.update + 1:
                self.lose()
                self.breaks += 1
                self._waiting.append(diff)
            else:
                self._apply(diff)

    def snapshot(self, snapshot: Snapshot) -> None:
        """Begin again from a snapshot, and catch up with the diffs that were waiting for it."""
        if self.known and snapshot.last < self.update:
            return
        waiting = [diff for diff in self._waiting if diff.last > snapshot.last]
        self.lose()
        self.update, self.known = snapshot.last, True
        self.bids.apply(snapshot.bids)
        self.asks.apply(snapshot.asks)
        for diff in waiting:
            self.diff(diff)

    def lose(self) -> None:
        """Forget the book until the next snapshot."""
        self.bids.clear()
        self.asks.clear()
        self._waiting.clear()
        self.known = False

    def imbalance(self, k: int) -> float | None:
        """Return (bids - asks) / (bids + asks) of the best k levels' sizes, None if unknown."""
        if not self.known or not len(self.bids) or not len(self.asks):
            return None
        bids, asks = self.bids.size(k), self.asks.size(k)
        return (bids - asks) / (bids + asks)

    def _apply(self, diff: Diff) -> None:
        self.bids.apply(diff.bids)
        self.asks.apply(diff.asks)
        self.update = diff.last
