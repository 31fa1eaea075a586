"""What an operator is: its step's number, how long it waits, how long it remembers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Param = float | int | str
Params = tuple[Param, ...]

NEVER = 1 << 40
"""A stable length for what never forgets its start (a cumulative sum)."""

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Operator:
    """One kind of node.

    `code` is the number of its compiled step, `wait(params)` the known inputs it needs before
    its first value less one, `fade(params)` the further bars until the start's effect is below
    `TOLERANCE`, `state` its float64 slots, which begin as `origin`. `windowed` operators read a
    shared line of past inputs; `text` is a format of the arguments, or empty for
    `name(args, params)`.

    With `awaits` the value hangs on an event, and is not known before the first (what a `watch`
    says is then that nothing was crossed). What forgets its start exactly on its event has a `fade`
    of 0, which counts from the event on; see `Expr.awaits`.

    Codes from 100 on belong to a family (`tables/`), whose step gets the parameters that
    `numbers(params)` lists and a state that begins as `memory(params)`, which for a windowed one
    follows the parameters. With `outputs`, one step writes them all side by side, and the last
    parameter of a node names the one it wants.
    """

    name: str
    arity: int
    code: int
    wait: Callable[[Params], int] = lambda params: 0
    fade: Callable[[Params], int] = lambda params: 0
    state: int = 0
    origin: float = 0.0
    windowed: bool = False
    awaits: bool = False
    text: str = ""
    outputs: tuple[str, ...] = ()
    numbers: Callable[[Params], Sequence[float]] = lambda params: ()
    memory: Callable[[Params], Sequence[float]] = lambda params: ()


def length(params: Params) -> int:
    """Return the first parameter, a number of bars."""
    return int(params[0])


def window(params: Params) -> int:
    """Return the bars before the present one in a window of as many as the first parameter."""
    return int(params[0]) - 1


def bars_to_fade(kept: float) -> int:
    """Return the bars after which a share `kept` of the past per bar is below the tolerance."""
    return 0 if kept <= 0.0 else math.ceil(math.log(TOLERANCE) / math.log(kept))
