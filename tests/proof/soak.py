"""Kill a study again and again: `python -m tests.proof.soak KILLS [SEED]`.

Each time it is started on what the killed one left. Prints one JSON line; exit code 1 if the last
run, left alone, says anything else than a run that nobody disturbed.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]


def process(root: Path, workers: int, hash_seed: int = 0) -> subprocess.Popen[str]:
    """Start a study; the interpreter takes its hash seed from its own environment only."""
    command = [f"PYTHONHASHSEED={hash_seed}", sys.executable, "-m", "tests.proof.study_process"]
    return subprocess.Popen(
        ["/usr/bin/env", *command, str(root), str(workers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(root: Path, workers: int, hash_seed: int = 0) -> str:
    """Run a study to its end and return its journal hash and the hash of all that it says."""
    running = process(root, workers, hash_seed)
    told, _ = running.communicate(timeout=300)
    assert running.returncode == 0
    return told.strip()


def killed(root: Path, kills: int, lasts: float, seed: int) -> int:
    """Kill -9 at moments drawn from the whole of a run; return how many really were running."""
    rng, hit = np.random.default_rng(seed), 0
    for turn in range(kills):
        running = process(root, 1 + turn % 2, hash_seed=turn)
        time.sleep(float(rng.uniform(0.3, lasts)))
        hit += running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.communicate()
    return hit


def main() -> None:
    """Compare an undisturbed study with one that was killed on the way."""
    kills, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        began = time.perf_counter()
        expected = finished(Path(one), 1)
        lasts = time.perf_counter() - began
        hit = killed(Path(other), kills, lasts, seed)
        found = finished(Path(other), 1)
    line = {"kills": kills, "while_running": hit, "same": found == expected, "hash": found}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.exit(found != expected)


if __name__ == "__main__":
    main()
