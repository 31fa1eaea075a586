"""Results are whole or absent, and what is there is what was written."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.features import FeatureSet
from folkmoot.training import InMemory, TaskStore, artefact, walk_forward

KEY = "ab" * 32


def test_a_result_comes_back_to_the_bit(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    arrays = {"p_up": np.array([[0.1], [np.nan]]), "rows": np.arange(3), "none": np.empty((0, 2))}
    facts = {"rate": 0.1 + 0.2, "names": ("a", "b"), "nothing": None}
    assert store.get(KEY) is None
    assert KEY not in store
    store.put(KEY, arrays, facts)
    found = TaskStore(tmp_path).get(KEY)
    assert found is not None
    assert KEY in store
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.facts == {"rate": 0.1 + 0.2, "names": ["a", "b"], "nothing": None}


@pytest.mark.parametrize("kind", ["json", "arrays"])
def test_a_flipped_bit_or_a_lost_end_is_refused(tmp_path: Path, kind: str) -> None:
    store = TaskStore(tmp_path)
    store.put(KEY, {"p_up": np.ones(8)}, {"model": "logistic"})
    path = next(tmp_path.rglob(f"{KEY}.{kind}"))
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(DataError, match="damaged"):
            store.get(KEY)
    for length in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="damaged"):
            store.get(KEY)
    path.write_bytes(whole)
    assert store.get(KEY) is not None


def test_a_result_under_another_key_is_refused(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    store.put(KEY, {"p_up": np.ones(8)}, {})
    for path in tmp_path.rglob(f"{KEY}.*"):
        path.rename(path.with_name(f"{'ab' * 31}cd{path.suffix}"))
    with pytest.raises(DataError, match="damaged"):
        store.get("ab" * 31 + "cd")


def test_arrays_without_a_card_are_no_result(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    store.put(KEY, {"p_up": np.ones(8)}, {})
    next(tmp_path.rglob(f"{KEY}.json")).unlink()
    assert store.get(KEY) is None
    store.put(KEY, {"p_up": np.ones(8)}, {})
    assert store.get(KEY) is not None


def test_opening_removes_drafts_of_the_dead_and_leaves_those_of_the_living(tmp_path: Path) -> None:
    drafts = TaskStore(tmp_path).root / "drafts"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (drafts / f"{dead.pid}-0").write_bytes(b"half")
    (drafts / f"{os.getpid()}-9999").write_bytes(b"in hand")
    TaskStore(tmp_path)
    assert [path.name for path in drafts.iterdir()] == [f"{os.getpid()}-9999"]


def test_a_key_that_is_no_hash_is_refused(tmp_path: Path) -> None:
    for key in ("../../etc/passwd", "AB" * 32, ""):
        with pytest.raises(UsageError):
            TaskStore(tmp_path).get(key)


def test_an_absent_artefact_is_untrained(tmp_path: Path) -> None:
    with pytest.raises(Untrained):
        artefact(TaskStore(tmp_path), KEY)


def test_memory_gives_back_what_a_folder_would(tmp_path: Path) -> None:
    arrays, facts = {"p_up": np.array([0.1, np.nan])}, {"names": ("a", "b"), "rate": 0.1 + 0.2}
    for store in (InMemory(), TaskStore(tmp_path)):
        assert store.get(KEY) is None
        store.put(KEY, arrays, facts)
        found = store.get(KEY)
        assert found is not None
        assert KEY in store
        assert found.facts == {"names": ["a", "b"], "rate": 0.1 + 0.2}
        np.testing.assert_array_equal(found.arrays["p_up"], arrays["p_up"])


def test_memory_is_refused_where_other_processes_would_write(
    bars: Bars, columns: FeatureSet, members: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="in memory"):
        walk_forward(bars, columns, members, store=InMemory(), workers=2)
