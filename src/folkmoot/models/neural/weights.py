"""Put what was learnt back into a network."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.core.errors import DataError
from folkmoot.features import BARS_SET
from folkmoot.models import memory

if TYPE_CHECKING:
    from torch import nn


def has_torch() -> bool:
    """Return whether torch is installed; it is not imported."""
    return find_spec("torch") is not None


def of_the_set(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that are columns of a feature set, not of the set `bars`."""
    return tuple(name for name in names if name not in BARS_SET)


def load(network: "nn.Module", learnt: memory.Arrays, place: int) -> None:
    """Put the weights of one seed into `network`; raises `DataError` where they do not fit."""
    import torch

    start = f"net{place}."
    found = {k.removeprefix(start): a for k, a in learnt.items() if k.startswith(start)}
    state = {name: torch.from_numpy(np.array(array)) for name, array in found.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as problem:
        raise DataError(
            "the weights do not fit the network", where="restore", allowed=str(problem)[:200]
        ) from problem
