"""A fence around the building of a network whose sizes a file claims: lies cost no memory.

What a constructor asks torch for is measured before torch does it, and held against the numbers
that the file has for it. The meta device would tell as much, but what it imports takes a second and
70 MB, which every honest file would pay for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.overrides import TorchFunctionMode

from folkmoot.core.errors import DataError

SLACK = 4_000_000
"""Numbers that may be made beyond those of the file: masks, places along time."""
WIDEST = 64_000_000
"""Numbers of one table that a constructor computes from others."""
CALLS = 2_000
CALLS_EACH = 50
"""Calls of torch that a network may take, and more for each array of the file."""
MADE = frozenset({"empty", "zeros", "ones", "full", "rand", "randn"})


class Fence(TorchFunctionMode):
    """Refuse, by `DataError`, to build more than `arrays` arrays of `numbers` numbers can fill.

    It holds for the thread that entered it, for as long as it is entered.
    """

    def __init__(self, arrays: int, numbers: int) -> None:
        super().__init__()
        self._calls = CALLS + CALLS_EACH * arrays
        self._numbers = numbers
        self._left = numbers + SLACK

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call torch, unless that is the call too many."""
        del types
        named = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        numbers = asked(name, args, named)
        self._calls -= 1
        if name in MADE:
            self._left -= numbers
        if self._calls < 0 or self._left < 0 or numbers > max(WIDEST, self._numbers):
            raise DataError(
                "its options claim a larger network than its arrays hold",
                where="restore",
                allowed=f"{self._numbers:,} numbers",
            )
        return func(*args, **named)


def asked(name: str, args: Sequence[Any], named: Mapping[str, Any]) -> int:
    """Return how many numbers a call of torch makes, at most; of what is added up, each part.

    >>> asked("empty", ((3, 4),), {}), asked("linspace", (0.0, 1.0, 7), {})
    (12, 7)
    """
    if name in MADE:
        given = named.get("size", args[0] if args else ())
        return math.prod([int(n) for n in (given if isinstance(given, list | tuple) else args)])
    if name in ("arange", "linspace"):
        bounds = [*args, *named.values()]
        numbers = [abs(b) for b in bounds if isinstance(b, int | float)]
        return math.ceil(max(numbers, default=0))
    if name == "one_hot":
        classes = [1, *args[1:], *named.values()]
        return int(args[0].numel()) * int(max(classes))
    return _joined([tuple(part.shape) for part in args if isinstance(part, Tensor)])


def _joined(shapes: list[tuple[int, ...]]) -> int:
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:
        return sum(math.prod(shape) for shape in shapes)
