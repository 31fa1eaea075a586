"""A breaker: after some failures in a row, a server is left alone for a while."""

import time
from collections.abc import Callable


class Breaker:
    """Open after `failures` in a row; after `rest` seconds one probe may pass (half-open)."""

    def __init__(
        self,
        failures: int = 5,
        rest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._failed = 0
        self._opened = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are to be refused now."""
        return self._failed >= self._limit and self._clock() - self._opened < self._rest

    def admit(self) -> bool:
        """Return whether a call may go out; a probe that does closes the door behind itself."""
        if self._failed < self._limit:
            return True
        if self.is_open:
            return False
        self._opened = self._clock()
        return True

    def succeed(self) -> None:
        """Record an answer."""
        self._failed = 0

    def fail(self) -> None:
        """Record a failure; the last one allowed opens the breaker."""
        self._failed += 1
        if self._failed >= self._limit:
            self._opened = self._clock()
