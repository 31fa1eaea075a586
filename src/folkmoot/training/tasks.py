"""One (block, member): fit on what was known before the block, forecast its rows, keep both."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.models.neural.weights import carried
from folkmoot.training.crew import Crew
from folkmoot.training.folds import Block
from folkmoot.training.material import Material
from folkmoot.training.pooled import pooled
from folkmoot.training.store import Result, Results, TaskStore

FEWEST = 30
LEARNT = "learnt."
JOB = "folkmoot.training.worker:carry_out_task"

Progress = Callable[[int, int, str], None]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Task:
    """A pure piece of work: `key` names its result, `facts` go to the artefact's card.

    `before` is the key of the fold before, for a member that starts from what it had learnt.
    """

    key: str
    member: str
    model: str
    options: dict[str, Any]
    block: Block
    facts: dict[str, Any] = field(default_factory=dict)
    before: str | None = None

    @property
    def title(self) -> str:
        """The task in words, for a progress display."""
        return f"{self.member}, block {self.block.index}"

    def as_dict(self) -> dict[str, Any]:
        """Return the task as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Task":
        """Rebuild a task from its JSON values."""
        return cls(**{**fields, "block": Block(**fields["block"])})


def run_tasks(
    tasks: Sequence[Task],
    material: Material,
    store: Results,
    workers: int | Crew = 1,
    progress: Progress | None = None,
) -> None:
    """Compute the tasks into the store: here, or on as many processes as `workers` says.

    0 is one process a core; a `Crew` is used as it is and stays. The results do not depend on it.
    Raises the first error of a task; what was finished before it is kept.
    """
    if not isinstance(workers, Crew) and (workers == 1 or len(tasks) < 2):
        for done, task in enumerate(tasks, 1):
            carry_out(task, material, store)
            if progress is not None:
                progress(done, len(tasks), task.title)
        return
    if not isinstance(store, TaskStore):
        raise UsageError(
            "other processes cannot reach a store in memory",
            where="run_tasks",
            allowed="workers=1, or a TaskStore",
        )
    with tempfile.TemporaryDirectory(prefix="folkmoot-") as folder:
        material.park(Path(folder))
        place = {"material": folder, "store": str(store.root)}
        if isinstance(workers, Crew):
            _hand_out(tasks, place, workers, progress)
            return
        with Crew(workers, at_most=len(tasks)) as crew:
            _hand_out(tasks, place, crew, progress)


def _hand_out(
    tasks: Sequence[Task], place: dict[str, str], crew: Crew, progress: Progress | None
) -> None:
    """Let a crew carry out the tasks, those that start from another's result after it."""
    waiting = {task.key for task in tasks}
    ready = [task for task in tasks if task.before not in waiting]
    orders = [{"job": JOB, "given": {"task": task.as_dict(), **place}} for task in ready]
    crew.carry_out(orders, [task.title for task in ready], progress)
    later = [task for task in tasks if task.before in waiting]
    if later:
        _hand_out(later, place, crew, progress)


def carry_out(task: Task, material: Material, store: Results) -> None:
    """Compute a task into the store; what a killed fit had reached is gone on from.

    A member that keeps its state after each epoch (`keep`) does so beside the store, until the
    result is there. The seconds it took are noted apart: they are no part of the result.
    """
    keep = store.root / "fits" / task.key if isinstance(store, TaskStore) else None
    began = time.perf_counter()
    start = store.get(task.before) if task.before else None
    arrays, facts = learn(task, material, keep, _handed_on(start) if start else None)
    store.put(task.key, arrays, facts)
    if isinstance(store, TaskStore) and keep is not None:
        store.note_seconds(task.key, time.perf_counter() - began)
        for state in keep.parent.glob(f"{keep.name}*"):
            state.unlink(missing_ok=True)


