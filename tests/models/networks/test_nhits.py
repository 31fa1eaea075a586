"""What blocks of NHITS see and leave over."""

import numpy as np
import pytest

from folkmoot.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.nhits import Block, NHITSNetwork, hats  # noqa: E402  # after torch


@pytest.mark.parametrize(("knots", "steps"), [(1, 9), (2, 9), (5, 60), (30, 60), (7, 7)])
def test_a_curve_is_the_straight_line_between_its_knots(knots: int, steps: int) -> None:
    values = np.random.default_rng(knots).standard_normal(knots)
    at = np.linspace(0.0, knots - 1.0, steps)
    theirs = np.interp(at, np.arange(knots), values)
    np.testing.assert_allclose(values @ hats(knots, steps).numpy(), theirs, rtol=0.0, atol=1e-5)


@torch.inference_mode()
def test_a_block_pools_back_from_the_last_bar_and_leaves_its_curve_out() -> None:
    torch.manual_seed(1)
    block = Block(channels=2, steps=10, width=8, pool=4, rate=5, dropout=0.0).eval()
    x = torch.randn(3, 2, 10)
    parts = [x[:, :, :2], x[:, :, 2:6], x[:, :, 6:]]
    pooled = torch.stack([part.amax(dim=2) for part in parts], dim=2)
    hidden = block.layers(pooled.flatten(1))
    answer, left = block(x)
    torch.testing.assert_close(answer, block.answer(hidden))
    curve = block.curve(hidden).view(3, 2, 2) @ hats(2, 10)
    torch.testing.assert_close(left, x - curve)


@torch.inference_mode()
def test_the_answer_is_read_from_the_sum_of_the_blocks() -> None:
    torch.manual_seed(1)
    made = NHITSNetwork(5, 20, 3, channels=4, width=8).eval()
    x = torch.randn(6, 20, 5)
    left, total = made.mix(x).transpose(1, 2), torch.zeros(6, 8)
    for block in made.blocks:
        answer, left = block(left)
        total += answer
    torch.testing.assert_close(made(x), made.head(total))
    told = made.explain(x)["blocks"]
    assert told.shape == (6, 3)
    torch.testing.assert_close(told.sum(dim=1), torch.ones(6))


@pytest.mark.parametrize("wrong", [{"pools": (4,)}, {"pools": (4, 2, 0)}, {"pools": ()}])
def test_blocks_without_their_rates_are_refused(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="rates"):
        NHITSNetwork(5, 20, 3, **wrong)
