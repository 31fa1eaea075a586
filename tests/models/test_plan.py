"""Laws of the settings of a fit: each has a type and a range, and says both when it is refused."""

import math
from dataclasses import fields
from typing import Any

import pytest

from folkmoot.core.errors import UsageError
from folkmoot.models.neural import plan
from folkmoot.models.neural.plan import Plan

NO_COUNT = (0, -1, 1.5, 3.0, True, "3", None, math.nan, math.inf, [3], 2**70)
NO_RATE = (0.0, -1e-3, math.nan, math.inf, True, "a", None, [0.1])
NO_FLAG = (1, 0, "yes", None, "false", 1.0)
NO_CHOICE = ("", "other", None, 32, True, ["auto"], {})
COUNTS = ("epochs", "batch", "windows", "patience", "holdout_windows", "seeds", "threads")

WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(COUNTS, NO_COUNT),
    "seed": (-1, 1.5, True, "7", None, math.nan, 2**63),
    **dict.fromkeys(("rate", "clip"), NO_RATE),
    "weight_decay": (-1, -1e-9, "a", math.nan, math.inf, None, False),
    "warmup": (-0.1, 1.0, 2, "a", math.nan, None, True),
    "holdout": (-0.1, 0.5, 0.9, "a", math.nan, None, True),
    "loss": (
        {},
        {"hinge": 1.0},
        {"bce": math.nan},
        {"bce": math.inf},
        {"bce": -1.0},
        {"bce": 0.0},
        {"bce": "1"},
        {"bce": True},
        {"bce": None},
        {1: 1.0},
        {"bce": 1.0, "pinball": math.nan},
        "bce",
        ["bce"],
        None,
    ),
    **dict.fromkeys(("schedule", "device", "precision"), NO_CHOICE),
    **dict.fromkeys(("recompute", "warm", "balance"), NO_FLAG),
}
RIGHT: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(COUNTS, (1, 2, 24_000)),
    "seed": (0, 7, 2**32),
    **dict.fromkeys(("rate", "clip"), (1e-9, 1, 1e30)),
    "weight_decay": (0, 0.0, 1e-2, 1),
    "warmup": (0, 0.0, 0.1, 0.99),
    "holdout": (0, 0.0, 0.15, 0.49),
    "loss": (*({name: 1} for name in plan.LOSSES), {"bce": 0.5, "huber": 0.0, "mse": 2}),
    "schedule": plan.SCHEDULES,
    "device": plan.DEVICES,
    "precision": plan.PRECISIONS,
    **dict.fromkeys(("recompute", "warm", "balance"), (True, False)),
}
NAMES = [part.name for part in fields(Plan)]


def test_every_setting_has_its_law() -> None:
    assert set(NAMES) == set(WRONG) == set(RIGHT) == set(plan.FIELDS)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_setting_cannot_be_is_refused_by_name(name: str) -> None:
    for value in WRONG[name]:
        with pytest.raises(UsageError, match=f"^{name} is") as caught:
            Plan.of({name: value})
        assert caught.value.where == "training"
        assert caught.value.allowed


@pytest.mark.parametrize("name", NAMES)
def test_what_a_setting_may_be_is_kept_as_it_was_said(name: str) -> None:
    for value in RIGHT[name]:
        assert Plan.of({name: value}).as_dict()[name] == value


def test_the_usual_plan_is_a_plan() -> None:
    assert Plan.of(Plan().as_dict()) == Plan()
