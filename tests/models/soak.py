"""Twenty worlds a member: `python -m tests.models.soak SEEDS [FIRST [WORKERS]]`.

Every member in its small size, fitted on a market whose next direction repeats the last with
probability 0.8 and on one where nothing repeats. The first must be found in each world by whoever
learns directions; on the second nobody may be right more often than chance, in one world or over
all of them, or beat the share of rising bars by log loss. One line a member; the exit code counts
the members that broke a law.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from tests.models.conftest import make
from tests.models.test_laws import learns, small

from folkmoot import models
from folkmoot.proof import statistics

TAUGHT, ASKED = 2400, 3600
BARS = TAUGHT + ASKED + 130
FOUND, AT_LEAST, CHANCE = 0.74, 0.70, 4.5
"""The share right on the edge, of all worlds and of each; the largest z on walks, likewise."""


DEFAULTS = ("20", "0", "2")


def trial(name: str, seed: int, same: float) -> tuple[int, int, float]:
    """Return (right, asked, log loss saved against the taught share of rising bars)."""
    market = make(n=BARS, seed=1000 + seed, same=same)
    model = small(name)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1)
    model.fit(x.rows(slice(0, TAUGHT)), y[:TAUGHT], np.ones(TAUGHT))
    rows = slice(TAUGHT, TAUGHT + ASKED)
    p, truth = model.predict(x.rows(rows)).p_up[:, 0], y[rows, 0]
    known = np.isfinite(p) & np.isfinite(truth) & (truth != 0.0)
    up = 1.0 * (truth[known] > 0.0)
    right = (p[known] > 0.5) == (up > 0.5)
    base = np.full(len(up), np.nanmean(y[:TAUGHT, 0] > 0.0))
    saved = statistics.log_losses(base, up) - statistics.log_losses(p[known], up)
    return int(right.sum()), len(up), float(saved.mean() / (saved.std() + 1e-12) * len(up) ** 0.5)


def judged(name: str, seeds: range) -> tuple[str, list[str]]:
    """Return a member's line and the laws that it broke."""
    broken = []
    edge = [trial(name, seed, 0.8) for seed in seeds]
    hits = [right / asked for right, asked, _ in edge]
    wanted = learns(name) and name != "opposite_sign"
    if wanted and (np.mean(hits) < FOUND or min(hits) < AT_LEAST):
        broken.append("missed the edge")
    walk = [trial(name, seed, 0.5) for seed in seeds]
    worst = max(abs(zscore(right, asked)) for right, asked, _ in walk)
    pooled = zscore(sum(one[0] for one in walk), sum(one[1] for one in walk))
    skill = max(saved for _, _, saved in walk)
    if max(worst, abs(pooled), skill) > CHANCE:
        broken.append("found something in a walk")
    line = (
        f"{name}: edge {np.mean(hits):.3f}, {min(hits):.3f} at least; "
        f"walk z {pooled:+.2f} over all, {worst:.2f} at most, log loss z {skill:+.2f} at most"
    )
    return line, broken


def zscore(right: int, asked: int) -> float:
    """Return how many standard errors a share right lies from one half."""
    return (right / asked - 0.5) * 2.0 * float(asked) ** 0.5


def main(words: list[str]) -> int:
    """Judge every member in worlds that the seeds make."""
    count, first, workers = map(int, [*words, *DEFAULTS[len(words) :]])
    seeds, failures = range(first, first + count), 0
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as crew:
        jobs: list[Any] = [crew.submit(judged, name, seeds) for name in models.MODELS]
        for job in jobs:
            line, broken = job.result()
            sys.stdout.write(f"{line}{' BROKEN: ' if broken else ''}{'; '.join(broken)}\n")
            sys.stdout.flush()
            failures += bool(broken)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
