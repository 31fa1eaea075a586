"""Who sits on the committee."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from folkmoot.core.errors import UsageError

DEFAULT_MODELS = ("logistic", "lightgbm", "lorentzian")


@dataclass(frozen=True)
class Committee:
    """Say which models and analysts forecast, how far ahead, and with what options.

    `horizon` in bars is the one dial: label, purge and scoring derive from it. `horizons` are
    those the members are fitted on, (horizon,) by default. `weights` are ratios, one per model,
    among the models that have earned a weight; one that has earned none keeps 0. `options` maps
    a model to its constructor's parameters.

    Raises `UsageError` for a name given twice or not at all, a horizon below 1, or ratios that are
    not one positive number per model.

    >>> Committee(models=["logistic"], horizon=4).horizons
    (4,)
    """

    models: tuple[str, ...] = DEFAULT_MODELS
    analysts: tuple[str, ...] = ()
    horizon: int = 1
    horizons: tuple[int, ...] | None = None
    weights: Mapping[str, float] | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "models", _names(self.models, "models"))
        put(self, "analysts", _names(self.analysts, "analysts"))
        if not self.models:
            raise UsageError("no model", where="committee.models", allowed="at least one")
        put(self, "horizons", _horizons(self.horizon, self.horizons))
        if self.weights is not None:
            put(self, "weights", _ratios(self.weights, self.models))
        _known(self.options, self.models, "options")
        put(self, "options", {name: dict(given) for name, given in self.options.items()})


def _names(given: Any, where: str) -> tuple[str, ...]:
    whole = isinstance(given, Iterable) and not isinstance(given, str)
    if not whole or not all(isinstance(name, str) for name in given):
        raise UsageError(
            f"{given!r} is not a list of names", where=f"committee.{where}", allowed='["a", "b"]'
        )
    twice = sorted({name for name in given if list(given).count(name) > 1})
    if twice:
        raise UsageError(
            f"{twice} given more than once", where=f"committee.{where}", allowed="each name once"
        )
    return tuple(given)


def _horizons(horizon: Any, horizons: Any) -> tuple[int, ...]:
    if horizons is not None and not isinstance(horizons, Iterable):
        raise UsageError(
            f"horizons {horizons!r}", where="committee.horizons", allowed="a list of whole bars"
        )
    found = (horizon,) if horizons is None else tuple(horizons)
    for h in (horizon, *found):
        if isinstance(h, bool) or not isinstance(h, int) or h < 1:
            raise UsageError(
                f"horizon {h!r}", where="committee.horizon", allowed="whole bars, 1 or more"
            )
    if horizon not in found or len(set(found)) != len(found):
        raise UsageError(
            f"horizons {found} with horizon {horizon}",
            where="committee.horizons",
            allowed=f"distinct, {horizon} among them",
        )
    return found


def _ratios(weights: Mapping[str, float], models: tuple[str, ...]) -> dict[str, float]:
    _known(weights, models, "weights")
    fine = all(math.isfinite(w) and w > 0.0 for w in weights.values())
    if not fine or set(weights) != set(models):
        raise UsageError(
            f"weights {dict(weights)}",
            where="committee.weights",
            allowed=f"a number above 0 for each of {list(models)}",
        )
    return {name: float(weights[name]) for name in models}


def _known(given: Mapping[str, Any], models: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in models:
            raise UsageError(
                f"{name!r} is not a model of this committee",
                where=f"committee.{where}",
                allowed=list(models),
            )
