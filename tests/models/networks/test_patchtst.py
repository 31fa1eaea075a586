"""Patches end at the decision bar, and columns meet where they should."""

import pytest

from folkmoot.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.patchtst import (  # noqa: E402  # after the check for torch
    PatchTSTNetwork,
    places,
)

SMALL = {"width": 16, "heads": 2, "hidden": 24, "layers": 2}


@pytest.mark.parametrize(("steps", "patch", "stride"), [(60, 8, 4), (61, 8, 4), (7, 16, 8)])
def test_patches_cover_the_window_and_end_at_its_last_bar(
    steps: int, patch: int, stride: int
) -> None:
    bars = places(steps, patch, stride)
    assert bars[-1, -1] == steps - 1
    assert sorted(set(bars.flatten().tolist())) == list(range(steps))
    assert bool((bars.diff(dim=0)[1:, -1] == stride).all())


def test_sixty_bars_are_fourteen_patches() -> None:
    assert places(60, 8, 4).shape == (14, 8)


@torch.inference_mode()
def test_without_mixing_each_column_is_read_by_the_same_weights_alone() -> None:
    torch.manual_seed(1)
    made = PatchTSTNetwork(3, 20, 2, mixing=False, **SMALL).eval()
    x = torch.randn(5, 20, 3)
    together = made._encode(x, 2).unflatten(0, (5, 3))
    for column in range(3):
        alone = made._encode(x[:, :, [column]], 2)
        torch.testing.assert_close(together[:, column], alone, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("mixing", [True, False])
@torch.inference_mode()
def test_attention_between_patches_sums_to_one(mixing: bool) -> None:
    made = PatchTSTNetwork(3, 20, 2, mixing=mixing, **SMALL).eval()
    attention = made.explain(torch.randn(5, 20, 3))["attention"]
    assert attention.shape == (5, 2, 4, 4)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(5, 2, 4))


def test_a_stride_that_skips_bars_is_refused() -> None:
    with pytest.raises(UsageError, match="would skip"):
        PatchTSTNetwork(3, 20, 2, patch=4, stride=5)
