"""Put what was learnt back into a network: its own, or that of the fold before."""

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError
from folkmoot.features import BARS_SET
from folkmoot.models import memory

if TYPE_CHECKING:
    from torch import nn

COLUMNS = "columns"
"""The name under which arrays that are handed to the next fold carry the columns they are for."""

WARM = "warm"
FITTED = ("columns", "learnt", "history", "selection", "served", "warm", "_networks", "_sessions")
"""What a fit changes of a member."""

Index = npt.NDArray[np.int64]


def has_torch() -> bool:
    """Return whether torch is installed; it is not imported."""
    return find_spec("torch") is not None


def of_the_set(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that are columns of a feature set, not of the set `bars`."""
    return tuple(name for name in names if name not in BARS_SET)


@contextlib.contextmanager
def whole(member: Any) -> Iterator[None]:
    """Leave a member as it was before a fit that fails or is interrupted."""
    before = {name: getattr(member, name) for name in FITTED}
    try:
        yield
    except BaseException:
        vars(member).update(before)
        raise


def options(member: Any) -> dict[str, Any]:
    """Return what decides a member's networks beside their plan, as JSON values."""
    names = [name for name in inspect.signature(type(member)).parameters if name != "training"]
    plain = (str, int, float, tuple, list, dict, type(None))
    given = {name: getattr(member, name) for name in names}
    told = {n: v if isinstance(v, plain) else type(v).__name__ for n, v in given.items()}
    return {"member": type(member).__name__, **told}


def load(network: "nn.Module", learnt: memory.Arrays, place: int) -> None:
    """Put the weights of one seed into `network`; raises `DataError` where they do not fit."""
    import torch

    state = {name: torch.from_numpy(np.array(a)) for name, a in _of_seed(learnt, place).items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as problem:
        raise DataError(
            "the weights do not fit the network", where="restore", allowed=str(problem)[:200]
        ) from problem


def check_lengths(member: Any) -> None:
    """Raise `DataError` unless what was learnt has a number for each column and horizon."""
    columns, horizons = len(member.columns), len(member.horizons)
    for name, length in {"centre": columns, "gain": columns, "base": horizons}.items():
        if member.learnt[name].shape != (length,):
            raise DataError(
                f"{name} has shape {member.learnt[name].shape}",
                where=type(member).__name__,
                allowed=f"({length},)",
            )


def carried(learnt: memory.Arrays, columns: Sequence[str]) -> memory.Arrays:
    """Return what was learnt as the next fold starts from it: with the columns it is for."""
    return {**learnt, COLUMNS: np.array(columns, dtype=np.str_)}


def as_before(kept: Index, names: tuple[str, ...], before: memory.Arrays) -> Index:
    """Return the positions `kept` in the order of the fold before, if its columns were the same."""
    places = {names[place]: int(place) for place in kept}
    told = _columns(before)
    if set(told) != set(places) or len(told) != len(places):
        return kept
    return np.array([places[name] for name in told], dtype=np.int64)


def start_from(
    network: "nn.Module",
    before: memory.Arrays,
    place: int,
    columns: tuple[str, ...],
    learnt: memory.Arrays,
) -> str:
    """Put the weights of the fold before into `network`, if they mean the same there.

    `columns` and `learnt` are the member's in this fold. Returns `warm`, or why the network starts
    cold: other columns, other tokens, fewer networks, or another shape.
    """
    why = _other_columns(before, columns) or _other_tokens(before, learnt)
    why = why or _other_network(before, place, network)
    if why:
        return f"cold: {why}"
    load(network, before, place)
    return WARM


def _of_seed(learnt: memory.Arrays, place: int) -> memory.Arrays:
    start = f"net{place}."
    return {k.removeprefix(start): a for k, a in learnt.items() if k.startswith(start)}


def _columns(before: memory.Arrays) -> tuple[str, ...]:
    return tuple(before[COLUMNS].tolist()) if COLUMNS in before else ()


def _other_columns(before: memory.Arrays, columns: tuple[str, ...]) -> str:
    if COLUMNS not in before:
        return "it is not told which columns the weights are for"
    told = _columns(before)
    if told == columns:
        return ""
    fresh = [name for name in columns if name not in told]
    gone = [name for name in told if name not in columns]
    return f"columns {fresh} were not seen before, {gone} are gone"


def _other_tokens(before: memory.Arrays, learnt: memory.Arrays) -> str:
    """Name a table of whole numbers that tells what weights stand for and is another one now."""
    tables = {k: a for k, a in learnt.items() if k.startswith("own.") and a.dtype.kind in "iu"}
    for name, table in tables.items():
        if name not in before or not np.array_equal(before[name], table):
            return f"{name.removeprefix('own.')} is not what it was"
    return ""


def _other_network(before: memory.Arrays, place: int, network: "nn.Module") -> str:
    found = {name: array.shape for name, array in _of_seed(before, place).items()}
    if not found:
        return f"the fold before had no network {place}"
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    other = [n for n in (*wanted, *found) if wanted.get(n) != found.get(n)]
    return f"{other[0]} has another shape" if other else ""
