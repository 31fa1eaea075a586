import numpy as np
import pytest

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.models.engram.tokens import BEFORE, BINS, FEWEST, GAP, PAD, BarTokens, measure


def bars(n: int = 6000, seed: int = 0) -> Floats:
    """Return bars as the columns of the set `bars`, and none missing."""
    rng = np.random.default_rng(seed)
    move = 0.006 * rng.standard_normal(n)
    close = np.cumsum(move)
    opened = close - move
    up, down = 0.003 * np.abs(rng.standard_normal((2, n)))
    high, low = np.maximum(opened, close) + up, np.minimum(opened, close) - down
    volume = 3.0 + 0.4 * rng.standard_normal(n)
    return np.column_stack((opened, high, low, close, volume, np.zeros(n), np.full(n, 0.006)))


def fitted(table: Floats) -> BarTokens:
    return BarTokens.fit(table, np.ones(len(table), dtype=np.bool_))


def test_the_four_measures_of_one_bar() -> None:
    table = bars(100)
    t = 60
    told = measure(table)[t]
    before = slice(t - BEFORE, t)
    last = table[t - 1 - BEFORE : t - 1, 3]
    ranges = np.maximum(table[before, 1], last) - np.minimum(table[before, 2], last)
    high, low = max(table[t, 1], table[t - 1, 3]), min(table[t, 2], table[t - 1, 3])
    volume = table[before, 4]
    wanted = [
        (table[t, 3] - table[t - 1, 3]) / 0.006,
        (high - low) / ranges.mean(),
        (table[t, 4] - volume.mean()) / volume.std(ddof=1),
        (table[t, 3] - table[t, 2]) / (table[t, 1] - table[t, 2]),
    ]
    np.testing.assert_allclose(told, wanted, rtol=1e-12)


def test_a_measure_knows_no_bar_but_its_own_and_the_twenty_before() -> None:
    table = bars(200)
    whole = measure(table)
    assert np.isnan(whole[: BEFORE + 1]).all()
    for t in (21, 99, 199):
        alone = measure(table[t - BEFORE - 1 : t + 1])
        np.testing.assert_array_equal(alone[-1], whole[t])


def test_returns_fall_into_seven_bins_of_one_size() -> None:
    table = bars()
    found = fitted(table)
    tokens, known = found.tokens(table)
    counts = np.bincount(found.parts[tokens[known], 0], minlength=BINS[0])
    assert counts.max() - counts.min() <= 1


def test_edges_and_merges_come_from_the_training_rows_alone() -> None:
    table = bars()
    rows = np.arange(len(table)) < 3000
    before = BarTokens.fit(table, rows)
    table[3000:] = bars(seed=9)[3000:] * 3.0
    after = BarTokens.fit(table, rows)
    np.testing.assert_array_equal(before.edges, after.edges)
    np.testing.assert_array_equal(before.merged, after.merged)


def test_rare_combinations_are_known_by_return_and_range_alone() -> None:
    table = bars()
    found = fitted(table)
    tokens, known = found.tokens(table)
    counts = np.bincount(tokens[known], minlength=len(found))
    whole = (found.parts[:, 2] < BINS[2]) & (np.arange(len(found)) > GAP)
    assert (counts[whole] >= FEWEST).all()
    assert 0 < whole.sum() < len(found) - 2
    assert len(np.unique(found.parts, axis=0)) == len(found)


def test_gaps_and_unknown_bars_have_tokens_of_their_own() -> None:
    table = bars(300)
    found = fitted(table)
    table[100, 5] = 2.0
    table[200, 4] = np.nan
    tokens, known = found.tokens(table)
    assert tokens[100] == GAP
    assert known[100]
    assert tokens[200] == PAD
    assert not known[200:221].any()
    assert known[221]


def test_flat_bars_are_measured_too() -> None:
    table = bars(60)
    table[:, :4], table[:, 4] = 1.0, 3.0
    assert measure(table)[40].tolist() == [0.0, 1.0, 0.0, 0.5]


def test_a_fit_without_bars_is_refused() -> None:
    with pytest.raises(DataError, match="no bar"):
        BarTokens.fit(bars(10), np.ones(10, dtype=np.bool_))
