"""How fast a live desk is back: `python benchmarks/restart.py [--quick] [FILE ROOT]`.

A study of a world (or of FILE's bars, kept under ROOT), and a desk that has decided on a thousand
bars since, 66,000 in all. A new process then opens that desk again. One JSON line: the seconds of
`Study.desk` in that process and what they were spent on, measured step by step in another one; and
the seconds of the imports and of reading the study and its bars, which a restart needs too.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folkmoot.core.bars import Bars
    from folkmoot.proof import Study

GOAL = 5.0
BARS, LATER = 66_000, 1_000
QUICK_BARS, QUICK_LATER = 8_000, 100
REPEATS = 3


def opened(given: list[str]) -> dict[str, Any]:
    """Do what a restarted process does and return the seconds of it."""
    start = time.perf_counter()
    scene = _Scene(given)
    imported = time.perf_counter()
    study = scene.study()
    read = time.perf_counter()
    desk = study.desk(journal=scene.journal)
    done = time.perf_counter()
    with desk.journal:
        return {
            "imports": imported - start,
            "study": read - imported,
            "desk": done - read,
            "records": len(desk.journal),
            "head": desk.journal.head,
        }


def parts(given: list[str]) -> dict[str, float]:
    """Return the seconds of each step of opening a desk, taken one by one."""
    scene = _Scene(given)
    study = scene.study()
    from folkmoot.desk import Journal
    from folkmoot.features import feature_set
    from folkmoot.proof.live import ballots_of, stand_of
    from folkmoot.training import TaskStore, artefact

    began = [time.perf_counter()]

    def lap() -> float:
        began.append(time.perf_counter())
        return began[-1] - began[-2]

    bars, found = study.bars, dict[str, float]()
    with Journal(scene.journal, read_only=True) as journal:
        journal.bars((study.plan.strategy, bars.symbol, bars.timeframe.label))
    found["journal"] = lap()
    columns, ballots = ballots_of(study)
    found["ballots"] = lap()
    store = TaskStore(study.root / "tasks")
    for name in ballots.members:
        artefact(store, ballots.artefacts[int(ballots.block[-1]), name])
    found["members"] = lap()
    columns.plus(feature_set("bars", bars.timeframe)).program().warm(bars)
    found["features"] = lap()
    stand_of(study, ballots)
    found["committee"] = lap()
    return found


class _Scene:
    """The study and its journal; what is computed once is read from then on."""

    def __init__(self, given: list[str]) -> None:
        from folkmoot.committee import Committee
        from folkmoot.market import history
        from folkmoot.proof import prove

        self._prove, self._history, self._committee = prove, history, Committee()
        self.n, self.later = (QUICK_BARS, QUICK_LATER) if "--quick" in given else (BARS, LATER)
        file, root = [word for word in given if not word.startswith("--")]
        self._file, self._root = file, Path(root)
        self.journal = self._root / "restart.db"

    def bars(self) -> "Bars":
        """Return all bars, those after the study's too."""
        return self._history(self._file).until(self.n)

    def study(self) -> "Study":
        """Return the study, computed by the first who asks."""
        bars = self.bars().until(self.n - self.later)
        return self._prove(
            self._committee, bars, root=self._root, controls="needed", copies=1, plants=1
        )


def main(given: list[str]) -> None:
    """Print the line, or a child's part of it."""
    if given[:1] in (["opened"], ["parts"]):
        answer = opened(given[1:]) if given[0] == "opened" else parts(given[1:])
        sys.stdout.write(json.dumps(answer))
        return
    flags = [word for word in given if word.startswith("--")]
    places = [word for word in given if not word.startswith("--")]
    n = QUICK_BARS if flags else BARS
    with tempfile.TemporaryDirectory() as folder:
        chosen = [*flags, *(places or (f"world:planted:3:{n}", folder))]
        scene = _Scene(chosen)
        desk = scene.study().desk(journal=scene.journal)
        with desk.journal:
            head = desk.replay(scene.bars()).head
        found = [_child("opened", chosen) for _ in range(REPEATS)]
        steps = [_child("parts", chosen) for _ in range(REPEATS)]
    if {one["head"] for one in found} != {head}:
        raise SystemExit("a restarted desk has another journal")
    line: dict[str, Any] = {
        "what": "restart",
        "bars": n,
        "journalled": found[0]["records"],
        "goal": GOAL,
    }
    for name in ("desk", "imports", "study"):
        line[name] = round(statistics.median(one[name] for one in found), 3)
    line["slowest"] = round(max(one["desk"] for one in found), 3)
    line["parts"] = {
        name: round(statistics.median(one[name] for one in steps), 3) for name in steps[0]
    }
    sys.stdout.write(json.dumps(line) + "\n")


def _child(part: str, given: list[str]) -> dict[str, Any]:
    command = [sys.executable, __file__, part, *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    main(sys.argv[1:])
