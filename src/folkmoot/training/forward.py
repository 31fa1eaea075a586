"""Walk forward: for each block, every member is fitted on its past and asked about its rows.

1. `layout` anchors six blocks at absolute rows.
2. Each (block, member) is a task named by the hash of all it depends on.
3. Tasks whose result is not in the store are computed; features only if there is one.
4. The results are read back from the store and laid side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.core.hashing import content_hash
from folkmoot.features import BARS_SET, FeatureSet, feature_set, labels
from folkmoot.training.ballots import Ballots
from folkmoot.training.crew import Crew
from folkmoot.training.folds import Layout, layout
from folkmoot.training.keys import data_hash, task_key
from folkmoot.training.material import Material
from folkmoot.training.store import Result, Results
from folkmoot.training.tasks import Progress, Task, run_tasks

Members = Mapping[str, tuple[str, Mapping[str, Any]]]


def walk_forward(
    bars: Bars,
    columns: FeatureSet,
    members: Members,
    horizon: int = 1,
    *,
    store: Results,
    workers: int | Crew = 1,
    progress: Progress | None = None,
    panel: Sequence[Bars] = (),
) -> Ballots:
    """Train and forecast through time, never on what was not yet known.

    `members` maps a display name to (model name, options). A row is trained on only if its label
    was known before the first decision of the block: with next-open fills and horizon h that skips
    h + 1 rows. Every fitted thing is fitted anew in each block. A second call computes nothing; one
    with further bars computes the open last block; a killed one continues where it was. Members
    learn from the markets of `panel` too, from what was known of them; only `bars` are forecast.

    Raises `DataError` if a block would have fewer than 30 known labels, `UsageError` for a model,
    option, column or horizon that does not exist.
    """
    plan = layout(len(bars))
    complete = columns.plus(feature_set("bars", columns.timeframe))
    start = min(columns.stable, plan.train // 2)
    tasks, horizons, sets = _tasks(bars, complete, members, horizon, plan, start, panel)
    missing = list({task.key: task for task in tasks if task.key not in store}.values())
    if missing:
        _keep(sets, store)
        others = tuple(Material.of(other, complete, horizons, start) for other in panel)
        material = replace(Material.of(bars, complete, horizons, start), others=others)
        run_tasks(missing, material, store, workers, progress)
    return _collect(bars, tuple(members), horizon, tasks, store, len(missing))


def _tasks(
    bars: Bars,
    complete: FeatureSet,
    members: Members,
    horizon: int,
    plan: Layout,
    start: int,
    panel: Sequence[Bars],
) -> tuple[list[Task], tuple[int, ...], list[FeatureSet]]:
    """Return the tasks, block by block, all horizons forecast, and the sets that are read."""
    tasks: list[Task] = []
    horizons = {horizon}
    hashes: dict[tuple[int, frozenset[str]], str] = {}
    latest: dict[str, str] = {}
    kept = {name: _member(name, *choice, horizon, complete) for name, choice in members.items()}
    for block in plan.blocks:
        for name, (model, options, used) in kept.items():
            ahead = options["horizons"]
            horizons.update(ahead)
            stop = min(block.stop + max(ahead) + 1, len(bars))
            inputs = frozenset({"open", "close"}.union(*(c.inputs for c in used.columns)))
            if (stop, inputs) not in hashes:
                hashes[stop, inputs] = _data(bars, panel, block.start, stop, inputs)
            facts: dict[str, Any] = {
                "data": hashes[stop, inputs],
                "features": used.hash(),
                "start": start,
            }
            before = latest.get(name) if _is_warm(options) else None
            config = {**facts, "block": [block.start, block.stop]}
            config |= {"before": before} if before else {}
            key = task_key(data=facts["data"], config=config, model=model, options=options)
            tasks.append(Task(key, name, model, options, block, facts, before))
            latest[name] = key
    return tasks, tuple(sorted(horizons)), [used for _, _, used in kept.values()]


def _is_warm(options: Mapping[str, Any]) -> bool:
    """Return whether a member starts each fold from what the fold before had learnt."""
    return bool(options.get("training", {}).get("warm"))


def _data(bars: Bars, panel: Sequence[Bars], start: int, stop: int, inputs: frozenset[str]) -> str:
    """Return the hash of what a block's members see of the market, and of the others before it."""
    own = data_hash(bars, stop, inputs)
    if not panel:
        return own
    moment = bars.close_time[start - 1]
    ends = [int(np.searchsorted(other.close_time, moment, side="right")) for other in panel]
    return content_hash(
        own, *[data_hash(other, end, inputs) for other, end in zip(panel, ends, strict=True)]
    )


def _keep(sets: list[FeatureSet], store: Results) -> None:
    """Keep the definition of each set beside the results, under the hash that their cards name."""
    for used in sets:
        if used.hash() not in store:
            store.put(used.hash(), {}, {"feature_set": used.card()})


def _member(
    name: str, model: str, given: Mapping[str, Any], horizon: int, complete: FeatureSet
) -> tuple[str, dict[str, Any], FeatureSet]:
    """Return the model's name, all its options, and the columns it reads."""
    built = models.build(model, **{"horizons": (horizon,), **given})
    if horizon not in built.horizons:
        raise UsageError(
            f"{name} does not forecast {horizon} bars ahead",
            where="walk_forward",
            allowed=list(built.horizons),
        )
    known = plugins.options(plugins.load("folkmoot.models", model))
    options = {option: getattr(built, option) for option in known}
    own = (*(n for n in complete.names if n not in BARS_SET), "ewma_vol")
    wanted = tuple(dict.fromkeys((*(built.needs or own), *getattr(built, "raw", ()))))
    missing = [column for column in wanted if column not in complete.names]
    if missing:
        raise UsageError(
            f"the member {name} needs {', '.join(missing)}, which the features do not have here",
            where=complete.name,
            allowed=f"a choice of --models without {name}, or these columns in the set",
        )
    return model, options, complete.only(wanted)


def _collect(
    bars: Bars,
    members: tuple[str, ...],
    horizon: int,
    tasks: list[Task],
    store: Results,
    computed: int,
) -> Ballots:
    n, found = len(bars), labels(bars, horizon)
    p_up = np.full((n, len(members)), np.nan)
    quantiles = np.full((n, len(members), len(LEVELS)), np.nan)
    block = np.full(n, -1, dtype=np.int8)
    cards = []
    for task in tasks:
        result = _result(store, task)
        rows, column = slice(task.block.start, task.block.stop), members.index(task.member)
        place = list(task.options["horizons"]).index(horizon)
        p_up[rows, column] = result.arrays["p_up"][:, place]
        quantiles[rows, column] = result.arrays["quantiles"][:, place]
        block[rows] = task.block.index
        cards.append({**result.facts["card"], "member": task.member, "key": task.key})
    return Ballots(
        members=members,
        p_up=p_up,
        quantiles=quantiles,
        y=found.y,
        label_known_at=found.known_at,
        known_at=bars.close_time,
        block=block,
        cards=cards,
        dropped=sorted({name for card in cards for name in card["dropped"]}),
        tasks_run=computed,
        tasks_cached=len(tasks) - computed,
        artefacts={(task.block.index, task.member): task.key for task in tasks},
    )


def _result(store: Results, task: Task) -> Result:
    result = store.get(task.key)
    if result is None:
        raise DataError(f"the result of {task.title} is gone", where="task store")
    return result
