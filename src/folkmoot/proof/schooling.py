"""Train members on one market: walked forward, validated, calibrated, and put on the shelf.

1. Every member becomes a row of the ledger, so that whoever proves the best of them later is judged
   against all of them (rule K3).
2. Every member is walked forward through the six blocks (`training.walk_forward`), together with
   the references, all horizons in one fit; what the store holds already is not computed again.
3. At each horizon the out-of-fold rows after the first block are scored, the probabilities
   calibrated by what was known at each row, beside the references on the same rows (`exam`).
4. The member that was fitted for the last block becomes the next version: nothing is fitted on rows
   that were never scored. A network's ONNX form is added, checked and timed.

It stands in `proof` because it needs both the committee's calibration and the tests of skill, which
`training` may not import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, EnvironmentProblem, UsageError
from folkmoot.core.forecast import Features
from folkmoot.core.stamps import iso
from folkmoot.features import FeatureSet, feature_set, windows
from folkmoot.features.own import settled, title
from folkmoot.models import BASELINES, REFERENCES
from folkmoot.models.rows import check_horizons
from folkmoot.proof.exam import examined
from folkmoot.proof.keys import lineage
from folkmoot.proof.tried import Ledger, trained
from folkmoot.training import Ballots, Crew, TaskStore, artefact, walk_forward
from folkmoot.training.artefacts import Shelf
from folkmoot.training.folds import layout
from folkmoot.training.keys import code_version, libraries

Tell = Callable[[str, float], None]

HORIZONS = (1, 5, 15, 30)
"""Bars ahead that members are trained for if nobody says otherwise."""

LATEST = 512
"""Rows at the end on which a network's graph is checked and a member is asked to explain."""

TOP = 24
"""Columns of an explanation that the card keeps."""

