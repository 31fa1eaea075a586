"""Keep the garbage collector out of a hot loop that makes no garbage cycles of its own."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def quiet_collector() -> Iterator[Callable[[], object]]:
    """Pause automatic collection and yield a function that collects what is young.

    A replay allocates much and keeps some, which makes the collector walk the whole heap again
    and again (a third of the time of a replay); young objects are all there is to free.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield lambda: gc.collect(1)
    finally:
        if was_enabled:
            gc.enable()
