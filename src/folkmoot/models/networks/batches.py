"""The rows of an epoch in batches: drawn by (seed, epoch), gathered by one indexing each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from folkmoot.models.neural.inputs import Inputs
from folkmoot.models.neural.plan import Plan
from folkmoot.models.neural.targets import Targets

Index = npt.NDArray[np.int64]
Batch = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a fit reads: `taught` and `held_out` rows of `inputs`, their `targets`, and `extras`.

    `extras`: further arrays `[rows, ...]` that the network's own part of the loss asks for.
    """

    inputs: Inputs
    targets: Targets
    taught: Index
    held_out: Index
    plan: Plan
    extras: tuple[npt.NDArray[Any], ...] = field(default=())

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return len(cuts(min(len(self.taught), self.plan.windows), self.plan.batch))

    def lessons(self, epoch: int) -> "Batches":
        """Return the batches of an epoch: its rows and their order depend on (seed, epoch)."""
        rng = np.random.default_rng([self.plan.seed, epoch])
        rows = rng.permutation(self.taught)[: self.plan.windows]
        return Batches(self, rows)

    def truth(self, index: Index) -> tuple[Tensor, ...]:
        """Return (z, up, weights, *extras) of the rows of `index`."""
        own = (self.targets.z, self.targets.up, self.targets.weights, *self.extras)
        return tuple(torch.from_numpy(array[index]) for array in own)


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """An epoch: an iterable of (inputs, truth), as long as it has batches."""

    material: Material
    rows: Index

    def __len__(self) -> int:
        return self.material.steps

    def __iter__(self) -> Iterator[Batch]:
        for first, end in cuts(len(self.rows), self.material.plan.batch):
            index = self.rows[first:end]
            inputs = tuple(torch.from_numpy(a) for a in self.material.inputs.take(index))
            yield inputs, self.material.truth(index)


def cuts(rows: int, size: int) -> list[tuple[int, int]]:
    """Return (first, end) of each batch; a single row that is left goes with those before it.

    A step along the slope of one row is noise, and one row has no variance for a batch norm.

    >>> cuts(9, 4)
    [(0, 4), (4, 9)]
    """
    ends = [*range(size, rows, size), rows]
    if len(ends) > 1 and rows - ends[-2] == 1 < size:
        del ends[-2]
    return list(zip([0, *ends[:-1]], ends, strict=True))
