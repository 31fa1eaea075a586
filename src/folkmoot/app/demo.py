"""The demo: check the features, show the popular mistake, prove three worlds of known truth."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.committee import Committee
from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.hashing import content_hash
from folkmoot.execution import Costs
from folkmoot.features import FeatureSet, feature_set
from folkmoot.market.worlds import World, world
from folkmoot.proof import Study, prove
from folkmoot.proof.mistake import popular_mistake
from folkmoot.proof.oracle import planted_net
from folkmoot.training import Crew

WORLDS: dict[str, tuple[str, frozenset[str]]] = {
    "A": ("martingale", frozenset({"NO EDGE"})),
    "B": ("planted", frozenset({"EDGE FOUND"})),
    "C": ("fast", frozenset({"NOT PROVEN", "NO EDGE"})),
}
NEXT = "folkmoot prove YOUR.csv --symbol BTC/USDT --timeframe 1h"
CUTS = (1_000, 7_777, 20_011)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything one demo run computed; `facts` is the JSON form of the first seed's run."""

    facts: dict[str, Any]
    studies: tuple[Study, ...]

    @property
    def passed(self) -> bool:
        """Whether every check of every seed came out as the truth says."""
        return all(run["passed"] for run in self.facts["runs"])


def demo(
    root: Path,
    *,
    seeds: int = 1,
    first_seed: int = 0,
    n: int = 36_000,
    workers: int = 2,
    progress: Progress | None = None,
) -> Demo:
    """Run the demo on `seeds` seeds from `first_seed` on; report the first one under `root`."""
    began = time.perf_counter()
    tell = progress or (lambda what, share: None)
    runs: list[dict[str, Any]] = []
    studies: tuple[Study, ...] = ()
    with Crew(workers) as crew:
        for step in range(seeds):
            seed = first_seed + step
            facts, proved = _run(seed, n, root, crew, tell, step / seeds, 1 / seeds)
            runs.append(facts)
            studies = studies or proved
    facts = runs[0] | {"seeds": seeds, "runs": runs, "passed": sum(r["passed"] for r in runs)}
    facts["seconds"] = time.perf_counter() - began
    facts["journal"] = str(root / "journals")
    facts["next"] = NEXT
    facts["report"] = str(_report(root, facts))
    return Demo(facts, studies)


def _run(
    seed: int, n: int, root: Path, crew: Crew, tell: Progress, start: float, width: float
) -> tuple[dict[str, Any], tuple[Study, ...]]:
    began = time.perf_counter()
    tell("making three worlds", start)
    worlds = {letter: world(name, n=n, seed=seed) for letter, (name, _) in WORLDS.items()}
    tell("self-check: batch against stream, future against past", start + 0.02 * width)
    check = self_check(worlds)
    tell("the popular mistake", start + 0.08 * width)
    mistake = popular_mistake(seed=seed)
    verdicts, studies = [], []
    for step, (letter, made) in enumerate(worlds.items()):
        told = _within(tell, f"world {letter}", start + (0.1 + 0.3 * step) * width, 0.3 * width)
        told(made.truth, 0.0)
        study = prove(
            Committee(), made.bars, controls="needed", crew=crew, root=root, progress=told
        )
        verdicts.append(_verdict(letter, made, study))
        studies.append(study)
    passed = _passed(check, verdicts)
    facts = {
        "seed": seed,
        "passed": passed,
        "self_check": check,
        "popular_mistake": mistake.as_dict(),
        "worlds": verdicts,
        "journal_hash": content_hash(*(study.journal_hash for study in studies)),
        "seconds": time.perf_counter() - began,
    }
    return facts, tuple(studies)


def _within(tell: Progress, where: str, start: float, width: float) -> Progress:
    """Return a display for a part of the whole that only ever goes forward."""
    reached = 0.0

    def told(what: str, share: float) -> None:
        nonlocal reached
        reached = max(reached, min(share, 1.0))
        tell(f"{where}: {what}", start + width * reached)

    return told


def _verdict(letter: str, made: World, study: Study) -> dict[str, Any]:
    costs = Costs()
    return {
        "name": letter,
        "truth": made.truth,
        "verdict": study.verdict,
        "reason": study.reason,
        "correct": study.verdict in WORLDS[letter][1],
        "expected": sorted(WORLDS[letter][1]),
        "planted_net": planted_net(made, costs) if letter != "A" else None,
        "study": study.as_dict(),
    }


def _passed(check: dict[str, Any], verdicts: list[dict[str, Any]]) -> bool:
    net = {v["name"]: v["planted_net"] for v in verdicts}
    return (
        check["mismatches"] == 0
        and check["future_leaks"] == 0
        and all(v["correct"] for v in verdicts)
        and net["B"] > 0.0 > net["C"]
    )


def self_check(worlds: dict[str, World]) -> dict[str, Any]:
    """Count the values that differ between batch and stream, and those that the future changes."""
    columns = bars = mismatches = leaks = 0
    for made in worlds.values():
        features = feature_set("core", made.bars.timeframe)
        columns = len(features.names)
        bars += len(made.bars)
        mismatches += _mismatches(features, made)
        leaks += _leaks(features, made)
    return {"columns": columns, "bars": bars, "mismatches": mismatches, "future_leaks": leaks}


def _mismatches(features: FeatureSet, made: World) -> int:
    batch = features.program().matrix(made.bars)
    stream = features.program().stream()
    rows = np.empty_like(batch)
    for place, bar in enumerate(made.bars):
        rows[place] = stream.push_row(bar)
    return int(np.sum(~same(rows, batch)))


def _leaks(features: FeatureSet, made: World) -> int:
    whole = features.program().matrix(made.bars)
    wrong = 0
    for cut in CUTS:
        if cut < len(made.bars):
            changed = features.program().matrix(_otherwise(made.bars, cut))
            wrong += int(np.sum(~same(changed[:cut], whole[:cut])))
    return wrong


def _otherwise(bars: Bars, cut: int) -> Bars:
    """Return the same bars up to row `cut`, and from there another future: all of it threefold."""
    grown = np.where(np.arange(len(bars)) < cut, 1.0, 3.0)
    opened, high, low, close, volume = (grown * bars.column(name) for name in COLUMNS)
    return Bars(bars.symbol, bars.timeframe, bars.open_time, opened, high, low, close, volume)


def same(a: Any, b: Any) -> Any:
    """Return where two arrays hold the same bits, taking NaN as equal to NaN."""
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _report(root: Path, facts: dict[str, Any]) -> Path:
    from folkmoot.proof.report import render_demo

    path = root / "demo.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_demo(facts), "utf-8")
    return path
