"""A study comes out the same whatever disturbs it; `make soak` kills fifty times."""

import time
from pathlib import Path

import pytest
from tests.proof.soak import finished, killed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    began = time.perf_counter()
    told = finished(tmp_path_factory.mktemp("undisturbed"), 1)
    return told, time.perf_counter() - began


def test_a_killed_study_ends_as_if_nobody_had_touched_it(
    undisturbed: tuple[str, float], tmp_path: Path
) -> None:
    told, lasts = undisturbed
    assert killed(tmp_path, 5, lasts, seed=11) > 0
    assert finished(tmp_path, 1) == told


@pytest.mark.parametrize(("workers", "hash_seed"), [(2, 1), (1, 12345)])
def test_workers_and_hash_seed_change_nothing(
    undisturbed: tuple[str, float], tmp_path: Path, workers: int, hash_seed: int
) -> None:
    assert finished(tmp_path, workers, hash_seed) == undisturbed[0]
