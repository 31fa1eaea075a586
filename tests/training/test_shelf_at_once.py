"""Several trainings of one name at once: each keeps a version of its own, and nothing is lost."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training import hostile

from folkmoot.training import container
from folkmoot.training.artefacts import Shelf, load_model

WORKERS, EACH = 4, 6


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A fitted member."""
    place = tmp_path_factory.mktemp("member") / "m.pt"
    place.write_bytes(container.pack(*hostile.numbers()))
    return load_model(place).member


def check_versions(shelf: Shelf, said: list[list[int]]) -> None:
    """Assert that every version that a worker was told is there, whole, and that worker's."""
    whole = WORKERS * EACH
    assert sorted(version for each in said for version in each) == list(range(1, whole + 1))
    assert shelf.versions("btc") == list(range(1, whole + 1))
    for worker, versions in enumerate(said):
        for version in versions:
            card = load_model(shelf.path("btc", version)).card
            assert (card["version"], card["by"]) == (version, worker)
            beside = json.loads(shelf.path("btc", version).with_suffix(".json").read_bytes())
            assert beside == card
    assert list(shelf.root.rglob(".v*")) == []


def test_threads_that_add_at_once_overwrite_nothing(member: Any, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)

    def add(worker: int) -> list[int]:
        card = {**hostile.card(), "by": worker}
        return [shelf.add("btc", "ar1", member, card) for _ in range(EACH)]

    with ThreadPoolExecutor(WORKERS) as pool:
        check_versions(shelf, list(pool.map(add, range(WORKERS))))


ADDS = """
import json, sys, time
from pathlib import Path
from folkmoot.training.artefacts import Shelf, load_model
root, good, worker, each = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
loaded = load_model(good)
shelf = Shelf(root / "shelf")
(root / f"ready{worker}").touch()
while not (root / "go").exists():
    time.sleep(0.001)
card = {**loaded.card, "by": worker}
versions = [shelf.add("btc", "ar1", loaded.member, card) for _ in range(each)]
for version in versions:
    shelf.promote("btc", version)
print(json.dumps(versions))
"""


def test_processes_that_add_and_promote_at_once_lose_nothing(tmp_path: Path) -> None:
    good = tmp_path / "good.pt"
    good.write_bytes(container.pack(*hostile.numbers()))
    given = [sys.executable, "-c", ADDS, str(tmp_path), str(good)]
    workers = [
        subprocess.Popen([*given, str(worker), str(EACH)], stdout=subprocess.PIPE)
        for worker in range(WORKERS)
    ]
    while len(list(tmp_path.glob("ready*"))) < WORKERS:
        assert all(worker.poll() is None for worker in workers)
    (tmp_path / "go").touch()
    said = [json.loads(worker.communicate()[0]) for worker in workers]
    shelf = Shelf(tmp_path / "shelf")
    check_versions(shelf, said)
    order = json.loads((tmp_path / "shelf" / "btc" / "promoted.json").read_bytes())["order"]
    assert sorted(order) == shelf.versions("btc")
    for versions in said:
        assert [version for version in order if version in versions] == versions


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_created_once_and_never_replaced(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: Any) -> None:
            raise PermissionError("this disk knows no hard links")

        monkeypatch.setattr(os, "link", refuse)
    place = tmp_path / "deep" / "v0001.safetensors"
    assert container.create(place, b"first")
    assert not container.create(place, b"second")
    assert place.read_bytes() == b"first"
    assert [found.name for found in place.parent.iterdir()] == [place.name]


def test_of_many_that_create_one_file_one_does(tmp_path: Path) -> None:
    bodies = [bytes([k]) * 10_000 for k in range(16)]
    for turn in range(20):
        place = tmp_path / f"{turn}"
        with ThreadPoolExecutor(len(bodies)) as pool:
            made = list(pool.map(lambda body, at=place: container.create(at, body), bodies))
        assert made.count(True) == 1
        assert place.read_bytes() == bodies[int(np.argmax(made))]
