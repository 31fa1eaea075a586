"""DLinear is linear, and its parts are what they are called."""

import numpy as np
import pytest

from folkmoot.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.dlinear import (  # noqa: E402  # after the check for torch
    DLinearNetwork,
    averaging,
)


@pytest.mark.parametrize(("steps", "bars"), [(60, 25), (10, 25), (7, 1), (8, 3)])
def test_the_trend_is_the_mean_of_the_window_padded_with_its_ends(steps: int, bars: int) -> None:
    x = np.random.default_rng(1).standard_normal(steps)
    padded = np.pad(x, bars // 2, mode="edge")
    theirs = np.convolve(padded, np.full(bars, 1.0 / bars), mode="valid")
    np.testing.assert_allclose(averaging(steps, bars).numpy() @ x, theirs, rtol=0.0, atol=1e-6)


@torch.inference_mode()
def test_the_answer_is_linear_in_the_window() -> None:
    torch.manual_seed(1)
    made = DLinearNetwork(4, 30, 3).eval()
    a, b = torch.randn(2, 6, 30, 4)
    joined = made(2.0 * a - 3.0 * b)
    zero = made(torch.zeros_like(a))
    torch.testing.assert_close(
        joined - zero, 2.0 * (made(a) - zero) - 3.0 * (made(b) - zero), rtol=0.0, atol=1e-5
    )


@torch.inference_mode()
def test_a_columns_importance_is_what_the_answer_loses_without_it() -> None:
    torch.manual_seed(1)
    made = DLinearNetwork(4, 30, 3).eval()
    torch.nn.init.zeros_(made.trend.bias)
    torch.nn.init.zeros_(made.rest.bias)
    x = torch.randn(6, 30, 4)
    told = made.explain(x)["importance"]
    for column in range(4):
        without = x.clone()
        without[:, :, column] = 0.0
        lost = (made(x) - made(without)).abs().mean(dim=1)
        torch.testing.assert_close(told[:, column], lost, rtol=0.0, atol=1e-5)


def test_an_average_without_a_middle_is_refused() -> None:
    with pytest.raises(UsageError, match="middle"):
        DLinearNetwork(4, 30, 3, average=24)
