"""The one fit loop: Lightning's, with batches gathered by index and an exact way to resume.

Everything random is a function of (seed, epoch): the rows drawn, their order, the dropout. The
state after an epoch is kept as safetensors, so a killed fit that starts again from it ends in the
same weights, bit for bit on a processor with one thread.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, EnvironmentProblem
from folkmoot.models.networks import resume, seal
from folkmoot.models.networks.batches import Batches, Material
from folkmoot.models.networks.criterion import Criterion
from folkmoot.models.neural.metrics import epoch_metrics
from folkmoot.models.neural.plan import Plan
from folkmoot.models.neural.room import room
from folkmoot.models.neural.targets import WIDTH

__all__ = ["Fitted", "Progress", "fit", "forward"]

Index = npt.NDArray[np.int64]
Progress = Callable[[dict[str, Any]], None]
MIXED = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
PASS = 1024
"""Rows that are asked at once."""


@dataclass(slots=True)
class Fitted:
    """The best epoch's network and how it came about, epoch by epoch."""

    network: nn.Module
    history: list[dict[str, Any]] = field(default_factory=list)


class Lesson(lightning.LightningModule):
    """A network at school: what Lightning calls, and what is remembered between epochs."""

    def __init__(self, network: nn.Module, criterion: Criterion, material: Material) -> None:
        super().__init__()
        self.network, self.criterion = network, criterion
        self.material, self.plan = material, material.plan
        self.memo = resume.Memo()
        self.losses: list[Tensor] = []
        self.tell: Progress | None = None
        self.keep: Path | None = None
        self.marks: dict[str, str] = {}

    @property
    def epoch(self) -> int:
        """The epoch in hand, counted over all sittings."""
        return self.memo.done + int(self.current_epoch)

    def train_dataloader(self) -> Batches:
        """Return the epoch's batches, and with them the epoch's own noise."""
        torch.manual_seed(_noise(self.plan.seed, self.epoch))
        return self.material.lessons(self.epoch)

    def training_step(self, batch: Any, place: int) -> Tensor:
        """Return the loss of one batch."""
        inputs, (z, up, weights, *extras) = batch
        learn = getattr(self.network, "learn", None)
        if learn is None:
            raw, extra = self.network(*inputs), 0.0
        else:
            raw, extra = learn(inputs, tuple(extras))
        loss: Tensor = self.criterion(raw, z, up, weights) + extra
        if loss.device.type == "cpu" and not math.isfinite(loss.item()):
            raise _diverged(self.epoch, place, self.plan)
        self.losses.append(loss.detach())
        return loss

    def configure_optimizers(self) -> Any:
        """Return AdamW and a rate that depends on the step alone."""
        groups = _groups(self.network, self.plan)
        optimiser = torch.optim.AdamW(groups, lr=self.plan.rate, foreach=True)
        self.memo.give(optimiser)
        steps = self.material.steps * self.plan.epochs
        done = self.material.steps * self.memo.done
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: _rate(step + done, steps, self.plan)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": rate, "interval": "step"}}

    def on_train_epoch_end(self) -> None:
        """Ask the held-out rows, remember the best, keep the state, and stop when told nothing."""
        row: dict[str, Any] = {"epoch": self.epoch}
        row["loss"] = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not math.isfinite(row["loss"]):
            raise _diverged(self.epoch, self.material.steps, self.plan)
        row |= self._examine()
        self.memo.note(row, self.network)
        if self.keep is not None:
            optimiser = self.trainer.optimizers[0]
            resume.write(self.keep, self.memo, self.network, optimiser, self.epoch, self.marks)
        if self.tell is not None:
            self.tell(row)
        if self.memo.worse >= self.plan.patience:
            self.trainer.should_stop = True

    def _examine(self) -> dict[str, float]:
        """Return the held-out rows' figures; refuse weights that the last step has lost.

        The epoch's own loss does not know them; without held-out rows some of the taught are asked.
        """
        held_out = self.material.held_out
        index = held_out if len(held_out) else self.material.taught[-PASS:]
        self.network.eval()
        with torch.no_grad():
            raw = forward(self.network, self.material.inputs, index)
            z, up, weights, *_ = self.material.truth(index)
            loss = float(self.criterion.cpu()(torch.from_numpy(raw), z, up, weights))
        self.criterion.to(self.device)
        self.network.train()
        known = all(bool(torch.isfinite(p).all()) for p in self.network.parameters())
        if not (known and math.isfinite(loss)):
            raise _diverged(self.epoch, self.material.steps, self.plan)
        if not len(held_out):
            return {}
        logit = raw.reshape(len(raw), -1, WIDTH)[:, 0, 0] + float(self.criterion.base[0])
        return {"validation_loss": loss, **epoch_metrics(_squash(logit), z[:, 0].double().numpy())}