def learn(
    task: Task, material: Material, keep: Path | None = None, before: Arrays | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """Fit the member on what was known before the block and forecast the block's rows.

    A row teaches only if its label was known at the close before the block; so do rows of the
    material's other markets. `before`: what the fold before had learnt, `carried` with its columns.
    Returns the arrays `p_up`, `quantiles` and those the model has learnt, and the facts of the
    artefact.

    Raises `DataError` if fewer than 30 labels of a horizon are known, or if the model refuses.
    """
    model = models.build(task.model, **task.options)
    if hasattr(model, "keep"):
        model.keep, model.before = keep, before or {}
    block, first = task.block, max(material.start, model.lookback - 1)
    y = known_labels(material, block, model.horizons)[first:]
    if (np.isfinite(y).sum(axis=0) < FEWEST).any():
        raise _refused(task, f"fewer than {FEWEST} known labels to train on", material)
    x, dropped = _features(material, block, first, model)
    rows = block.start - first
    try:
        with _libraries(len(sys.modules)).limit(limits=1):
            _teach(model, x.rows(slice(0, rows)), y, material, block)
            forecast = model.predict(x.rows(slice(rows, None)))
    except DataError as refusal:
        raise _refused(task, refusal.message, material) from refusal
    arrays, state = model.state()
    card = _card(task, material, model, y, dropped)
    facts = {"model": task.model, "state": state, "card": card}
    learnt = {f"{LEARNT}{name}": array for name, array in arrays.items()}
    return {"p_up": forecast.p_up, "quantiles": forecast.quantiles, **learnt}, facts


def _teach(model: Any, x: Features, y: Floats, material: Material, block: Block) -> None:
    if material.others:
        moment = int(material.table.known_at[block.start - 1])
        x, y = pooled(x, y, material, model.horizons, moment)
    model.fit(x, y, np.ones(len(x)))


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Return the thread pools of the process; found again once more `modules` are imported."""
    del modules
    return ThreadpoolController()


def known_labels(material: Material, block: Block, horizons: tuple[int, ...]) -> Floats:
    """Return `y[block.start, horizons]`, NaN where the label was not known before the block.

    The decision at the block's first row is taken after the close of the row before it.
    """
    moment = material.table.known_at[block.start - 1]
    places = [material.horizons.index(horizon) for horizon in horizons]
    y = material.y[: block.start, places]
    return np.where(material.label_known_at[: block.start, places] <= moment, y, np.nan)


def artefact(store: TaskStore, key: str) -> Any:
    """Return the fitted model that a task left, or raise `Untrained` if there is none."""
    result = store.get(key)
    if result is None:
        raise Untrained(f"no fitted model {key}", where=str(store.root), allowed="train it first")
    kind = plugins.load("folkmoot.models", result.facts["model"])
    return kind.restore(_learnt(result.arrays), result.facts["state"])


def _learnt(arrays: Arrays) -> Arrays:
    return {k.removeprefix(LEARNT): array for k, array in arrays.items() if k.startswith(LEARNT)}


def _handed_on(start: Result) -> Arrays:
    """Return what a fold has learnt, and for which columns, as the next one starts from it."""
    return carried(_learnt(start.arrays), start.facts["state"].get("columns", ()))


def _features(
    material: Material, block: Block, first: int, model: Any
) -> tuple[Features, tuple[str, ...]]:
    """Return the rows from `first` to the block's end, less the columns never known in training."""
    table = material.table
    begin = first - model.lookback + 1
    span = Table(table.values[begin : block.stop], table.names, table.known_at[begin : block.stop])
    training = Table(span.values[: block.start - begin], table.names, span.known_at)
    dropped = tuple(name for name in training.unknown() if name not in BARS_SET)
    lost = [name for name in dropped if name in model.needs]
    if lost:
        raise DataError(
            f"columns {lost} are unknown in all of block {block.index}'s training span",
            where=type(model).__name__,
        )
    kept = tuple(name for name in table.names if name not in dropped)
    return windows(span, model.lookback, kept), dropped


def _refused(task: Task, why: str, material: Material) -> DataError:
    return DataError(
        f"{task.title}: {why}",
        where=f"rows {material.start} to {task.block.start}",
        allowed=f"{FEWEST} known labels or more",
    )


def _card(
    task: Task, material: Material, model: Any, y: Floats, dropped: tuple[str, ...]
) -> dict[str, Any]:
    taught = np.flatnonzero(np.isfinite(y).any(axis=1)) + task.block.start - len(y)
    known_at = material.table.known_at
    return {
        **task.facts,
        "member": task.member,
        "model": task.model,
        "options": task.options,
        "block": task.block.index,
        "rows": [task.block.start, task.block.stop],
        "trained_rows": [int(taught[0]), int(taught[-1])],
        "trained_known_at": [int(known_at[taught[0]]), int(known_at[taught[-1]])],
        "labels": int(np.isfinite(y).any(axis=1).sum()),
        "purged": task.block.start - 1 - int(taught[-1]),
        "columns": list(getattr(model, "columns", ()) or model.needs),
        "dropped": list(dropped),
    }
