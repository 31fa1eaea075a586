"""A run that is killed anywhere continues, and ends with the bits of one that was not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import Bars

SCRIPT = """
import sys
import numpy as np
from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import feature_set
from folkmoot.training import TaskStore, walk_forward
data = np.load(sys.argv[2])
prices = [data[name] for name in ("open", "high", "low", "close", "volume")]
bars = Bars("WALK/USD", Timeframe.of("1h"), data["open_time"], *prices)
columns = feature_set("core", "1h").only(data["columns"].tolist())
names = ("base_rate", "always_up", "last_sign", "opposite_sign", "persistence", "ar1", "logistic")
members = {name: (name, {}) for name in names}
members["lorentzian"] = ("lorentzian", {"candidates": 400})
ballots = walk_forward(
    bars,
    columns,
    members,
    store=TaskStore(sys.argv[1]),
    workers=int(sys.argv[3]),
    progress=lambda done, total, what: print("done", what, flush=True),
)
print(ballots.hash(), ballots.tasks_run, flush=True)
"""


def start(store: Path, data: Path, workers: int, seed: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}  # noqa: TID251  # the child's own
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(store), str(data), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, int]:
    said, _ = process.communicate()
    assert process.returncode == 0
    final, run = said.splitlines()[-1].split()
    return final, int(run)


@pytest.fixture
def data(bars_of: Callable[..., Bars], columns: object, tmp_path: Path) -> Path:
    bars = bars_of(3000)
    path = tmp_path / "bars.npz"
    arrays = {n: bars.column(n) for n in ("open", "high", "low", "close", "volume")}
    np.savez(path, open_time=bars.open_time, columns=np.array(columns.names), **arrays)  # type: ignore[attr-defined]  # a FeatureSet
    return path


def test_a_killed_run_resumes_to_the_same_bits(data: Path, tmp_path: Path) -> None:
    wanted, tasks = finish(start(tmp_path / "whole", data, 1, 0))
    assert tasks == 48
    rng, store, left = np.random.default_rng(12), tmp_path / "store", [0]
    for attempt in range(8):
        with start(store, data, 2 if attempt % 4 == 3 else 1, attempt) as process:
            assert process.stdout is not None
            for _ in range(rng.integers(0, 10)):
                process.stdout.readline()
            time.sleep(0.01 * rng.random())
            process.send_signal(signal.SIGKILL)
        left.append(sum(b'"trained_rows"' in card.read_bytes() for card in store.rglob("*.json")))
    assert left == sorted(left)
    assert sum(0 < count < 48 for count in left) >= 4
    found, run = finish(start(store, data, 1, 99))
    assert found == wanted
    assert run <= 48 - left[-1]
    assert not list((store / "drafts").iterdir())


def test_hash_seed_and_workers_leave_the_bits_alone(data: Path, tmp_path: Path) -> None:
    one = finish(start(tmp_path / "one", data, 1, 1))
    two = finish(start(tmp_path / "two", data, 2, 2))
    assert one == two
    kept = [
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    ]
    assert kept[0] == kept[1]