def fit(
    network: nn.Module,
    criterion: Criterion,
    material: Material,
    keep: Path | None = None,
    progress: Progress | None = None,
    options: Mapping[str, Any] | None = None,
) -> Fitted:
    """Fit `network` and return it with the weights of its best epoch.

    `keep`: a file for the state after each epoch; if it is there, the fit goes on from it.
    `options`: what made the network, told to the state. A fit that raises leaves the network's
    weights as they were. Raises `DataError` if the loss or the weights stop being numbers, or the
    state is of another fit; `EnvironmentProblem` if memory runs out.
    """
    lesson = Lesson(network, criterion, material)
    lesson.tell, lesson.keep = progress, keep
    with _undone(network):
        if keep is not None:
            lesson.marks = seal.marks(network, material, options or {})
            if keep.exists():
                lesson.memo = resume.read(keep, network, lesson.marks)
        left = material.plan.epochs - lesson.memo.done
        if left > 0 and lesson.memo.worse < material.plan.patience:
            threads = _threads(material.plan.threads)
            with torch.random.fork_rng(), threads, room("training"), _quietly():
                _run(_trainer(material.plan, left), lesson)
        network.load_state_dict(lesson.memo.best)
    return Fitted(network.cpu().eval(), lesson.memo.history)


def _run(trainer: lightning.Trainer, lesson: Lesson) -> None:
    try:
        trainer.fit(lesson)
    except SystemExit as left:
        # Lightning turns Ctrl-C into an exit of its own.
        raise KeyboardInterrupt from left
    except RuntimeError as problem:
        # A step wider than a number of the weights' type can be.
        if "overflow" not in str(problem):
            raise
        raise _diverged(lesson.epoch, int(lesson.global_step), lesson.plan) from problem


@contextlib.contextmanager
def _undone(network: nn.Module) -> Iterator[None]:
    """Take back what an exception leaves half done: a network may be the user's own."""
    start = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    learning = network.training
    try:
        yield
    except BaseException:
        network.load_state_dict(start)
        network.cpu().train(learning)
        raise


def forward(network: nn.Module, inputs: Any, index: Index) -> Floats:
    """Return the raw numbers `[len(index), out]` float32 of the rows of `index`."""
    device = next(network.parameters()).device
    answers = []
    # On one thread sums have one order, so a restored network answers with the same bits.
    with torch.inference_mode(), _threads(1):
        for first in range(0, len(index), PASS):
            part = inputs.take(index[first : first + PASS])
            answers.append(network(*(torch.from_numpy(a).to(device) for a in part)).float().cpu())
    raw: Floats = torch.cat(answers).numpy()
    return raw


def _trainer(plan: Plan, epochs: int) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="gpu" if device_of(plan) == "cuda" else "cpu",
        devices=1,
        max_epochs=epochs,
        precision=MIXED[plan.precision],
        gradient_clip_val=plan.clip,
        reload_dataloaders_every_n_epochs=1,
        barebones=True,
    )


def device_of(plan: Plan) -> str:
    """Return cpu or cuda, or raise `EnvironmentProblem` if cuda is asked for and absent."""
    if plan.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if plan.device == "cuda" and not torch.cuda.is_available():
        raise EnvironmentProblem("there is no CUDA device", where="training", allowed="device cpu")
    return plan.device


def _groups(network: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Return the optimiser's groups: weights decay, vectors do not, and what the network says."""
    own: list[dict[str, Any]] = getattr(network, "groups", list)()
    taken = {id(parameter) for group in own for parameter in group["params"]}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in taken]
    matrices, vectors = [p for p in rest if p.ndim > 1], [p for p in rest if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    for group in own:
        factor = group.pop("lr_factor", 1.0)
        groups.append({"weight_decay": plan.weight_decay, **group, "lr": plan.rate * factor})
    return [group for group in groups if group["params"]]


def _rate(step: int, steps: int, plan: Plan) -> float:
    """Return the factor of the learning rate at a step: a ramp, then half a cosine."""
    ramp = max(1, int(plan.warmup * steps))
    if step < ramp:
        return (step + 1) / ramp
    if plan.schedule == "constant":
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - ramp) / max(1, steps - ramp))))


def _noise(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, 1]).generate_state(1)[0])


def _squash(logit: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-logit.astype(np.float64)))


def _diverged(epoch: int, step: int, plan: Plan) -> DataError:
    return DataError(
        f"the loss was no number in epoch {epoch}, step {step}",
        where="training",
        allowed=f"a rate below {plan.rate:g}, or a stricter clip than {plan.clip:g}",
    )


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep to itself what Lightning says of a loop without workers, loggers and progress bar."""
    voice = logging.getLogger("lightning.pytorch")
    before = voice.level
    voice.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        voice.setLevel(before)
