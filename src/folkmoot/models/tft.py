"""Temporal Fusion Transformer (Lim, Arik, Loeff, Pfister 2021): what was seen, what is known."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times
from folkmoot.core.errors import DataError
from folkmoot.core.forecast import Features
from folkmoot.models import memory, rows
from folkmoot.models.neural.inputs import Index, Inputs
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.options import check_heads, check_sizes
from folkmoot.models.neural.targets import WIDTH

if TYPE_CHECKING:
    from torch import nn

DAY = 86_400_000.0
CYCLES = {"day": DAY, "week": 7.0 * DAY}
"""Cycles of the calendar, milliseconds.

The year is left out: rows of a few years hardly repeat it, so it would tell when a row was, and a
network would learn the training rows by their date.
"""
CALENDAR = (*(f"{part}_of_{name}" for name in CYCLES for part in ("sin", "cos")), "distance")
"""What is known of any moment: its place in each cycle, and how far from the decision it is."""
STATIC = ("symbol", "timeframe")


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Row i is what `known_at[i]` says of the moments `offsets` bars of `bar` ms from it.

    They lie on the nominal grid: nothing is looked up in another row. `steps` is the window.
    """

    known_at: Times
    offsets: Floats
    bar: float
    steps: int

    def take(self, index: Index) -> npt.NDArray[np.float32]:
        """Return `[len(index), len(offsets), len(CALENDAR)]`, all within -1 and 1, but distance."""
        moments = self.known_at[index].astype(np.float64)[:, None] + self.offsets * self.bar
        out = np.empty((*moments.shape, len(CALENDAR)), dtype=np.float32)
        for place, cycle in enumerate(CYCLES.values()):
            angle = moments * (2.0 * np.pi / cycle)
            out[:, :, 2 * place] = np.sin(angle)
            out[:, :, 2 * place + 1] = np.cos(angle)
        far = np.log1p(np.abs(self.offsets)) / np.log1p(self.steps)
        out[:, :, -1] = np.sign(self.offsets) * far
        return out


@dataclass(eq=False)
class TFT(Network):
    """Select variables bar by bar, read them by LSTM, attend, answer each horizon from its moment.

    Past inputs are the columns of the set; inputs that are known ahead are functions of time only:
    the place in the day and in the week, and the distance from the decision, of each bar of
    the window and of each horizon. Symbol and timeframe are static inputs; a fit on one market has
    one of each, so their part is a constant that is computed once for a batch. The decoder has one
    step for each asked horizon, not one for each bar up to the last.

    `horizons`: bars ahead, rising; `lookback` bars; `hidden` numbers in a state, 16 to 160 is
    usual, a multiple of `heads`; `heads` of the attention; `width`: numbers that a variable is
    embedded in; `dropout`; `select`: columns kept, chosen on the training rows; `training`: options
    of `neural.plan.Plan`. `explain` gives the weights of variables, whose names `variables` tells,
    and the attention of each head.
    """

    small: ClassVar[dict[str, Any]] = {
        "hidden": 16,
        "lookback": 8,
        "training": {"epochs": 5, "batch": 64, "rate": 5e-3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    hidden: int = 32
    heads: int = 4
    width: int = 8
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse sizes below one, and states that the heads do not share evenly."""
        check_sizes(self, "tft", "hidden", "heads", "width")
        check_heads("tft", "hidden", self.hidden, self.heads)

    def network(self, features: int, out: int) -> "nn.Module":
        """Return the network; three answers, as of the reference shape, are one horizon's."""
        from folkmoot.models.networks.tft import TFTModel

        return TFTModel(
            features,
            self.lookback,
            out,
            horizons=max(1, out // WIDTH),
            known=len(CALENDAR),
            hidden=self.hidden,
            heads=self.heads,
            width=self.width,
            dropout=self.dropout,
        )

    def prepare(self, x: Features, y: Floats, usable: rows.Rows) -> memory.Arrays:
        """Learn the length of a bar: the median distance of neighbouring rows, milliseconds."""
        del y, usable
        apart = np.diff(x.known_at)
        apart = apart[apart > 0]
        if not len(apart):
            raise DataError("no row is later than another", where="fit", allowed="rising known_at")
        return {"bar": np.array([np.median(apart)])}

    def inputs(self, x: Features) -> Inputs:
        """Return the columns of the window and the calendar of its bars and of the horizons."""
        seen = super().inputs(x)
        offsets = np.concatenate((np.arange(1 - self.lookback, 1), self.horizons))
        bar = float(self.learnt["own.bar"][0])
        calendar = Calendar(x.known_at, offsets.astype(np.float64), bar, self.lookback)
        return Inputs((*seen.parts, calendar), seen.known)

    def variables(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the variables that `explain` weighs: past, future and static."""
        rows.learnt(self)
        return {"past": (*self.columns, *CALENDAR), "future": CALENDAR, "static": STATIC}


PLUGIN = TFT
