"""A picture of document 002 read back is the series that was drawn, but its range."""

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.core.errors import DataError, UsageError
from folkmoot.features import generate_gaf_3channel
from folkmoot.features.gaf_picture import closes_in

CLOSES = random_walk(3000).close


def shape_of(closes: np.ndarray) -> np.ndarray:
    """Return closes over -1 .. 1."""
    low, high = closes.min(), closes.max()
    return (2.0 * closes - high - low) / (high - low)


@pytest.mark.parametrize("bars", [20, 64, 100])
@pytest.mark.parametrize("first", range(0, 2800, 400))
def test_the_drawn_series_comes_back(bars: int, first: int) -> None:
    drawn = CLOSES[first : first + bars]
    for series in (drawn, drawn[::-1], 1.0 / drawn):
        exact = closes_in(generate_gaf_3channel(series, bars), bars)[0]
        np.testing.assert_allclose(shape_of(exact), shape_of(series), atol=0.02)
        large = closes_in(generate_gaf_3channel(series, 224), bars)[0]
        np.testing.assert_allclose(shape_of(large), shape_of(series), atol=0.15)
        assert np.corrcoef(large, series)[0, 1] > 0.995


def test_the_range_is_the_one_that_is_given() -> None:
    picture = generate_gaf_3channel(CLOSES[:64], 64)
    for wide in (0.001, 0.05, 1.0):
        found = closes_in(picture, 64, wide)
        assert np.log(found.max() / found.min()) == pytest.approx(wide, rel=0.02)


def test_a_batch_is_its_pictures_and_a_flat_one_stands_still() -> None:
    pictures = np.stack(
        [generate_gaf_3channel(series, 64) for series in (CLOSES[:64], np.ones(64), CLOSES[64:128])]
    )
    batch = closes_in(pictures, 32)
    for row, picture in zip(batch, pictures, strict=True):
        np.testing.assert_array_equal(row, closes_in(picture, 32)[0])
    np.testing.assert_array_equal(batch[1], np.ones(32))


def test_what_is_no_such_picture_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mixed = generate_gaf_3channel(CLOSES[:64], 64)
    mixed[..., 0] = generate_gaf_3channel(CLOSES[500:564], 64)[..., 0]
    for picture in (noise, mixed):
        with pytest.raises(DataError, match="Gramian"):
            closes_in(picture, 64)
    for wrong in (noise[:, :32], noise.astype(float), noise[..., :2], noise[0]):
        with pytest.raises(UsageError, match="picture"):
            closes_in(wrong, 64)
    with pytest.raises(UsageError, match="log_range"):
        closes_in(mixed, 64, 0.0)
