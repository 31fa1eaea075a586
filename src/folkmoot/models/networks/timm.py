"""ConvNeXt weights that a user already has, in timm's naming, as safetensors only.

Sources: timm's `convnext_tiny` and `convnext_atto` state dicts (Hugging Face's hub keeps them as
`model.safetensors`).
"""

from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from folkmoot.core.errors import DataError, UsageError
from folkmoot.models.networks.convnext import ConvNeXt

CLASSIFIER = ("head.fc.weight", "head.fc.bias")
LONGEST_LIST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A network with a file's weights; `dropped` names what the file held and does not fit."""

    network: ConvNeXt
    dropped: tuple[str, ...]


def load_timm(path: str | Path, preset: str = "tiny", classes: int = 0) -> Checkpoint:
    """Read a timm checkpoint into a new network of that preset.

    Weights of half precision are widened, and 1x1 convolutions where we have linear layers are
    reshaped. A classifier that is not of `classes` classes is left out and named in `dropped`.

    Raises `DataError` for a file that is not safetensors (a pickle is never opened), or whose
    names, shapes, types or numbers are not those of the network; `UsageError` for another preset.
    """
    network = ConvNeXt(preset, classes)
    wanted = network.state_dict()
    found = _read(Path(path))
    dropped = tuple(
        name
        for name in CLASSIFIER
        if name in found and (name not in wanted or found[name].shape != wanted[name].shape)
    )
    kept = {name: tensor for name, tensor in found.items() if name not in dropped}
    fresh = [name for name in CLASSIFIER if name in wanted and name not in kept]
    _compare({*kept, *fresh}, set(wanted), path)
    weights = {name: _fitting(name, kept[name], wanted[name], path) for name in kept}
    network.load_state_dict({**wanted, **weights})
    return Checkpoint(network, dropped)


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UsageError("there is no such file", where=str(path), allowed="a safetensors file")
    try:
        found: dict[str, Tensor] = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as problem:
        raise DataError(
            f"this is not a safetensors file: {problem}",
            where=str(path),
            allowed="safetensors; convert a pickled checkpoint where you trust it",
        ) from problem
    return found


def _compare(found: set[str], wanted: set[str], path: str | Path) -> None:
    for names, word in ((wanted - found, "lacks"), (found - wanted, "holds unknown")):
        if names:
            shown = ", ".join(sorted(names)[:LONGEST_LIST])
            raise DataError(
                f"the checkpoint {word} {len(names)} names: {shown}",
                where=str(path),
                allowed="timm's names of this preset",
            )


def _fitting(name: str, tensor: Tensor, wanted: Tensor, path: str | Path) -> Tensor:
    if tensor.shape == (*wanted.shape, 1, 1):
        tensor = tensor.flatten(1)
    if tensor.shape != wanted.shape or not tensor.is_floating_point():
        raise DataError(
            f"{name} is {str(tensor.dtype)[6:]}{list(tensor.shape)}",
            where=str(path),
            allowed=f"floating numbers of shape {list(wanted.shape)}",
        )
    if not torch.isfinite(tensor).all():
        raise DataError(f"{name} holds what is no number", where=str(path), allowed="finite")
    return tensor.to(wanted.dtype)
