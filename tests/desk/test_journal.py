"""Laws of the journal: the chain, the kill, the lock, the full disk, the flipped byte."""

import resource
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from tests.desk.scene import SCENE_KEY, Scene, scene, seat
from tests.desk.soak import finished, killed

from folkmoot.core.errors import EnvironmentProblem, JournalError, UsageError
from folkmoot.desk import Journal, schema
from folkmoot.desk.migrations import scripts
from folkmoot.desk.store import Store

SCENE = scene(500)


def written(path: Path, played: Scene = SCENE, commit_every: int = 100) -> str:
    with Journal(path, commit_every=commit_every) as journal:
        seat(played, journal).replay(played.bars)
        return journal.head


def test_every_commit_mode_and_storing_nothing_give_one_head(tmp_path: Path) -> None:
    nowhere = Journal.nowhere()
    seat(SCENE, nowhere).replay(SCENE.bars)
    heads = {written(tmp_path / f"{every}.db", commit_every=every) for every in (1, 7, 1_000)}
    assert heads == {nowhere.head}


def test_the_head_covers_bars_beliefs_and_provenance(tmp_path: Path) -> None:
    heads = {written(tmp_path / f"{seed}.db", scene(100, seed)) for seed in (1, 2)}
    with Journal(tmp_path / "s.db", study="another") as journal:
        seat(scene(100, 1), journal).replay(scene(100, 1).bars)
        heads.add(journal.head)
    assert len(heads) == 3


def test_two_hash_seeds_give_one_head(tmp_path: Path) -> None:
    heads = {finished(tmp_path / f"{seed}.db", 300, 100, seed) for seed in (1, 2)}
    assert len(heads) == 1


@pytest.mark.parametrize(("commit_every", "bars"), [(1, 3_000), (1_000, 30_000)])
def test_a_killed_replay_continues_to_the_same_head(
    tmp_path: Path, commit_every: int, bars: int
) -> None:
    path = tmp_path / "killed.db"
    held = killed(path, bars, commit_every, kills=4, seed=commit_every)
    assert held == sorted(held)
    assert any(0 < records < bars for records in held)
    assert finished(path, bars, commit_every) == finished(tmp_path / "whole.db", bars, 1_000)


def test_a_restart_of_a_long_journal_is_quick(tmp_path: Path) -> None:
    long = scene(20_000)
    written(tmp_path / "j.db", long, 1_000)
    start = time.perf_counter()
    with Journal(tmp_path / "j.db") as journal:
        seat(long, journal)
        assert time.perf_counter() - start < 1.0
        assert len(journal) == 20_000


