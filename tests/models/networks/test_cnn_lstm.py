"""The CNN-LSTM hybrid of document 004."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.models.networks.exported import answers, program

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.cnn_lstm import CNNLSTMNetwork, Patterns  # noqa: E402
from folkmoot.models.networks.head import count, recompute  # noqa: E402

STEPS, FEATURES = 12, 7


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network() -> CNNLSTMNetwork:
    torch.manual_seed(3)
    made = CNNLSTMNetwork(FEATURES, STEPS, 3, channels=8, hidden=16, layers=2).eval()
    torch.nn.init.normal_(made.head[-1].weight, std=4.0)
    return made


def rows(count: int) -> torch.Tensor:
    return torch.randn(count, STEPS, FEATURES, generator=torch.Generator().manual_seed(count))


def test_the_size_at_the_reference_shape() -> None:
    convolutions = 64 * 64 * 5 + 64 + 64 * 64 * 3 + 64
    lstm, head = 4 * 96 * (64 + 96 + 2), 96 * 64 + 64 + 64 * 32 + 32 + 32 * 3 + 3
    assert count(CNNLSTMNetwork(64, 60, 3)) == convolutions + lstm + head == 103_491


@pytest.mark.parametrize("steps", [11, 12])
@pytest.mark.parametrize("stride", [1, 2, 3])
@torch.inference_mode()
def test_a_pattern_ends_at_its_step_counted_back_from_the_last(steps: int, stride: int) -> None:
    torch.manual_seed(1)
    layer = Patterns(2, 64, 3, stride)
    x = torch.randn(1, 2, steps)
    before = layer(x)
    ends = torch.arange(steps - 1, -1, -stride).flip(0)
    assert before.shape == (1, 64, len(ends))
    for step in range(steps):
        changed = x.clone()
        changed[:, :, step] += 5.0
        moved = (layer(changed) != before).any(dim=1)[0]
        assert torch.equal(moved, (ends >= step) & (ends - step < 3)), step


@torch.inference_mode()
def test_a_row_is_answered_from_itself_alone(network: CNNLSTMNetwork) -> None:
    x = rows(33)
    whole = network(x)
    assert float(whole.std()) > 0.05
    torch.testing.assert_close(network(x[17:18]), whole[17:18], rtol=0, atol=1e-5)
    torch.testing.assert_close(network(x.flip(0)).flip(0), whole, rtol=0, atol=1e-5)


def test_every_parameter_learns_also_when_layers_are_recomputed(network: CNNLSTMNetwork) -> None:
    slopes = []
    for again in (False, True):
        assert not again or recompute(network) == 4
        torch.manual_seed(4)
        network.train().zero_grad()
        network(rows(9)).square().sum().backward()
        for name, parameter in network.named_parameters():
            assert float(parameter.grad.abs().max()) > 0.0, name
        slopes.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-5)


def test_onnx_runtime_gives_the_same_answers(network: CNNLSTMNetwork) -> None:
    found = program(network, rows(3))
    for x in (rows(1), rows(33)):
        with torch.inference_mode():
            np.testing.assert_allclose(answers(found, x), network(x).numpy(), rtol=0, atol=1e-5)
