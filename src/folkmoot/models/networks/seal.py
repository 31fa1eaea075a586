"""What a fit is: the marks by which a kept state is known to belong to it.

A state that is gone on from in another fit would bring that fit's data along, so plan, data and
network are each hashed: the network by its options and the weights that it starts from.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from folkmoot.core.hashing import content_hash
from folkmoot.models.networks.batches import Material
from folkmoot.models.neural.inputs import Inputs

CHUNK = 4096
"""Rows that are hashed at once: windows of shared bars would not fit in memory side by side."""


def marks(network: nn.Module, material: Material, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of the plan, the data and the unfitted network of a fit."""
    weights = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    start = [part for name, t in weights.items() for part in (name, _digest(t.numpy()))]
    return {
        "plan": content_hash(material.plan.as_dict()),
        "data": content_hash(*_data(material)),
        "network": content_hash(dict(options), *start),
    }


def other(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return which of plan, data and network differ."""
    return [name for name, mark in wanted.items() if found.get(name) != mark]


def _data(material: Material) -> Iterator[Any]:
    truth = material.targets
    for array in (truth.z, truth.up, truth.weights, truth.shape, truth.base, truth.rate):
        yield _digest(array)
    for array in (material.taught, material.held_out, *material.extras):
        yield _digest(array)
    yield from _shown(material.inputs)


def _shown(inputs: Inputs) -> Iterator[Any]:
    yield _digest(inputs.known)
    for part in inputs.parts:
        yield type(part).__name__
        if is_dataclass(part):
            for field in fields(part):
                value = getattr(part, field.name)
                yield _digest(value) if isinstance(value, np.ndarray) else value
        else:
            index = np.flatnonzero(inputs.known)
            for first in range(0, len(index), CHUNK):
                yield _digest(part.take(index[first : first + CHUNK]))


def _digest(array: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    rows = np.atleast_1d(array)
    for first in range(0, len(rows), CHUNK):
        digest.update(np.ascontiguousarray(rows[first : first + CHUNK]).tobytes())
    return digest.hexdigest()