def test_the_account_is_read_back_to_the_bit(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.db", commit_every=100) as journal:
        replay = seat(SCENE, journal, stop=0.01).replay(SCENE.bars)
        curve = journal.curve(SCENE_KEY)
        np.testing.assert_array_equal(curve.equity, replay.curve.equity)
        np.testing.assert_array_equal(curve.weight, replay.curve.weight)
        np.testing.assert_array_equal(curve.open_time, SCENE.bars.open_time)
        assert journal.fills() == list(replay.fills)
        rows = list(journal.rows(SCENE_KEY))
        assert rows[-1]["hash"] == journal.head
        assert list(rows[0])[:3] == ["signal", "confidence", "reason"]


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with Journal(path) as journal:
        seat(SCENE, journal).replay(SCENE.bars.until(20))
        with pytest.raises(JournalError, match="another process writes"):
            Journal(path)
        with Journal(path, read_only=True) as reader:
            assert reader.verify() == 20
            assert reader.head == journal.head
    with Journal(path) as journal:
        assert len(journal) == 20


def test_a_reader_and_a_writer_never_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with Journal(path) as journal:
        desk = seat(SCENE, journal)
        for stop in range(10, 110, 10):
            desk.replay(SCENE.bars.until(stop))
            with Journal(path, read_only=True) as reader:
                assert len(list(reader.decisions())) == stop


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    written(tmp_path / "j.db", scene(10))
    with (
        Journal(tmp_path / "j.db", read_only=True) as reader,
        pytest.raises(JournalError, match="nothing is recorded"),
    ):
        seat(scene(10, 9), reader)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE bars SET close = close + 1e-9 WHERE seq = 40",
        "UPDATE bars SET volume = NULL WHERE seq = 1",
        "UPDATE decisions SET payload = replace(payload, '\"ok\"', '\"OK\"') WHERE seq = 450",
        "UPDATE decisions SET open_time = open_time + 1 WHERE seq = 3",
        "UPDATE fills SET fee = 0 WHERE seq = (SELECT min(seq) FROM fills)",
        "UPDATE orders SET quantity = quantity * 2 WHERE seq = (SELECT max(seq) FROM orders)",
        "UPDATE provenances SET facts = '{}'",
        "UPDATE desks SET strategy = 'other'",
        "UPDATE meta SET value = 'other' WHERE key = 'study'",
        "DELETE FROM decisions WHERE seq = 10",
        "DELETE FROM fills WHERE seq = (SELECT max(seq) FROM fills)",
        "INSERT INTO orders VALUES ('fmx', 77, 'X', 1.0, 0, NULL)",
    ],
)
def test_a_changed_row_is_found(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "j.db"
    written(path)
    with sqlite3.connect(path) as db:
        assert db.execute(damage).rowcount == 1
    db.close()
    with Journal(path) as journal, pytest.raises(JournalError):
        journal.verify()


def test_a_flipped_byte_in_the_file_is_never_silent(tmp_path: Path) -> None:
    path, rng = tmp_path / "j.db", np.random.default_rng(5)
    head = written(path, scene(300))
    whole = path.read_bytes()
    found = 0
    for at in rng.integers(100, len(whole), 50).tolist():
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        try:
            with Journal(path) as journal:
                # What is still believed is exactly what was written: the byte was unused space.
                assert (journal.verify(), journal.head) == (300, head)
        except JournalError:
            found += 1
    assert found > 25


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    written(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def check() -> None:
        with Journal(path) as journal:
            journal.verify()

    with pytest.raises(JournalError):
        check()


def test_a_full_disk_loses_nothing_and_the_desk_goes_on_when_there_is_space(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.db"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path, commit_every=1) as journal:
        desk = seat(SCENE, journal)
        desk.replay(SCENE.bars.until(100))
        for stop in (200, 300, 400):
            size = path.with_name("j.db-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 90_000, hard))
            try:
                with pytest.raises(EnvironmentProblem, match="disk refused"):
                    desk.replay(SCENE.bars.until(stop))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            with Journal(path, read_only=True) as reader:
                assert len(reader) == len(journal)
                assert reader.verify() == len(journal)
        desk.replay(SCENE.bars)
        assert journal.verify() == len(SCENE.bars)
        head = journal.head
    assert head == written(tmp_path / "whole.db")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    written(path, scene(10))
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(JournalError, match="9999, newer"):
        Journal(path)


def test_the_migrations_end_at_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    directory: ScriptDirectory = scripts()
    assert directory.get_current_head() == schema.HEAD
    assert {script.revision for script in directory.walk_revisions()} == set(schema.KNOWN)
    store = Store(tmp_path / "j.db")
    made = sa.MetaData()
    made.reflect(store.connection)
    store.close()
    for table in schema.metadata.sorted_tables:
        columns = [(c.name, c.primary_key, c.nullable) for c in made.tables[table.name].columns]
        assert columns == [(c.name, c.primary_key, c.nullable) for c in table.columns]


def test_a_journal_of_another_study_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.db", study="a", origin="1"):
        pass
    with pytest.raises(JournalError, match="study"):
        Journal(tmp_path / "j.db", study="b", origin="1")
    with Journal(tmp_path / "j.db") as journal:
        assert (journal.study, journal.origin) == ("a", "1")


def test_something_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_text("this is not a database, whatever its name says, and it is long enough\n" * 99)
    with pytest.raises(JournalError, match="not a database"):
        Journal(path)
    with pytest.raises(JournalError, match="no journal"):
        Journal(tmp_path / "absent.db", read_only=True)
    with pytest.raises(UsageError, match="postgresql"):
        Journal("postgresql://host/base")


def test_two_desks_share_a_journal_and_restart_apart(tmp_path: Path) -> None:
    other = scene(200, 11)
    with Journal(tmp_path / "j.db") as journal:
        seat(SCENE, journal, name="one").replay(SCENE.bars.until(200))
        seat(other, journal, name="two").replay(other.bars)
    with Journal(tmp_path / "j.db") as journal:
        one = seat(SCENE, journal, name="one")
        assert seat(other, journal, name="two").replay(other.bars).decided == 0
        one.replay(SCENE.bars)
        alone = seat(SCENE, Journal.nowhere(), name="one").replay(SCENE.bars)
        shared = journal.curve(("one", *SCENE_KEY[1:]))
        np.testing.assert_array_equal(shared.equity, alone.curve.equity)
        assert len(list(journal.decisions(("one", *SCENE_KEY[1:])))) == 500
        assert journal.verify() == 700
