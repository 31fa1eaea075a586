"""What a feature set promises beyond the laws of its columns."""

import pickle  # noqa: TID251  # spawned workers receive a set so
from dataclasses import replace

import numpy as np
import pytest

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import TIMEFRAMES
from folkmoot.features import BARS_SET, HIGHER, FeatureSet, Table, feature_set, windows
from folkmoot.features.column import LONGEST_COPY, copies

RANKS = {"rank_rsi14", "rank_wt", "rank_cci20", "rank_adx14", "rank_rsi9"}


@pytest.fixture(scope="module")
def core() -> FeatureSet:
    return feature_set("core", "1h")


def without_volume(bars: Bars) -> Bars:
    return replace(bars, volume=np.full(len(bars), np.nan))


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_core_has_about_sixty_columns_and_its_higher_pair(timeframe: str) -> None:
    made = feature_set("core", timeframe)
    assert 45 <= len(made.names) <= 70
    assert set(made.names) >= RANKS | {"ema_20_80", "last_sign", "same_sign"}
    for coarse in HIGHER[timeframe]:
        assert sum(name.endswith(f"_{coarse}") for name in made.names) >= 8
    assert len(made.names) - sum(len(HIGHER[timeframe]) * [8]) == len(
        [name for name in made.names if not name.endswith(tuple(f"_{t}" for t in TIMEFRAMES))]
    )


def test_only_columns_that_settle_quickly_are_copied(core: FeatureSet) -> None:
    slow, quick = core.column("rsi_14"), core.column("cci_20")
    made = copies((slow, quick), core.timeframe)
    assert [column.name for column in made] == ["cci_20_4h", "cci_20_1d"]
    assert quick.stable <= LONGEST_COPY < slow.stable


def test_a_series_without_volume_loses_exactly_the_columns_that_read_it(
    core: FeatureSet, walk: Bars
) -> None:
    kept, dropped = core.knowable(without_volume(walk))
    assert set(dropped) == {c.name for c in core.columns if "volume" in c.inputs}
    assert set(kept.names) == set(core.names) - set(dropped)
    assert core.knowable(walk) == (core, ())


def test_the_bars_are_always_at_hand(core: FeatureSet, walk: Bars) -> None:
    both = core.plus(feature_set("bars", "1h"))
    assert both.names == (*core.names, *BARS_SET)
    table = both.matrix(walk)
    np.testing.assert_allclose(table.of("log_close")[:, 0], np.log(walk.close), rtol=1e-15)
    np.testing.assert_array_equal(table.known_at, walk.close_time)
    squares = np.diff(np.log(walk.close)) ** 2
    variance = squares[0]
    for square in squares[1:]:
        variance = 0.97 * variance + 0.03 * square
    assert table.of("ewma_vol")[-1, 0] == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_a_hash_stands_for_the_formulas(core: FeatureSet) -> None:
    assert core.hash() == feature_set("core", "1h").hash()
    assert core.hash() != feature_set("core", "4h").hash()
    assert core.hash() != core.without(["return_1"]).hash()


def test_unknown_names_are_refused_with_the_choices(core: FeatureSet, walk: Bars) -> None:
    with pytest.raises(UsageError, match="bars"):
        feature_set("full_of_hope", "1h")
    with pytest.raises(UsageError, match="return_1"):
        core.without(["return_1000"])
    with pytest.raises(UsageError, match="bars of 1h"):
        feature_set("core", "4h").matrix(walk)


def test_windows_end_at_their_own_bar_and_copy_nothing(walk: Bars) -> None:
    table = feature_set("bars", "1h").matrix(walk)
    seen = windows(table, 60)
    assert seen.values.shape == (len(walk) - 59, 60, len(table.names))
    assert np.shares_memory(seen.values, table.values)
    np.testing.assert_array_equal(seen.values[7], table.values[7:67])
    assert seen.known_at[7] == table.known_at[66]
    np.testing.assert_array_equal(seen.last(), table.values[59:])


def test_windows_of_chosen_columns_keep_their_order(walk: Bars) -> None:
    table = feature_set("bars", "1h").matrix(walk)
    seen = windows(table, 2, ("ewma_vol", "log_open"))
    np.testing.assert_array_equal(seen.of("log_open"), table.of("log_open")[1:])
    assert seen.names == ("ewma_vol", "log_open")
    with pytest.raises(UsageError, match="no columns"):
        windows(table, 2, ("hope",))


def test_windows_longer_than_the_table_are_none(walk: Bars) -> None:
    table = Table(np.zeros((3, 1)), ("x",), walk.close_time[:3])
    assert len(windows(table, 4)) == 0


def test_a_set_travels_between_processes_unchanged(core: FeatureSet) -> None:
    assert pickle.loads(pickle.dumps(core)) == core  # noqa: S301  # our own bytes
