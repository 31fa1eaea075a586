"""How a network is fitted: everything that is not the network."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from folkmoot.core.errors import UnknownOption, UsageError

LOSSES = ("bce", "pinball", "mse", "mae", "huber")
SCHEDULES = ("cosine", "constant")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("32", "bf16", "16")


Good = Callable[[Any], bool]


def _whole(least: int, below: int = 2**63) -> Good:
    return lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and least <= value < below
    )


def _number(least: float = 0.0, below: float = math.inf) -> Good:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and least <= value < below
    )


def _above_zero(value: Any) -> bool:
    return _number()(value) and value > 0.0


def _one_of(choices: tuple[str, ...]) -> Good:
    return lambda value: isinstance(value, str) and value in choices


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _parts(value: Any) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= set(LOSSES):
        return False
    return all(_number()(share) for share in value.values()) and any(value.values())


COUNT, FLAG = (_whole(1), "whole, 1 or more"), (_flag, "true or false")
FIELDS: dict[str, tuple[Good, Any]] = {
    **dict.fromkeys(("epochs", "batch", "windows", "patience", "holdout_windows"), COUNT),
    **dict.fromkeys(("seeds", "threads"), COUNT),
    "seed": (_whole(0), "whole, 0 to 2^63 - 1"),
    **dict.fromkeys(("rate", "clip"), (_above_zero, "above zero, finite")),
    "weight_decay": (_number(), "0 or more, finite"),
    "warmup": (_number(below=1.0), "0 to below 1"),
    "holdout": (_number(below=0.5), "0 to below 0.5"),
    "loss": (_parts, f"weights of {', '.join(LOSSES)}, 0 or more, one of them above"),
    "schedule": (_one_of(SCHEDULES), list(SCHEDULES)),
    "device": (_one_of(DEVICES), list(DEVICES)),
    "precision": (_one_of(PRECISIONS), list(PRECISIONS)),
    **dict.fromkeys(("recompute", "warm", "balance"), FLAG),
}
"""Of each setting, whether a value is one, and what is allowed."""


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
        for name, (good, allowed) in FIELDS.items():
            value = getattr(self, name)
            if not good(value):
                raise UsageError(f"{name} is {value!r}", where="training", allowed=allowed)

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
