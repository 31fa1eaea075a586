"""The only place that asks what time it is."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of the present, in epoch milliseconds UTC."""

    def now(self) -> int:
        """Return the present instant."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Return the present instant, epoch ms UTC."""
        return time.time_ns() // 1_000_000


class BarClock:
    """A clock that a replay sets to each bar's close."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        """Return the close of the latest bar, epoch ms UTC."""
        return self._now

    def set(self, instant: int) -> None:
        """Move to `instant`, epoch ms UTC."""
        self._now = instant
