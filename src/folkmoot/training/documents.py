"""The training functions of document 001, on a model that answers classes or numbers.

A batch is what a loader of `TradingDataset` yields: `sequence`, `indicators` and `target`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from folkmoot.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

UNKNOWN = -1
"""The class of a target that is not known: it counts for nothing."""

PRECISIONS = ("32", "bf16", "16")


@dataclass(slots=True)
class Tally:
    """Rows seen, how many of them had a known target, their summed loss and their hits."""

    rows: int = 0
    known: int = 0
    loss: float = 0.0
    hits: float = 0.0

    def add(self, predictions: "Tensor", targets: "Tensor") -> None:
        """Count a batch; nothing is learnt from it."""
        said, truth = predictions.detach(), targets.detach().to(predictions.device)
        known = int(_known(truth).sum())
        self.rows += len(truth)
        self.known += known
        if known:
            self.loss += known * float(criterion(said, truth))
            self.hits += known * calculate_accuracy(said, truth)

    def summary(self) -> dict[str, float]:
        """Return the mean `loss` and the `accuracy` of the known, NaN where there is none."""
        if not self.known:
            return {"loss": math.nan, "accuracy": math.nan}
        return {"loss": self.loss / self.known, "accuracy": self.hits / self.known}

    def clear(self) -> None:
        """Begin anew."""
        self.rows, self.known, self.loss, self.hits = 0, 0, 0.0, 0.0


RUNNING = Tally()
"""What `update_metrics` counts into where no tally is named."""


def criterion(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """Return the loss: cross-entropy of classes, Huber of numbers.

    Whole `targets[rows]` are classes of `predictions[rows, classes]`, -1 an unknown one; others are
    numbers of the shape of the predictions, NaN unknown. The unknown count for nothing, and a batch
    of them alone for zero. Raises `UsageError` where the shapes or the classes do not fit.
    """
    import torch.nn.functional as functional

    _check_fit(predictions, targets)
    known = _known(targets)
    if not bool(known.any()):
        return predictions.sum() * 0.0
    if not targets.is_floating_point():
        found: Tensor = functional.cross_entropy(predictions[known].float(), targets[known])
        return found
    numbers = predictions.reshape(targets.shape)[known]
    huber: Tensor = functional.huber_loss(numbers.float(), targets[known].float())
    return huber


def calculate_accuracy(predictions: "Tensor", targets: "Tensor") -> float:
    """Return the share of known targets that were named: their class, or their sign.

    The two may lie on different devices; NaN where no target is known.
    """
    truth = targets.to(predictions.device)
    _check_fit(predictions, truth)
    known = _known(truth)
    if not bool(known.any()):
        return math.nan
    if truth.is_floating_point():
        right = predictions.reshape(truth.shape)[known].sign() == truth[known].sign()
    else:
        right = predictions[known].argmax(dim=1) == truth[known]
    return float(right.double().mean())


def update_metrics(
    predictions: "Tensor", targets: "Tensor", tally: Tally | None = None
) -> dict[str, float]:
    """Count a batch into a tally, `RUNNING` if none is given, and return its mean figures."""
    kept = RUNNING if tally is None else tally
    kept.add(predictions, targets)
    return kept.summary()


def train_epoch(
    model: "nn.Module", dataloader: Any, optimizer: Any, device: Any, scaler: Any = None
) -> dict[str, float]:
    """Learn from every batch once; return the epoch's `loss` and `accuracy`, as met on the way.

    `scaler` is that of `setup_training`. Raises `DataError` where the loss is no number, or the
    loader is empty.
    """
    model.train()
    tally = Tally()
    for place, batch in enumerate(dataloader):
        predictions, targets = _ask(model, batch, device)
        loss = criterion(predictions, targets)
        _learn(loss, optimizer, scaler)
        update_metrics(predictions, targets, tally)
        if not math.isfinite(tally.loss):
            raise DataError(
                f"the loss was no number in batch {place}",
                where="train_epoch",
                allowed="a smaller rate, finite input",
            )
    return _told(tally, "train_epoch")


def validate(model: "nn.Module", val_loader: Any, device: Any) -> dict[str, float]:
    """Return the mean `loss` and `accuracy` over the rows of a loader; nothing is learnt.

    Raises `DataError` if the loader is empty.
    """
    import torch

    before = model.training
    model.eval()
    tally = Tally()
    with torch.no_grad():
        for batch in val_loader:
            update_metrics(*_ask(model, batch, device), tally)
    model.train(before)
    return _told(tally, "validate")


def setup_training(model: "nn.Module", device: str = "cuda") -> tuple["nn.Module", Any]:
    """Return the model on `device`, if it is there, and a gradient scaler that acts on CUDA only.

    Asking for CUDA where there is none leaves the model on the processor.
    """
    import torch

    on_card = str(device).startswith("cuda") and torch.cuda.is_available()
    return model.to(device if on_card else "cpu"), torch.amp.GradScaler("cuda", enabled=on_card)


def optimize_memory(dataloader: Any, model: "nn.Module") -> Any:
    """Let the model keep no activations of its repeated layers; return the loader, pinned on CUDA.

    The backward pass makes them again: less memory, more time, the same gradients. Raises
    `UsageError` for a model without repeated layers to recompute.
    """
    import torch
    from torch.utils.data import DataLoader

    from folkmoot.models.networks.head import recompute

    enable = getattr(model, "gradient_checkpointing_enable", None)
    if enable is not None:
        enable()
    elif not recompute(model):
        raise UsageError(
            f"{type(model).__name__} has no layers to recompute",
            where="optimize_memory",
            allowed="repeated layers in an nn.ModuleList, called by models.networks.head.run",
        )
    if not torch.cuda.is_available() or dataloader.batch_sampler is None:
        return dataloader
    return DataLoader(
        dataloader.dataset,
        batch_sampler=dataloader.batch_sampler,
        num_workers=dataloader.num_workers,
        collate_fn=dataloader.collate_fn,
        pin_memory=True,
    )


def optimize_training(
    model: "nn.Module", batch: Any, optimizer: Any, scaler: Any = None, precision: str = "bf16"
) -> float:
    """Take one step on a batch in mixed precision and return its loss.

    `precision`: 32, bf16 or 16; the last needs CUDA and wants a `scaler`. Weights and the loss stay
    float32. Raises `UsageError` for another precision, `DataError` if the loss is no number.
    """
    import torch

    device = next(model.parameters()).device
    if precision not in PRECISIONS or (precision == "16" and device.type != "cuda"):
        raise UsageError(
            f"precision {precision!r} on {device.type}",
            where="optimize_training",
            allowed="32 or bf16; 16 on CUDA",
        )
    kind = torch.float16 if precision == "16" else torch.bfloat16
    model.train()
    with torch.autocast(device.type, dtype=kind, enabled=precision != "32"):
        predictions, targets = _ask(model, batch, device)
        loss = criterion(predictions, targets)
    met = float(loss.detach())
    if not math.isfinite(met):
        raise DataError("the loss was no number", where="optimize_training", allowed="finite input")
    _learn(loss, optimizer, scaler)
    return met


def _learn(loss: "Tensor", optimizer: Any, scaler: Any) -> None:
    optimizer.zero_grad()
    if scaler is None:
        loss.backward()
        optimizer.step()
        return
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()


def _ask(model: "nn.Module", batch: Any, device: Any) -> tuple["Tensor", "Tensor"]:
    missing = {"sequence", "indicators", "target"} - set(batch)
    if missing:
        raise UsageError(
            f"the batch has no {sorted(missing)}",
            where="batch",
            allowed="sequence, indicators and target, as TradingDataset has them",
        )
    said = model(batch["sequence"].to(device), batch["indicators"].to(device))
    return said, batch["target"].to(device)


def _known(targets: "Tensor") -> "Tensor":
    return ~targets.isnan() if targets.is_floating_point() else targets != UNKNOWN


def _check_fit(predictions: "Tensor", targets: "Tensor") -> None:
    if targets.is_floating_point():
        fits, wanted = predictions.numel() == targets.numel(), "as many numbers as targets"
    else:
        flat = predictions.ndim == 2 and targets.ndim == 1
        fits, wanted = flat and len(predictions) == len(targets), "[rows, classes] and [rows]"
        if fits and len(targets) and int(targets.min()) < UNKNOWN:
            fits, wanted = False, "classes from 0, -1 unknown"
        if fits and len(targets) and int(targets.max()) >= predictions.shape[1]:
            fits, wanted = False, f"classes below {predictions.shape[1]}"
    if not fits:
        raise UsageError(
            f"predictions {tuple(predictions.shape)} for targets {tuple(targets.shape)}",
            where="criterion",
            allowed=wanted,
        )


def _told(tally: Tally, where: str) -> dict[str, float]:
    if not tally.rows:
        raise DataError("the loader yields no rows", where=where, allowed="one batch or more")
    return tally.summary()
