"""Angular fields: the formulas in angles, the golden numbers, what is flat, what was closed."""

from itertools import pairwise

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import flat_windows, gaf_fusion, gaf_images, generate_gaf_3channel

WALK = random_walk(2000)
WINDOWS = np.lib.stride_tricks.sliding_window_view(WALK.close, 60)[:200:10]
# Golden vectors: the field of closes 236 .. 299, statistics that pyts 0.14.1 confirms to 2.7e-9.
T = np.arange(236, 300)
GOLDEN = 100 + 10 * np.sin(T / 7) + 3 * np.sin(T / 2.3) + 0.02 * T


def angles(window: np.ndarray) -> np.ndarray:
    low, high = window.min(), window.max()
    return np.arccos(np.clip((2.0 * window - high - low) / (high - low), -1.0, 1.0))


def test_the_fields_are_sums_and_differences_of_angles() -> None:
    images = gaf_images(WINDOWS)
    assert images.shape == (20, 3, 60, 60)
    assert images.dtype == np.float32
    for window, image in zip(WINDOWS, images, strict=True):
        phi = angles(window)
        np.testing.assert_allclose(image[0], np.cos(phi[:, None] + phi), atol=5e-7)
        np.testing.assert_allclose(image[1], np.sin(phi[:, None] - phi), atol=5e-7)
    assert np.abs(images).max() <= 1.0 + 1e-6


def test_the_golden_numbers_come_out_of_the_fields() -> None:
    gasf, gadf = gaf_images(GOLDEN[None], channels=("gasf", "gadf"))[0].astype(np.float64)
    diagonal = np.diag(gasf)
    found = [
        *(diagonal.mean(), diagonal.std(), gasf[:32, :32].mean(), gasf[32:, 32:].mean()),
        *(gasf.mean(), gasf.std(), gadf.mean(), gadf.std()),
        *(gasf[-10:, -10:].mean(), gasf[:10, :10].mean()),
        *(np.diag(gadf, k).mean() for k in (1, 4, 16)),
    ]
    expected = [
        *(-0.29473595, 0.63074367, -0.52615021, -0.53417390),
        *(-0.56560793, 0.46503781, 0.0, 0.67030084),
        *(-0.15784279, -0.80097645),
        *(-0.03418766, -0.10260736, -0.07591866),
    ]
    np.testing.assert_allclose(found, expected, atol=2e-7)


def test_pieces_are_averaged_before_they_are_scaled() -> None:
    images = gaf_images(WINDOWS, 24, channels="gasf")
    bounds = np.linspace(0, 60, 25).astype(int)
    for window, image in zip(WINDOWS, images[:, 0], strict=True):
        means = np.array([window[a:b].mean() for a, b in pairwise(bounds)])
        phi = angles(means)
        np.testing.assert_allclose(image, np.cos(phi[:, None] + phi), atol=5e-7)


def test_the_mirrored_market_has_the_same_sum_and_the_opposite_difference() -> None:
    up, down = gaf_images(WINDOWS), gaf_images(300.0 - WINDOWS)
    np.testing.assert_allclose(up[:, 0], down[:, 0], atol=1e-6)
    np.testing.assert_allclose(up[:, 1], -down[:, 1], atol=1e-6)


def test_the_scale_plane_is_the_log_range() -> None:
    planes = gaf_images(WINDOWS, 8)[:, 2]
    spans = np.log(WINDOWS.max(axis=1) / WINDOWS.min(axis=1))
    expected = np.tanh(0.5 * np.log(spans / 0.05))
    np.testing.assert_allclose(planes, np.broadcast_to(expected[:, None, None], (20, 8, 8)), 1e-6)
    given = gaf_images(WINDOWS - 500.0, 8, scale=np.linspace(-2.0, 2.0, 20))[:, 2, 3, 5]
    np.testing.assert_allclose(given, np.clip(np.linspace(-2.0, 2.0, 20), -1.0, 1.0), 1e-6)


def test_a_flat_window_is_grey_and_an_unknown_one_unknown() -> None:
    windows = WINDOWS[:4].copy()
    windows[1] = 33.333
    windows[2, 17] = np.nan
    images = gaf_images(windows)
    np.testing.assert_array_equal(flat_windows(windows), [False, True, False, False])
    assert not images[1].any()
    assert np.isnan(images[2]).all()
    np.testing.assert_array_equal(images[[0, 3]], gaf_images(windows[[0, 3]]))


