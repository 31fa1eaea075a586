"""Kill a replay again and again: `python -m tests.desk.soak KILLS BARS COMMIT_EVERY [SEED]`.

Prints one JSON line; exit code 1 if a decision was lost, doubled or another one came out.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from folkmoot.desk import Journal

ROOT = Path(__file__).parents[2]


def process(path: Path, bars: int, commit_every: int, hash_seed: int = 0) -> subprocess.Popen[str]:
    """Start a replay; the interpreter takes its hash seed from its own environment only."""
    command = [f"PYTHONHASHSEED={hash_seed}", sys.executable, "-m", "tests.desk.replay_process"]
    arguments = [str(path), str(bars), str(commit_every)]
    return subprocess.Popen(
        ["/usr/bin/env", *command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def finished(path: Path, bars: int, commit_every: int, hash_seed: int = 0) -> str:
    """Replay to the end and return the head."""
    told, _ = process(path, bars, commit_every, hash_seed).communicate(timeout=300)
    return told.split()[-1]


def killed(path: Path, bars: int, commit_every: int, kills: int, seed: int) -> list[int]:
    """Kill -9 at random moments, later and later; return what the journal held after each."""
    rng, held = np.random.default_rng(seed), []
    for turn in range(kills):
        running = process(path, bars, commit_every)
        if running.stdout is None or running.stdout.readline().strip() != "ready":
            raise RuntimeError("the replay did not start")
        time.sleep(0.8 * (turn + float(rng.random())) / kills)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        with Journal(path, study="soak") as journal:
            held.append(journal.verify())
    return held


def main(kills: str, bars: str, commit_every: str, seed: str = "1") -> int:
    """Run, print, and say whether both heads are one."""
    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder) / "killed.db", Path(folder) / "whole.db"
        held = killed(path, int(bars), int(commit_every), int(kills), int(seed))
        same = finished(path, int(bars), int(commit_every)) == finished(whole, int(bars), 1_000)
    grew = held == sorted(held)
    line = {"kills": len(held), "held": held[-1], "same_head": same, "never_lost": grew}
    print(json.dumps(line))  # noqa: T201 - a soak's result
    return 0 if same and grew else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
