"""ConvNeXt (Liu et al., 2022) on angular fields of the last closes, with three named questions."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.features.image_labels import FEWEST, HEADS, SHORTEST
from folkmoot.models import rows
from folkmoot.models.neural import temperature
from folkmoot.models.neural.questions import Lessons, lessons, softmax_line
from folkmoot.models.neural.sight import Sight, asked
from folkmoot.models.neural.weights import whole

if TYPE_CHECKING:
    from torch import nn

MOST = 12_000
"""Rows on which the questions' heads are fitted to the end, evenly chosen."""


@dataclass(eq=False)
class ConvNeXt(Sight):
    """Draw the last closes as angular fields, look at them, and at the scale they have lost.

    `lookback` closes make an image of `size` pixels; `shape`: micro, atto or tiny, or own `depths`
    and `dims`; `dropout` in the head, `drop_path` in the backbone, which learns at `backbone_rate`
    of the rate. Three heads name the regime, direction and volatility of the next `outlook` bars:
    `questions` is the weight of their loss, 0 leaves them out; see `answers`. `horizons` and
    `training` as in every network.
    """

    horizons: tuple[int, ...] = (1,)
    lookback: int = 64
    shape: str = "micro"
    depths: tuple[int, ...] = ()
    dims: tuple[int, ...] = ()
    size: int = 64
    dropout: float = 0.1
    drop_path: float = 0.0
    outlook: int = 24
    questions: float = 0.3
    backbone_rate: float = 1.0
    training: dict[str, Any] = field(default_factory=dict)

    small: ClassVar[dict[str, Any]] = {
        "lookback": 32,
        "size": 32,
        "depths": (1, 1, 1, 1),
        "dims": (8, 8, 16, 16),
        "training": {"epochs": 4, "batch": 64, "rate": 3e-3},
    }

    def check(self) -> None:
        """Refuse images that cannot be seen and questions that cannot be labelled."""
        self.check_sight(self.lookback)
        if self.outlook < SHORTEST or not self.questions >= 0.0:
            raise UsageError(
                f"outlook is {self.outlook} and questions {self.questions}",
                where="convnext",
                allowed=f"{SHORTEST} bars or more, a weight of 0 or more",
            )
        self._lessons: Lessons | None = None

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the network; it is shown no `features`."""
        from folkmoot.models.networks.vision import ConvNeXtNetwork

        del features
        return self.started(
            ConvNeXtNetwork(
                self.lookback,
                out,
                self.eye_form(),
                self.size,
                self.dropout,
                self.drop_path,
                self.questions,
                self.backbone_rate,
            )
        )

    def extras(self, x: Features, y: Floats, usable: rows.Rows) -> tuple[Any, ...]:
        """Return `[rows, 3]`: the classes that the questions' heads are taught, -1 for none."""
        del y
        if not self.questions:
            return ()
        _, held_out = self._cut(x, np.flatnonzero(usable))
        self._lessons = lessons(x, usable, held_out, self.outlook)
        return (self._lessons.taught,)

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Learn the forecast and the questions, then how sure the answers may be.

        The heads are fitted to the end on what the kept network sees, temperatures on the held-out
        training rows; without enough of them the questions stay unanswered. Raises what
        `Network.fit` raises.
        """
        self._lessons = None
        with whole(self):
            super().fit(x, y, weights)
            if self._lessons is not None:
                self._refine(x, self._lessons)
                self._temper(x, self._lessons)
        self._lessons = None
        return self

    def _refine(self, x: Features, given: Lessons) -> None:
        """Fit the questions' heads to the end on what the kept networks see of taught rows."""
        import torch

        taught = np.flatnonzero((given.taught >= 0).all(axis=1))
        taught = taught[:: -(-len(taught) // MOST) or 1]
        for place, network in enumerate(self.networks() if len(taught) else []):
            seen = asked(network.eye, self.inputs(x), taught)
            for k, (name, classes) in enumerate(HEADS.items()):
                line = softmax_line(seen, given.taught[taught, k].astype(np.int64), len(classes))
                for part, array in zip(("weight", "bias"), line or (), strict=False):
                    tensor = getattr(getattr(network.classes, name), part)
                    tensor.data.copy_(torch.from_numpy(array))
                    kept = tensor.detach().numpy().copy()
                    self.learnt[f"net{place}.classes.{name}.{part}"] = kept

    def _temper(self, x: Features, given: Lessons) -> None:
        held_out = np.flatnonzero((given.held_out >= 0).all(axis=1))
        if given.cuts is None or len(held_out) < FEWEST:
            return
        raw, truth = self._ask(x, held_out), given.held_out[held_out].astype(np.int64)
        heats, gains = [], []
        for k, part in enumerate(_parts(raw)):
            heats.append(temperature.fit_temperature(part, truth[:, k]))
            taught = given.taught[:, k][given.taught[:, k] >= 0]
            usual = np.bincount(taught, minlength=part.shape[1]) + 1.0
            flat = temperature.log_loss(np.log(np.tile(usual, (len(truth), 1))), truth[:, k])
            gains.append(flat - temperature.log_loss(part / heats[-1], truth[:, k]))
        self.learnt["own.temperature"] = np.array(heats)
        self.learnt["own.gain"] = np.array(gains)
        self.learnt["own.cuts"] = np.array(list(given.cuts.as_dict().values()))

    def gains(self) -> dict[str, float]:
        """Return by how much each question's log loss was below the base rates' when held out.

        On the rows that the temperature was fitted on, in nats; empty where no answer is given.
        Raises `Untrained` before a fit.
        """
        found = rows.learnt(self).get("own.gain", np.empty(0))
        return dict(zip(HEADS, found.tolist(), strict=False))

    def _ask(self, x: Features, index: rows.Index) -> Floats:
        """Return `[len(index), 11]`: raw numbers of the questions, the mean of the networks'."""
        shown, networks = self.inputs(x), self.networks()
        each = [asked(network.ask, shown, index) for network in networks]
        mean: Floats = np.mean(each, axis=0, dtype=np.float64)
        return mean

    def answers(self, x: Features) -> dict[str, Floats]:
        """Return `{question: [rows, classes]}`: probabilities of the classes of `HEADS`.

        NaN where a row is unknown; empty if the questions were not taught, or could not be held to
        what came true on held-out rows. Raises `Untrained` before a fit.
        """
        learnt = rows.learnt(self)
        if "own.temperature" not in learnt:
            return {}
        index = np.flatnonzero(self.inputs(x).known)
        made = {name: np.full((len(x), len(classes)), np.nan) for name, classes in HEADS.items()}
        if len(index):
            parts = zip(HEADS, _parts(self._ask(x, index)), learnt["own.temperature"], strict=True)
            for name, part, heat in parts:
                made[name][index] = temperature.softmax(part / heat)
        return made

    def explain(self, x: Features) -> dict[str, Floats]:
        """Return the answers of the known rows, and their positions as `rows`."""
        told = self.answers(x)
        index = np.flatnonzero(self.inputs(x).known)
        shown: dict[str, Any] = {"rows": index, **{name: p[index] for name, p in told.items()}}
        return shown if told else {}


def _parts(raw: Floats) -> list[Floats]:
    ends = np.cumsum([len(classes) for classes in HEADS.values()])
    return np.split(raw, ends[:-1], axis=1)


PLUGIN = ConvNeXt
