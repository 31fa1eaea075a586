"""What a member holds out is its own market's newest rows, whatever teaches beside them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models.conftest import make

from folkmoot.core.bars import Bars
from folkmoot.core.forecast import Features
from folkmoot.features import FeatureSet, Table, feature_set, labels, windows
from folkmoot.market import world
from folkmoot.models import held_out
from folkmoot.training.material import Material
from folkmoot.training.pooled import pooled

HOUR = 3_600_000


def market(rows: int, first: int = 0) -> Features:
    values = np.zeros((rows, 1))
    return windows(Table(values, ("a",), (first + np.arange(rows)) * HOUR), 1)


def panel(*parts: Features) -> Features:
    """Return the rows of markets, the last one's own."""
    values = np.concatenate([part.values for part in parts])
    times = np.concatenate([part.known_at for part in parts])
    return Features(values, ("a",), times, sum(len(part) for part in parts[:-1]))


@pytest.mark.parametrize("life", [2, 31])
@pytest.mark.parametrize("share", [0.1, 0.15, 0.4])
@pytest.mark.parametrize("starts", [(), (0,), (-500, 300), (0, 0, 0), (-2000,), (2000,)])
def test_others_take_no_row_from_the_own_and_teach_nothing_later(
    starts: tuple[int, ...], share: float, life: int
) -> None:
    own = market(1000)
    alone = held_out.split(own, np.arange(1000), share, life)
    x = panel(*(market(900, first) for first in starts), own)
    taught, asked = held_out.split(x, np.arange(len(x)), share, life)
    np.testing.assert_array_equal(asked - x.others, alone[1])
    np.testing.assert_array_equal(taught[taught >= x.others] - x.others, alone[0])
    first = x.known_at[asked[0]]
    assert (x.known_at[taught] + life * HOUR < first).all()
    for place, start in enumerate(starts):
        whole = np.arange(900 * place, 900 * (place + 1) - life)
        known = whole[x.known_at[whole] + life * HOUR < first]
        mine = taught[(taught >= 900 * place) & (taught < 900 * (place + 1))]
        if start > -1000:
            np.testing.assert_array_equal(mine, known)


def test_nothing_is_held_out_where_no_share_is() -> None:
    taught, asked = held_out.split(market(100), np.arange(0, 100, 3), 0.0, 2)
    np.testing.assert_array_equal(taught, np.arange(0, 100, 3))
    assert not len(asked)


def material_of(bars: Bars, columns: FeatureSet) -> Material:
    return Material.of(bars, columns, (1, 5), 0)


@pytest.mark.parametrize("markets", [1, 3])
def test_a_panel_says_which_rows_are_its_own(markets: int) -> None:
    bars = world("martingale", seed=0, n=1500).bars
    columns = feature_set("core", bars.timeframe).plus(feature_set("bars", bars.timeframe))
    mine = material_of(bars, columns)
    others = tuple(
        material_of(world("martingale", seed=1 + k, n=1200).bars, columns) for k in range(markets)
    )
    x = windows(mine.table, 20)
    y = np.column_stack([labels(bars, h).y for h in (1, 5)])[19:]
    moment = int(mine.table.known_at[-1])
    found, told = pooled(x, y, replace(mine, others=others), (1, 5), moment)
    assert found.others == 1200 * markets
    np.testing.assert_array_equal(found.values[found.others :], x.values)
    np.testing.assert_array_equal(told[found.others :], y)
    for edge in range(1200, found.others + 1, 1200):
        assert np.isnan(told[edge - 19 : edge]).all()


def test_a_market_alone_is_its_own() -> None:
    assert make().x(8).others == 0
