"""A walk is free the second time, the same whoever does it, and honest about what it left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, EnvironmentProblem, UnknownOption, UsageError
from folkmoot.features import FeatureSet, feature_set, windows
from folkmoot.training import Crew, InMemory, TaskStore, artefact, layout, walk_forward

Make = Callable[..., Bars]
Members = dict[str, tuple[str, dict[str, Any]]]


def test_ballots_hold_every_member_from_block_zero_on(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    seen: list[tuple[int, int, str]] = []
    store = TaskStore(tmp_path)
    ballots = walk_forward(
        bars, columns, members, store=store, progress=lambda *said: seen.append(said)
    )
    plan = layout(len(bars))
    assert ballots.members == tuple(members)
    assert (ballots.block[: plan.train] == -1).all()
    assert np.isnan(ballots.p_up[: plan.train]).all()
    assert np.isfinite(ballots.p_up[plan.train :]).all()
    assert np.isfinite(ballots.quantiles[plan.train :]).all()
    for block in plan.blocks:
        assert (ballots.block[block.start : block.stop] == block.index).all()
    assert (ballots.tasks_run, ballots.tasks_cached) == (30, 0)
    assert [done for done, _, _ in seen] == list(range(1, 31))
    assert seen[-1][1:] == (30, "trees, block 5")
    np.testing.assert_array_equal(ballots.known_at, bars.close_time)


def test_a_repeated_walk_computes_nothing_and_appended_bars_only_the_open_block(
    bars_of: Make, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    bars, store = bars_of(2047), TaskStore(tmp_path)
    first = walk_forward(bars.until(1990), columns, members, store=store)
    again = walk_forward(bars.until(1990), columns, members, store=TaskStore(tmp_path))
    assert (again.tasks_run, again.tasks_cached) == (0, 30)
    assert again.hash() == first.hash()
    longer = walk_forward(bars.until(1999), columns, members, store=store)
    assert (longer.tasks_run, longer.tasks_cached) == (len(members), 25)
    start = layout(1990).blocks[5].start
    np.testing.assert_array_equal(longer.p_up[:start], first.p_up[:start])
    # The open block's model is fitted on the same rows, so its forecasts stay as well.
    np.testing.assert_array_equal(longer.p_up[start:1990], first.p_up[start:1990])
    fresh = walk_forward(bars.until(1999), columns, members, store=TaskStore(tmp_path / "other"))
    assert fresh.hash() == longer.hash()


def test_what_a_task_does_not_read_does_not_name_it(
    bars: Bars, bars_of: Make, columns: FeatureSet, tmp_path: Path
) -> None:
    store = TaskStore(tmp_path)
    members: Members = {"mine": ("persistence", {})}
    assert walk_forward(bars, columns, members, store=store).tasks_run == 6
    members = {"yours": ("persistence", {"pseudo_counts": 50.0})}
    assert walk_forward(bars, columns, members, store=store).tasks_run == 0
    without_volume = bars_of(volume=False)
    assert walk_forward(without_volume, columns, members, store=store).tasks_run == 0
    assert walk_forward(bars, columns, members, 2, store=store).tasks_run == 6
    members = {"mine": ("persistence", {"pseudo_counts": 51.0})}
    assert walk_forward(bars, columns, members, store=store).tasks_run == 6


def test_two_workers_give_the_same_bits_as_none(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    here = walk_forward(bars, columns, members, store=TaskStore(tmp_path / "here"))
    seen: list[int] = []
    with Crew(2) as crew:
        there = walk_forward(
            bars,
            columns,
            members,
            store=TaskStore(tmp_path / "there"),
            workers=crew,
            progress=lambda done, total, what: seen.append(done),
        )
        assert seen == list(range(1, 31))
        other = walk_forward(
            bars.until(1900), columns, members, store=TaskStore(tmp_path / "there"), workers=crew
        )
    assert other.tasks_run == 30
    assert there.hash() == here.hash()
    assert there.artefacts == here.artefacts
    kept = {
        where: {p.name: p.read_bytes() for p in (tmp_path / where).rglob("*.*")}
        for where in ("here", "there")
    }
    assert kept["here"].items() <= kept["there"].items()


def test_an_artefact_answers_as_it_did_in_the_walk(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    store = TaskStore(tmp_path)
    ballots = walk_forward(bars, columns, members, 5, store=store)
    block = layout(len(bars)).blocks[5]
    table = columns.plus(feature_set("bars", "1h")).matrix(bars)
    for place, member in enumerate(members):
        model = artefact(store, ballots.artefacts[5, member])
        assert model.horizons == (5,)
        x = windows(table, model.lookback)
        for row in (block.start, len(bars) - 1):
            one = model.predict(x.rows(slice(row - model.lookback + 1, row - model.lookback + 2)))
            np.testing.assert_array_equal(one.p_up[0, 0], ballots.p_up[row, place])
            np.testing.assert_array_equal(one.quantiles[0, 0], ballots.quantiles[row, place])


def test_a_card_says_what_was_learnt_from(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    ballots = walk_forward(bars, columns, members, 5, store=TaskStore(tmp_path))
    assert len(ballots.cards) == 30
    for card in ballots.cards:
        start = layout(len(bars)).blocks[card["block"]].start
        assert card["purged"] == 6
        assert card["trained_rows"][1] == start - 1 - 6
        assert card["trained_known_at"][1] == bars.close_time[card["trained_rows"][1]]
        assert card["key"] == ballots.artefacts[card["block"], card["member"]]
        assert card["rows"][0] == start


def test_columns_unknown_over_a_training_span_leave_the_set(
    bars_of: Make, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    silent = bars_of(volume=False)
    ballots = walk_forward(silent, columns, members, store=TaskStore(tmp_path))
    assert ballots.dropped == ["volume_score"]
    assert np.isfinite(ballots.p_up[layout(len(silent)).train :]).all()
    card = next(c for c in ballots.cards if c["member"] == "logistic")
    assert "volume_score" not in card["columns"]
    smaller = walk_forward(
        silent, columns.without(["volume_score"]), members, store=TaskStore(tmp_path / "other")
    )
    assert smaller.hash() == ballots.hash()
    assert smaller.dropped == []


def test_several_horizons_are_trained_at_once(
    bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    store = TaskStore(tmp_path)
    alone = walk_forward(bars, columns, {"m": ("ar1", {})}, 5, store=store)
    members: Members = {"m": ("ar1", {"horizons": (1, 5, 15)})}
    among = walk_forward(bars, columns, members, 5, store=store)
    np.testing.assert_array_equal(among.p_up, alone.p_up)


@pytest.mark.parametrize("workers", [1, 2])
def test_too_few_known_labels_are_refused_by_name(
    bars_of: Make, columns: FeatureSet, workers: int, tmp_path: Path
) -> None:
    short = bars_of(240)
    members: Members = {"a": ("base_rate", {}), "b": ("persistence", {})}
    with pytest.raises(DataError, match="block 0: fewer than 30 known labels"):
        walk_forward(short, columns, members, 24, store=TaskStore(tmp_path), workers=workers)


def test_columns_that_never_warm_up_are_left_out_or_refused(
    bars_of: Make, columns: FeatureSet, tmp_path: Path
) -> None:
    bars = bars_of(1000)
    with pytest.raises(DataError, match=r"rank_rsi14.* are unknown"):
        walk_forward(bars, columns, {"l": ("lorentzian", {})}, store=TaskStore(tmp_path))


def test_what_does_not_exist_is_refused_before_anything_runs(
    bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    store = TaskStore(tmp_path)
    with pytest.raises(UsageError):
        walk_forward(bars, columns, {"m": ("oracle", {})}, store=store)
    with pytest.raises(UnknownOption):
        walk_forward(bars, columns, {"m": ("ar1", {"depth": 3})}, store=store)
    with pytest.raises(UsageError, match="does not forecast 4"):
        walk_forward(bars, columns, {"m": ("ar1", {"horizons": (1,)})}, 4, store=store)
    with pytest.raises(UsageError):
        walk_forward(bars, columns, {"m": ("lorentzian", {"columns": ("x",)})}, store=store)


def test_a_worker_that_dies_is_an_environment_problem(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    with Crew(1) as crew:
        crew._workers[0].kill()
        with pytest.raises(EnvironmentProblem, match="ended with exit code -9"):
            walk_forward(bars, columns, members, store=TaskStore(tmp_path), workers=crew)


def test_a_progress_that_fails_stops_the_crew(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    store = TaskStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        walk_forward(bars, columns, members, store=store, workers=2, progress=stop)
    assert 1 <= len(list(tmp_path.rglob("*.json"))) <= 6


def test_a_crew_that_is_not_at_work_is_refused(
    bars: Bars, columns: FeatureSet, members: Members, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="not at work"):
        walk_forward(bars, columns, members, store=TaskStore(tmp_path), workers=Crew(2))


def test_a_crew_carries_out_any_job_in_order_and_hands_back_errors() -> None:
    job, sizes = "folkmoot.training.folds:layout", [1000, 2000, 3000, 4000]
    with Crew(2) as crew:
        orders = [{"job": job, "given": {"n": n}} for n in sizes]
        answers = crew.carry_out(orders, [str(n) for n in sizes])
        assert [answer["train"] for answer in answers] == [layout(n).train for n in sizes]
        with pytest.raises(DataError, match="5 rows are too few") as caught:
            crew.carry_out([{"job": job, "given": {"n": 5}}], ["five"])
        assert caught.value.allowed == ">= 100"
        assert crew.carry_out([], []) == []


def test_a_panel_teaches_and_what_came_later_in_it_changes_nothing(
    bars: Bars, columns: FeatureSet, bars_of: Make
) -> None:
    other = bars_of(len(bars), seed=9)
    asked = {"logistic": ("logistic", {})}
    alone = walk_forward(bars, columns, asked, store=InMemory())
    pooled = walk_forward(bars, columns, asked, store=InMemory(), panel=[other])
    assert pooled.hash() != alone.hash()
    cut = layout(len(bars)).blocks[3].start
    shorter = walk_forward(bars, columns, asked, store=InMemory(), panel=[other.until(cut)])
    np.testing.assert_array_equal(shorter.p_up[:cut], pooled.p_up[:cut])
    assert not np.array_equal(shorter.p_up[-50:], pooled.p_up[-50:])


def test_a_warm_member_starts_from_the_fold_before(
    bars: Bars, columns: FeatureSet, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the extra neural")
    plan = {"epochs": 1, "windows": 256, "batch": 64}
    cold = {"dlinear": ("dlinear", {"training": plan})}
    warm = {"dlinear": ("dlinear", {"training": {**plan, "warm": True}})}
    first = walk_forward(bars, columns, cold, store=TaskStore(tmp_path / "cold"))
    second = walk_forward(bars, columns, warm, store=TaskStore(tmp_path / "warm"), workers=2)
    again = walk_forward(bars, columns, warm, store=InMemory())
    assert second.hash() == again.hash()
    start, stop = layout(len(bars)).blocks[0].start, layout(len(bars)).blocks[1].start
    np.testing.assert_array_equal(first.p_up[start:stop], second.p_up[start:stop])
    assert not np.array_equal(first.p_up[stop:], second.p_up[stop:])