def test_a_buffer_is_filled_and_returned() -> None:
    buffer = np.full((20, 3, 60, 60), 9.0, dtype=np.float32)
    assert gaf_images(WINDOWS, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, gaf_images(WINDOWS))
    for wrong in (buffer[:3], buffer.astype(np.float64), buffer.transpose(0, 1, 3, 2)):
        with pytest.raises(UsageError, match="a buffer"):
            gaf_images(WINDOWS, out=wrong)


def test_other_windows_are_refused() -> None:
    for arguments in ({"size": 61}, {"size": 1}, {"channels": ("mtf",)}, {"scale": [0.5]}):
        with pytest.raises(UsageError):
            gaf_images(WINDOWS, **arguments)
    with pytest.raises(UsageError):
        gaf_images(WINDOWS[0])
    with pytest.raises(DataError, match="not positive"):
        gaf_images(WINDOWS - 500.0)
    assert gaf_images(WINDOWS[:0]).shape == (0, 3, 60, 60)


def closed(bars: Bars, row: int, label: str) -> np.ndarray:
    """The closes of the coarse bars that lie whole within the first bars, up to a row."""
    frame = Timeframe.of(label)
    slots = [frame.floor(int(time)) for time in bars.open_time[: row + 1]]
    ends = dict(zip(slots, bars.close, strict=False))
    now = int(bars.close_time[row])
    return np.array([close for slot, close in ends.items() if slot + frame.ms <= now])


def test_a_fusion_shows_closed_bars_of_every_timeframe() -> None:
    rows = [1700, 1701, 1999]
    images = gaf_fusion(WALK, ["1h", "4h", "1d"], rows=rows, window=30)
    assert images.shape == (3, 9, 30, 30)
    for image, row in zip(images, rows, strict=True):
        for place, label in enumerate(("1h", "4h", "1d")):
            expected = gaf_images(closed(WALK, row, label)[-30:][None])[0]
            np.testing.assert_array_equal(image[3 * place : 3 * place + 3], expected)


def test_a_fusion_knows_nothing_of_what_comes_later() -> None:
    early = gaf_fusion(WALK.until(1500), ["1h", "4h"], window=20, size=10)
    late = gaf_fusion(WALK, ["1h", "4h"], rows=[1499], window=20, size=10)
    np.testing.assert_array_equal(early, late)


def test_a_fusion_is_unknown_until_every_bar_is_there() -> None:
    images = gaf_fusion(WALK, ["1h", "1d"], rows=[100], window=20, channels=("gadf",))
    assert np.isfinite(images[0, 0]).all()
    assert np.isnan(images[0, 1]).all()
    for arguments in ({"rows": [2000]}, {"window": 1}, {"timeframes": ["30m"]}):
        with pytest.raises(UsageError):
            gaf_fusion(WALK, **{"timeframes": ["1h"], **arguments})


def resized(plane: np.ndarray, size: int) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")
    made = torch.nn.functional.interpolate(
        torch.tensor(plane)[None, None], size=(size, size), mode="bilinear", align_corners=False
    )
    return made[0, 0].numpy()


@pytest.mark.parametrize("size", [224, 64, 31])
def test_the_documents_picture_is_stretched_and_resized(size: int) -> None:
    series = WALK.close[300:364]
    drawn = generate_gaf_3channel(series, image_size=size)
    assert (drawn.shape, drawn.dtype) == ((size, size, 3), np.uint8)
    phi = angles(series)
    z = np.cos(phi)
    planes = (np.cos(phi[:, None] + phi), np.sin(phi[:, None] - phi), np.outer(z, z))
    for place, plane in enumerate(planes):
        unit = (plane - plane.min()) / (plane.max() - plane.min())
        exact = 255.0 * resized(unit, size)
        assert np.abs(drawn[..., place] - exact).max() <= 0.5 + 1e-9


def test_the_documents_picture_has_its_default_size_and_a_grey_for_nothing() -> None:
    assert generate_gaf_3channel(WALK.close[:100]).shape == (224, 224, 3)
    assert (generate_gaf_3channel([5.0] * 9, 16) == 128).all()
    with pytest.raises(DataError, match="unknown"):
        generate_gaf_3channel([1.0, float("nan"), 2.0])
    with pytest.raises(UsageError, match="shape"):
        generate_gaf_3channel([1.0])
