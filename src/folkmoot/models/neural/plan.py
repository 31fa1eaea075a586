"""How a network is fitted: everything that is not the network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from folkmoot.core.errors import UnknownOption, UsageError

LOSSES = ("bce", "pinball", "mse", "mae", "huber")
SCHEDULES = ("cosine", "constant")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("32", "bf16", "16")


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a fit.

    `epochs` at most, each of `windows` rows at most drawn by (seed, epoch), in batches of `batch`;
    AdamW at `rate` after a `warmup` share of the steps, then by `schedule`, with `weight_decay`;
    gradients clipped to norm `clip`; `loss`: the weight of each part; early stopping after
    `patience` epochs without a better loss on the last `holdout` share of the rows, purged, of
    which `holdout_windows` are asked; `seeds`: networks fitted and averaged; `device` auto, cpu
    or cuda; `precision` of the arithmetic: 32, bf16 or 16 (mixed); `threads` of a processor;
    `recompute`: trade time for memory in the backward pass; `warm`: start from the network of the
    fold before; `balance`: rises and falls count alike, whatever their share.
    """

    epochs: int = 6
    batch: int = 256
    windows: int = 24_000
    rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    schedule: str = "cosine"
    clip: float = 1.0
    loss: Mapping[str, float] = field(default_factory=lambda: {"bce": 1.0, "pinball": 1.0})
    patience: int = 2
    holdout: float = 0.15
    holdout_windows: int = 6_000
    seed: int = 7
    seeds: int = 1
    device: str = "auto"
    precision: str = "32"
    threads: int = 1
    recompute: bool = False
    warm: bool = False
    balance: bool = False

    def __post_init__(self) -> None:
        self._check_counts()
        self._check_shares()
        self._check_choices()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Build a plan from options, or raise `UnknownOption` that lists the valid ones.

        >>> Plan.of({"epochs": 2}).epochs
        2
        """
        known = [part.name for part in fields(cls)]
        for option in given:
            if option not in known:
                raise UnknownOption(
                    f"a fit has no option {option!r}", where="training", allowed=sorted(known)
                )
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "loss": dict(self.loss)}

    def _check_counts(self) -> None:
        for name in ("epochs", "batch", "windows", "patience", "holdout_windows", "seeds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"{name} is {value!r}", where="training", allowed=">= 1, whole")
        if self.threads < 1:
            raise UsageError(f"threads is {self.threads!r}", where="training", allowed=">= 1")

    def _check_shares(self) -> None:
        for name in ("rate", "clip"):
            if not getattr(self, name) > 0.0:
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}", where="training", allowed="above zero"
                )
        for name, below in (("warmup", 1.0), ("holdout", 0.5)):
            if not 0.0 <= getattr(self, name) < below:
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}", where="training", allowed=f"0 to {below}"
                )

    def _check_choices(self) -> None:
        choices = {"schedule": SCHEDULES, "device": DEVICES, "precision": PRECISIONS}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}", where="training", allowed=list(allowed)
                )
        if not self.loss or not set(self.loss) <= set(LOSSES):
            raise UsageError(f"loss is {self.loss!r}", where="training", allowed=list(LOSSES))
        if min(self.loss.values()) < 0.0 or max(self.loss.values()) <= 0.0:
            raise UsageError(f"loss is {self.loss!r}", where="training", allowed="weights >= 0")
