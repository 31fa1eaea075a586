"""The state of a fit after an epoch: written whole or not at all, read back to go on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from folkmoot.core.errors import DataError
from folkmoot.models.networks import seal

FORMAT = "folkmoot fit 2"


@dataclass(slots=True)
class Memo:
    """What a fit remembers between epochs.

    `done` epochs of earlier sittings; `worse`: epochs since the best one; `best` weights;
    `optimiser`: its state from an earlier sitting, until it is given back.
    """

    done: int = 0
    worse: int = 0
    lowest: float = float("inf")
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    optimiser: dict[str, Tensor] = field(default_factory=dict)

    def note(self, row: dict[str, Any], network: nn.Module) -> None:
        """Add an epoch; keep the weights if it is the best, or if nothing can tell."""
        self.history.append(row)
        loss = row.get("validation_loss", -float(row["epoch"]))
        if loss < self.lowest:
            self.lowest, self.worse = loss, 0
            self.best = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        else:
            self.worse += 1

    def give(self, optimiser: torch.optim.Optimizer) -> None:
        """Put the state of an earlier sitting into a fresh optimiser."""
        for place, parameter in enumerate(_parameters(optimiser)):
            kept = {
                name.split(".", 1)[1]: value.clone()
                for name, value in self.optimiser.items()
                if name.split(".", 1)[0] == str(place)
            }
            if kept:
                device = parameter.device
                optimiser.state[parameter] = {
                    k: v if k == "step" else v.to(device) for k, v in kept.items()
                }


def write(
    path: Path,
    memo: Memo,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    epoch: int,
    marks: Mapping[str, str],
) -> None:
    """Keep the state after `epoch` at `path`, with the `marks` of the fit; see `seal`."""
    tensors = {f"now.{k}": v.detach().cpu() for k, v in network.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in memo.best.items()}
    for place, parameter in enumerate(_parameters(optimiser)):
        for name, value in optimiser.state[parameter].items():
            tensors[f"optimiser.{place}.{name}"] = value.detach().cpu()
    facts = {
        "format": FORMAT,
        "fit": dict(marks),
        "done": epoch + 1,
        "worse": memo.worse,
        "lowest": memo.lowest,
        "history": memo.history,
    }
    body = save(
        {k: v.contiguous().clone() for k, v in tensors.items()},
        {"facts": orjson.dumps(facts, option=orjson.OPT_SERIALIZE_NUMPY).decode()},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read(path: Path, network: nn.Module, marks: Mapping[str, str]) -> Memo:
    """Load the state at `path` into the network and return the memo.

    Raises `DataError` for a file that `write` did not write, or wrote in another fit than that of
    the `marks`; the network is then as it was.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = orjson.loads((file.metadata() or {})["facts"])
            _check(path, facts, marks)
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        network.load_state_dict(parts["now"])
        lowest = facts["lowest"] if facts["lowest"] is not None else float("inf")
        return Memo(
            facts["done"],
            facts["worse"],
            lowest,
            parts["best"],
            facts["history"],
            parts["optimiser"],
        )
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as problem:
        raise _damaged(path) from problem


def forget(path: Path, seeds: int = 1) -> None:
    """Remove the states that a fit of so many networks kept under the name `path`, and drafts."""
    names = [f"{path.name}.{place}" for place in range(seeds)]
    for found in path.parent.iterdir():
        start, _, process = found.name.rpartition(".")
        if found.name in names or (start in names and process.isdigit()):
            found.unlink(missing_ok=True)


def _check(path: Path, facts: dict[str, Any], marks: Mapping[str, str]) -> None:
    """Refuse the state of another format or fit."""
    if facts["format"] != FORMAT:
        raise DataError(
            f"the kept state {path.name} is in the format {facts['format']!r}",
            where=str(path),
            allowed=f"{FORMAT!r}: delete it and fit anew",
        )
    differ = seal.other(facts["fit"], marks)
    if differ:
        raise DataError(
            f"the kept state {path.name} is of another fit, with another {' and '.join(differ)}",
            where=str(path),
            allowed="the same plan, data and network, started from the same weights, "
            "or delete it and fit anew",
        )


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _damaged(path: Path) -> DataError:
    return DataError(
        "the kept state of a fit is damaged", where=str(path), allowed="delete it and fit anew"
    )
