"""Blocks stand still, and nothing is learnt before it was known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError
from folkmoot.features import FeatureSet, feature_set
from folkmoot.training import Material, TaskStore, layout, walk_forward
from folkmoot.training.tasks import known_labels

Make = Callable[..., Bars]


@pytest.mark.parametrize("n", [100, 163, 1000, 2000, 24_000, 36_000, 66_334])
def test_blocks_cover_the_last_three_fifths_once(n: int) -> None:
    plan = layout(n)
    assert plan.train == 4 * plan.length
    rows = [row for block in plan.blocks for row in range(block.start, block.stop)]
    assert rows == list(range(plan.train, n))
    assert [b.stop - b.start for b in plan.blocks[:5]] == [plan.length] * 5
    assert plan.length <= n // 10 < plan.length * 33 / 32 + 1
    assert [b.index for b in plan.blocks] == list(range(6))


def test_appended_bars_move_nothing_until_a_quantum_is_full() -> None:
    plan = layout(66_334)
    moved = [n for n in range(66_334, 70_000) if layout(n).blocks[:5] != plan.blocks[:5]]
    assert moved[0] == 66_560
    assert layout(66_434).train == plan.train
    assert sum(layout(n).length != layout(n + 1).length for n in range(20_000, 40_000)) <= 66


def test_a_series_too_short_to_cut_is_refused() -> None:
    with pytest.raises(DataError, match="99 rows"):
        layout(99)


@pytest.mark.parametrize("horizon", [1, 5, 24])
@pytest.mark.parametrize("gaps", [False, True])
def test_a_row_teaches_only_if_its_label_was_known_before_the_block(
    horizon: int, gaps: bool, bars_of: Make, columns: FeatureSet
) -> None:
    bars = bars_of(1200, gaps=gaps)
    complete = columns.plus(feature_set("bars", "1h"))
    material = Material.of(bars, complete, (horizon,), 0)
    for block in layout(len(bars)).blocks:
        y = known_labels(material, block, (horizon,))[:, 0]
        assert len(y) == block.start
        decided = bars.close_time[block.start - 1]
        for row in range(block.start):
            end = row + 1 + horizon
            missing = np.diff(bars.open_time[row + 1 : end + 1]) - bars.timeframe.ms
            whole = bool((missing <= bars.timeframe.ms).all())
            known = bars.close_time[end] <= decided
            assert np.isfinite(y[row]) == (whole and known)
            assert known == (end <= block.start - 1)


def test_another_future_changes_no_fitted_thing_and_no_earlier_forecast(
    bars: Bars,
    change: Callable[[Bars, int], Bars],
    columns: FeatureSet,
    members: dict[str, Any],
    tmp_path: Any,
) -> None:
    store = TaskStore(tmp_path)
    first = walk_forward(bars, columns, members, 5, store=store)
    cut = layout(len(bars)).blocks[3].start
    other = walk_forward(change(bars, cut), columns, members, 5, store=store)
    np.testing.assert_array_equal(first.p_up[:cut], other.p_up[:cut])
    np.testing.assert_array_equal(first.quantiles[:cut], other.quantiles[:cut])
    assert not np.array_equal(first.p_up[cut:], other.p_up[cut:], equal_nan=True)
    for member in members:
        a, b = (store.get(ballots.artefacts[3, member]) for ballots in (first, other))
        assert a is not None
        assert b is not None
        assert a.facts["state"] == b.facts["state"]
        for name in a.arrays.keys() - {"p_up", "quantiles"}:
            np.testing.assert_array_equal(a.arrays[name], b.arrays[name])


def test_a_column_of_the_answer_itself_helps_nobody_when_purged(bars_of: Make) -> None:
    """The label of `horizon` bars ago is a column: known, true, and about the past."""
    from folkmoot.causal import lag, log, open_
    from folkmoot.features import Column
    from folkmoot.training import Task, learn

    bars = bars_of(6000, seed=3)
    answer = log(open_) - lag(log(open_), 1)
    bomb = Column("answer", answer, "log return", "ratio", "bomb")
    complete = FeatureSet("bomb", bars.timeframe, (bomb,)).plus(feature_set("bars", "1h"))
    material = Material.of(bars, complete, (1,), 0)
    hits = []
    for block in layout(len(bars)).blocks:
        arrays, _ = learn(Task("0" * 64, "logistic", "logistic", {}, block), material)
        y = material.y[block.start : block.stop, 0]
        right = (arrays["p_up"][:, 0] > 0.5) == (y > 0.0)
        hits.append(right[np.isfinite(y)])
    share = np.concatenate(hits)
    assert abs(share.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(share))
