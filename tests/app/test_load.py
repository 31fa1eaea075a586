"""Only closed bars are loaded, and what is left out is said."""

from pathlib import Path

import pytest
from tests.conftest import random_walk

from folkmoot.app.analyze import closed
from folkmoot.app.load import load
from folkmoot.core.clock import BarClock
from folkmoot.core.errors import DataError

WALK = random_walk(300)


@pytest.mark.parametrize(("late", "dropped"), [(0, 0), (1, 1), (3_600_001, 2)])
@pytest.mark.parametrize("kind", ["csv", "parquet", "feather"])
def test_a_forming_or_future_bar_of_a_file_is_left_out_and_counted(
    own_root: Path, kind: str, late: int, dropped: int
) -> None:
    path, frame = own_root / f"walk.{kind}", WALK.to_frame()
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        getattr(frame.reset_index(drop=True), f"to_{kind}")(path)
    clock = BarClock(int(WALK.close_time[-1]) - late)
    found = load(str(path), "X", clock=clock)
    assert len(found.bars) == len(WALK) - dropped
    assert int(found.bars.close_time[-1]) <= clock.now()
    said = [note for note in found.notes if "not closed yet" in note]
    assert [note.split()[0] for note in said] == ([str(dropped)] if dropped else [])


def test_a_file_of_the_future_alone_holds_no_bars(csv: str) -> None:
    with pytest.raises(DataError, match="no bars"):
        load(csv, "X", clock=BarClock(0))


def test_a_made_world_has_no_present() -> None:
    assert len(load("world:fast:0:300", clock=BarClock(0)).bars) == 300


def test_a_close_ahead_of_the_clock_is_said_to_be_ahead() -> None:
    found = closed(WALK, BarClock(int(WALK.close_time[-1]) - 7_200_000))
    assert (found["age_seconds"], found["age"]) == (-7_200, "2 hours from now")
