"""How fast the desk decides: run `python -m benchmarks.desk [BARS]` from the project's root.

One JSON line per contestant: a replay that stores nothing, one that commits 1,000 bars at a time,
one that commits every bar, and the bare append + fdatasync of as many bytes in the same run, which
is what one commit a bar is measured against.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.desk.scene import Scene, scene, seat

from folkmoot.desk import Journal

COMMITS = 2_000
ROUNDS = 3


def replay(played: Scene, path: Path | None, commit_every: int) -> float:
    """Return bars a second of one replay into a new journal."""
    with Journal(path, commit_every=commit_every) as journal:
        desk = seat(played, journal)
        start = time.perf_counter()
        done = desk.replay(played.bars)
        return done.decided / (time.perf_counter() - start)


def sync(path: Path, record: bytes, n: int) -> float:
    """Return how many times a second `record` can be appended and synced."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        start = time.perf_counter()
        for _ in range(n):
            os.write(file, record)
            os.fdatasync(file)
        return n / (time.perf_counter() - start)
    finally:
        os.close(file)


def contest(bars: int, folder: Path) -> Iterator[dict[str, object]]:
    """Yield one result per contestant, the contestants taking turns in each round."""
    played, short = scene(bars), scene(COMMITS)
    replay(short, None, 1_000)
    contestants: dict[str, Callable[[int], float]] = {
        "desk, nothing stored": lambda _: replay(played, None, 1_000),
        "desk, 1,000 bars a commit": lambda k: replay(played, folder / f"{k}.db", 1_000),
        "bare fdatasync": lambda k: sync(folder / f"{k}.raw", b"x" * 1_100, COMMITS),
        "desk, one bar a commit": lambda k: replay(short, folder / f"{k}one.db", 1),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS):
        for name, run in contestants.items():
            rates[name].append(run(turn))
    for name, measured in rates.items():
        rate = statistics.median(measured)
        line: dict[str, object] = {"contestant": name, "per_second": round(rate), "members": 3}
        line["best_per_second"] = round(max(measured))
        if name == "desk, one bar a commit":
            pairs = zip(measured, rates["bare fdatasync"], strict=True)
            line["ratio_to_fdatasync"] = round(statistics.median(a / b for a, b in pairs), 3)
        if name == "desk, 1,000 bars a commit":
            line["ratio_to_30000"] = round(rate / 30_000, 3)
        yield line


def main(bars: str = "30000") -> None:
    """Print the results."""
    with tempfile.TemporaryDirectory() as folder:
        for line in contest(int(bars), Path(folder)):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
