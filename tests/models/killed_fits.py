"""Kill a fit again and again: `python -m tests.models.killed_fits KILLS [SEED]`.

The fit runs in a process of its own and keeps its state after each epoch; it is killed with
SIGKILL at random moments and started anew until it ends. Its weights must be those of a fit that
nobody disturbed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MEMBER = "dlinear"
FIT = """
import sys
from pathlib import Path
import numpy as np
from folkmoot import models
from folkmoot.core.hashing import content_hash
from tests.models.conftest import make
market = make(3000)
plan = {"epochs": 12, "batch": 64, "patience": 12}
model = models.build(sys.argv[1], horizons=(1, 5), lookback=30, training=plan)
model.keep = Path(sys.argv[2])
x = market.x(30)
print("ready", flush=True)
model.fit(x, market.labels(30, 2), np.ones(len(x)))
arrays = model.learnt
print(content_hash(*[part for name in sorted(arrays) for part in (name, arrays[name])]))
"""


def start(keep: Path, member: str) -> "subprocess.Popen[str]":
    """Start the fit; it says `ready` when it begins and its hash when it ends."""
    command = [sys.executable, "-c", FIT, member, str(keep)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(keep: Path, member: str = MEMBER) -> tuple[str, float]:
    """Return the hash of an undisturbed fit, and the seconds it took once it had begun."""
    with start(keep, member) as fit:
        assert fit.stdout is not None
        fit.stdout.readline()
        began = time.perf_counter()
        found = fit.stdout.read().strip()
        assert fit.wait() == 0
    return found, time.perf_counter() - began


def killed(
    keep: Path, kills: int, seconds: float, seed: int, member: str = MEMBER
) -> tuple[str, int]:
    """Return the hash of a fit that was killed up to `kills` times, and how often it was."""
    rng, hit = np.random.default_rng(seed), 0
    for _ in range(kills):
        with start(keep, member) as fit:
            assert fit.stdout is not None
            fit.stdout.readline()
            time.sleep(float(rng.uniform(0.0, seconds)))
            hit += fit.poll() is None
            fit.kill()
    return finished(keep, member)[0], hit


def main() -> None:
    """Kill fits as often as asked; fail where the weights differ."""
    kills, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        wanted, seconds = finished(Path(folder) / "whole")
        total = 0
        for turn in range(-(-kills // 4)):
            found, hit = killed(Path(folder) / f"turn{turn}", 4, seconds / 3.0, seed + turn)
            total += hit
            if found != wanted:
                sys.exit(f"turn {turn}: {found} is not {wanted}")
    sys.stdout.write(f"{total} kills in fits under way: the same weights, {wanted[:16]}\n")


if __name__ == "__main__":
    main()
