import numpy as np
import pytest

from folkmoot.core.errors import UsageError
from folkmoot.models.engram import ngram_world

WORLD = ngram_world(60_000, seed=1)


def test_four_in_ten_utterances_are_trigrams() -> None:
    # A trigram takes three bars: 0.4 of 0.4 x 3 + 0.6 bars end one.
    assert abs((WORLD.sign != 0).mean() - 0.4 / 1.8) < 0.005
    assert WORLD.token.min() == 0
    assert WORLD.token.max() == 31


def test_a_trigram_tells_the_next_sign_seven_times_in_ten() -> None:
    y = WORLD.labels()
    told = (WORLD.sign != 0) & np.isfinite(y)
    assert abs((np.sign(y[told]) == WORLD.sign[told]).mean() - 0.70) < 0.015
    assert abs((y[~told & np.isfinite(y)] > 0.0).mean() - 0.5) < 0.01


def test_each_of_64_trigrams_has_one_sign() -> None:
    ends = np.flatnonzero(WORLD.sign)
    ends = ends[ends >= 2]
    said = np.stack([WORLD.token[ends - 2], WORLD.token[ends - 1], WORLD.token[ends]], axis=1)
    found = np.unique(np.column_stack((said, WORLD.sign[ends])), axis=0)
    assert len(found) == 64
    assert len(np.unique(found[:, :3], axis=0)) == 64
    assert found[:, 3].sum() == 0


def test_a_world_repeats_itself_for_the_same_seed_alone() -> None:
    again = ngram_world(500, seed=3)
    np.testing.assert_array_equal(again.values, ngram_world(500, seed=3).values)
    assert (again.token != ngram_world(500, seed=4).token).any()


def test_a_world_without_bars_is_refused() -> None:
    with pytest.raises(UsageError):
        ngram_world(0)
