"""The controls: copies of the user's bars in which the truth is known, through the same pipeline.

A sign-randomised copy keeps every size and takes away every direction: nothing may be found there.
A planted copy hides a slow 55 % edge in such a copy: it ought to be found. Each copy is one job,
kept in the store under the hash of all that it depends on.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.committee import Committee
from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.hashing import content_hash
from folkmoot.core.timeframe import Timeframe
from folkmoot.market.worlds import plant, sign_randomised
from folkmoot.models import REFERENCES
from folkmoot.proof.examine import examine
from folkmoot.proof.judged import judged
from folkmoot.proof.keys import code_version, outsiders
from folkmoot.proof.scored import scored
from folkmoot.proof.skill import skill
from folkmoot.training import Crew, InMemory, TaskStore, layout
from folkmoot.training.keys import libraries

JOB = "folkmoot.proof.controls:copy_skill"
EDGE = 0.55
NULL, PLANTED = "sign_randomised", "planted"

Progress = Callable[[int, int, str], None]


def run_copies(
    bars: Bars,
    committee: dict[str, Any],
    features: str,
    strategy: str,
    span: tuple[int | None, int | None],
    copies: Sequence[tuple[str, int]],
    *,
    store: TaskStore,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Return the skill found in each (kind, seed) copy of `bars`, computed here or by `crew`.

    Copies are made of the bars up to the end of the sixth anchored block, so that bars appended
    later leave them as they are.
    """
    bars = bars.until(10 * layout(len(bars)).length)
    asked = {"committee": committee, "features": features, "span": list(span)}
    asked["strategy"] = strategy
    who = outsiders(committee["models"], strategy, features)
    base = (bars.hash(), asked, code_version(), who, libraries())
    keys = [content_hash(*base, list(copy)) for copy in copies]
    missing = [place for place, key in enumerate(keys) if key not in store]
    if missing:
        with tempfile.TemporaryDirectory(prefix="folkmoot-") as folder:
            park(bars, Path(folder))
            orders = []
            for place in missing:
                kind, seed = copies[place]
                given = {**asked, "folder": folder, "kind": kind, "seed": seed}
                given |= {"store": str(store.root), "key": keys[place]}
                orders.append({"job": JOB, "given": given})
            titles = [f"control: {kind} copy {seed}" for kind, seed in copies]
            _carry_out(orders, [titles[place] for place in missing], crew, progress)
    results = [store.get(key) for key in keys]
    return [result.facts for result in results if result is not None]


def _carry_out(
    orders: list[dict[str, Any]],
    titles: list[str],
    crew: Crew | None,
    progress: Progress | None,
) -> None:
    if crew is not None:
        crew.carry_out(orders, titles, progress)
        return
    for done, (order, title) in enumerate(zip(orders, titles, strict=True), 1):
        copy_skill(**order["given"])
        if progress is not None:
            progress(done, len(orders), title)


def copy_skill(
    folder: str,
    kind: str,
    seed: int,
    committee: dict[str, Any],
    features: str,
    strategy: str,
    span: list[int | None],
    store: str,
    key: str,
) -> None:
    """Make one copy of the parked bars, examine it, and keep the skill found in it."""
    bars = unpark(Path(folder))
    copy = plant(bars, seed, EDGE).bars if kind == PLANTED else sign_randomised(bars, seed)
    who = Committee(**committee)
    seen = examine(copy, who, features, InMemory(), baselines=REFERENCES)
    found = scored(
        seen.ballots, seen.minutes, who.models, who.horizon, since=span[0], until=span[1]
    )
    rows = judged(found, copy, strategy)
    facts = {"kind": kind, "seed": seed, **skill(rows, who.models).as_dict()}
    TaskStore(store).put(key, {}, facts)


def park(bars: Bars, folder: Path) -> None:
    """Write bars where `unpark` of another process finds them."""
    columns = {name: bars.column(name) for name in (*COLUMNS, *bars.extra)}
    np.savez(folder / "bars.npz", open_time=bars.open_time, **columns)  # type: ignore[arg-type]  # numpy's stub takes `allow_pickle: bool` for any keyword
    name = f"{bars.timeframe.label} {bars.symbol}"
    (folder / "name").write_text(name, "utf-8")


def unpark(folder: Path) -> Bars:
    """Read what `park` wrote."""
    label, _, symbol = (folder / "name").read_text("utf-8").partition(" ")
    with np.load(folder / "bars.npz") as kept:
        known = {name: kept[name] for name in kept.files}
    times = known.pop("open_time")
    opened, high, low, close, volume = (known.pop(name) for name in COLUMNS)
    frame = Timeframe.of(label)
    return Bars(symbol, frame, times, opened, high, low, close, volume, known)