FOLD = ("block", "rows", "trained_rows", "trained_known_at", "labels", "purged", "key")
"""What the card keeps of each fold's fit."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was put on the shelf: the member's id, its name there, its card."""

    model: str
    name: str
    version: int
    card: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether its validation is recorded and sane, so that it can be served."""
        return bool(self.card["validation"]["passed"])


def school(
    bars: Bars,
    chosen: Mapping[str, Mapping[str, Any]],
    *,
    names: Mapping[str, str],
    features: str = "core",
    horizons: tuple[int, ...] = HORIZONS,
    store: TaskStore,
    shelf: Shelf,
    ledger: Ledger,
    workers: int | Crew = 1,
    progress: Tell | None = None,
) -> list[Version]:
    """Train the members `chosen` (options by id) on `bars` and shelve each under its `names` entry.

    A killed run goes on where it was: each (member, block) is a task of `store`, and a network's
    epochs are kept until its task is done. Nothing is put into use. Each (member, options,
    horizons, columns) is a row of `ledger` before the walk, once.

    Raises `UsageError` for a baseline, a member, option, column or horizon that does not exist,
    `DataError` for too few bars or a member that refuses them.
    """
    ahead = check_horizons(horizons)
    _check(chosen, names, shelf)
    spec = settled(features)
    columns = feature_set(spec, bars.timeframe)
    _count(ledger, bars, columns, chosen, ahead)
    walks = _walk(bars, columns, chosen, ahead, store, workers, progress or _silent)
    found = []
    for name in chosen:
        each = {horizon: _alone(ballots, name) for horizon, ballots in walks.items()}
        card = _card(bars, columns, spec, name, each, store)
        member = artefact(store, card["folds"][-1]["key"])
        card |= _fitted(member, _latest(bars, columns, member.lookback))
        number = shelf.add(names[name], name, member, card)
        found.append(Version(name, names[name], number, card))
    return found


def _check(chosen: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], shelf: Shelf) -> None:
    told = [name for name in chosen if name in BASELINES]
    if told or not chosen:
        raise UsageError(
            f"{', '.join(told) or 'nothing'} is not trained: baselines are walked beside models",
            where="train",
            allowed="other members; see folkmoot models",
        )
    for name in chosen:
        # A name that the shelf refuses costs no training.
        shelf.versions(names[name])


def _count(
    ledger: Ledger,
    bars: Bars,
    columns: FeatureSet,
    chosen: Mapping[str, Mapping[str, Any]],
    horizons: tuple[int, ...],
) -> None:
    """Put what is about to be scored into the ledger; bars too few to score are not counted."""
    layout(len(bars))
    # A study names the columns that its bars make known, so these are named, too.
    used = columns.knowable(bars)[0].hash()
    rows = [trained(name, given, horizons, used) for name, given in chosen.items()]
    for row in rows:
        ledger.add(lineage(bars), row)


def _silent(what: str, share: float) -> None:
    del what, share


def _walk(
    bars: Bars,
    columns: FeatureSet,
    chosen: Mapping[str, Mapping[str, Any]],
    horizons: tuple[int, ...],
    store: TaskStore,
    workers: int | Crew,
    tell: Tell,
) -> dict[int, Ballots]:
    """Return the out-of-fold forecasts at each horizon; the first walk computes for all."""
    members = {name: (name, {**given, "horizons": horizons}) for name, given in chosen.items()}
    members |= {name: (name, {"horizons": horizons}) for name in REFERENCES}

    def step(done: int, total: int, what: str) -> None:
        tell(what, done / max(total, 1))

    return {
        horizon: walk_forward(
            bars, columns, members, horizon, store=store, workers=workers, progress=step
        )
        for horizon in horizons
    }


def _alone(ballots: Ballots, name: str) -> Ballots:
    """Return the ballots of one member and the references: no companion changes its card."""
    kept = (name, *REFERENCES)
    places = [ballots.members.index(one) for one in kept]
    return replace(
        ballots,
        members=kept,
        p_up=ballots.p_up[:, places],
        quantiles=ballots.quantiles[:, places],
    )


def _card(
    bars: Bars,
    columns: FeatureSet,
    spec: str,
    name: str,
    each: Mapping[int, Ballots],
    store: TaskStore,
) -> dict[str, Any]:
    """Return what is recorded of a member before its last fit is looked at."""
    first = next(iter(each.values()))
    folds = [card for card in first.cards if card["member"] == name]
    validation, calibration = examined(name, each)
    return {
        "model": name,
        "symbol": bars.symbol,
        "timeframe": bars.timeframe.label,
        "horizons": list(each),
        "features": _features(columns, spec, folds[-1]),
        "data": {
            "hash": bars.hash(),
            "bars": len(bars),
            "from": iso(int(bars.open_time[0])),
            "to": iso(int(bars.close_time[-1])),
            "trained_to": iso(folds[-1]["trained_known_at"][1]),
        },
        "options": folds[-1]["options"],
        "folds": [{key: fold[key] for key in FOLD} for fold in folds],
        "validation": validation,
        "calibration": calibration,
        **_made(name, [store.seconds(fold["key"]) for fold in folds]),
    }


def _features(columns: FeatureSet, spec: str, fold: dict[str, Any]) -> dict[str, Any]:
    """Return the set that was read, by its name or definition, and what the last fit used of it."""
    return {
        "name": spec,
        "title": title(spec),
        "timeframe": columns.timeframe.label,
        "hash": columns.hash(),
        "read": fold["features"],
        "columns": fold["columns"],
        "dropped": fold["dropped"],
    }


def _made(name: str, seconds: list[float]) -> dict[str, Any]:
    return {
        "cost": {"seconds": float(np.sum(seconds)), "folds": seconds},
        "made_by": {
            "folkmoot": version("folkmoot"),
            "code": code_version(name),
            "libraries": libraries(name),
        },
    }


def _fitted(member: Any, latest: Features) -> dict[str, Any]:
    """Return what is recorded of the fit itself; a network has its ONNX form from then on."""
    served = _frozen(member, latest)
    plan = getattr(member, "plan", None)
    seeds = [] if plan is None else [plan.seed + place for place in range(plan.seeds)]
    return {
        "served": served,
        "explained": explained(member, latest),
        "sizes": _sizes(member),
        "plan": None if plan is None else plan.as_dict(),
        "seeds": seeds or [seed for seed in (getattr(member, "seed", None),) if seed is not None],
    }


def _latest(bars: Bars, columns: FeatureSet, lookback: int) -> Features:
    """Return the rows at the end, read from as much history as their features need."""
    complete = columns.plus(feature_set("bars", bars.timeframe))
    first = max(0, len(bars) - complete.stable - lookback - LATEST)
    return windows(complete.matrix(bars.rows(first, len(bars))), lookback)


def _frozen(member: Any, latest: Features) -> dict[str, Any]:
    """Return how the member answers when served; a network is given its ONNX form if it can be."""
    if not hasattr(member, "freeze"):
        return {"by": "its own code"}
    try:
        return dict(member.freeze(latest))
    except (DataError, EnvironmentProblem) as refusal:
        return {"by": "torch", "note": refusal.message}


def explained(member: Any, latest: Features) -> dict[str, Any]:
    """Return what the member's forward pass used on the rows `latest`, as means.

    `importance`: the largest columns' [name, share]; whatever else it tells, a mean over the
    rows: `attention` by bars back from the decision, newest last. Empty where it tells nothing.
    """
    if not hasattr(member, "explain"):
        return {}
    told = {name: np.asarray(array) for name, array in member.explain(latest).items()}
    told.pop("rows", None)
    found: dict[str, Any] = {}
    columns = list(getattr(member, "columns", ()))
    for name, array in told.items():
        if name == "attention":
            found[name] = _paid(array)
        elif name in ("importance", "past") and _per_row(array).shape[-1] >= len(columns):
            found["importance"] = _shares(_per_row(array), columns)
        elif _per_row(array).ndim == 1:
            found[name] = [float(value) for value in _per_row(array)]
    return found


def _per_row(array: Any) -> Any:
    """Return the mean over rows; what is one for all rows stays."""
    return np.nanmean(array, axis=0) if array.ndim > 1 else array


def _paid(array: Any) -> list[float]:
    """Return the attention that the newest position paid, mean over rows and heads."""
    found = array
    if found.ndim == 4:
        found = found[:, :, -1]
    while found.ndim > 1:
        found = found.mean(axis=0)
    return [float(value) for value in found]


def _shares(values: Any, columns: list[str]) -> list[list[Any]]:
    """Return [name, share] of the largest; inputs beyond the columns of the set are numbered."""
    names = [*columns, *(f"input_{k}" for k in range(len(columns), len(values)))]
    total = float(np.nansum(values)) or 1.0
    order = np.argsort(-values, kind="stable")[:TOP]
    return [[names[place], float(values[place]) / total] for place in order]


def _sizes(member: Any) -> dict[str, Any]:
    """Return sizes counted from what was fitted: of a network its trainable numbers."""
    arrays, _ = member.state()
    counted = getattr(member, "parameters_in_use", None)
    return {
        "parameters": counted() if counted else None,
        "columns": len(getattr(member, "columns", ())),
        "lookback": member.lookback,
        "arrays": len(arrays),
        "bytes": int(sum(array.nbytes for array in arrays.values())),
    }
