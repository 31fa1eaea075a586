"""Say in words that there is not enough memory, wherever in a fit or an answer it runs out."""

import contextlib
import re
from collections.abc import Iterator

from folkmoot.core.errors import EnvironmentProblem

ASKED = re.compile(r"tried to allocate ([\d.]+ ?\w+)", re.IGNORECASE)


@contextlib.contextmanager
def room(where: str) -> Iterator[None]:
    """Turn torch's and numpy's ways of running out of memory into `EnvironmentProblem`."""
    try:
        yield
    except MemoryError as problem:
        raise _too_big(str(problem), where) from problem
    except RuntimeError as problem:
        # By name, so that torch is not imported to ask.
        if type(problem).__name__ != "OutOfMemoryError" and "can't allocate" not in str(problem):
            raise
        raise _too_big(str(problem), where) from problem


def _too_big(why: str, where: str) -> EnvironmentProblem:
    found = ASKED.search(why)
    asked = f"{found[1]} were asked for at once" if found else why.strip().split("\n")[0]
    return EnvironmentProblem(
        f"memory ran out: {asked}",
        where=where,
        allowed="a smaller batch, recompute=True, or a smaller network",
    )
