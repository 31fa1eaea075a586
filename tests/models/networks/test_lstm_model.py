"""The LSTM with attention of document 004."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.models.networks.exported import answers, program

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.head import count, recompute  # noqa: E402
from folkmoot.models.networks.lstm_model import LSTMModel  # noqa: E402

STEPS, FEATURES = 12, 7


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model() -> LSTMModel:
    torch.manual_seed(3)
    made = LSTMModel(FEATURES, STEPS, 6, hidden=8, heads=2, horizons=2).eval()
    for head in made.heads:
        torch.nn.init.normal_(head[-1].weight, std=4.0)
    return made


def rows(count: int) -> torch.Tensor:
    return torch.randn(count, STEPS, FEATURES, generator=torch.Generator().manual_seed(count))


def test_lstm_and_attention_have_the_documents_size() -> None:
    made = LSTMModel.create_optimized_model(input_dim=64, sequence_length=60)
    core = sum(count(layer.layer) for layer in made.layers) + count(made.attention)
    assert core == 1_252_352
    # Four layer norms of 256 and four heads of 256 -> 64 -> 32 -> 8.
    assert count(made) == core + 4 * 512 + 4 * (256 * 64 + 64 + 64 * 32 + 32 + 32 * 8 + 8)


def test_the_documents_call_answers_every_horizon() -> None:
    made = LSTMModel.create_optimized_model(input_dim=FEATURES, sequence_length=STEPS)
    assert made(rows(5)).shape == (5, 4 * 8)
    one = LSTMModel.create_optimized_model(FEATURES, STEPS, (1, 24), outputs_per_horizon=1)
    assert one(rows(5)).shape == (5, 2)


@torch.inference_mode()
def test_horizons_have_heads_of_their_own(model: LSTMModel) -> None:
    before = model(rows(4))
    model.heads[1][-1].bias += 1.0
    torch.testing.assert_close(model(rows(4))[:, :3], before[:, :3], rtol=0, atol=0)
    torch.testing.assert_close(model(rows(4))[:, 3:], before[:, 3:] + 1.0)


@torch.inference_mode()
def test_a_row_is_answered_from_itself_alone(model: LSTMModel) -> None:
    x = rows(33)
    whole = model(x)
    assert float(whole.std()) > 0.05
    torch.testing.assert_close(model(x[17:18]), whole[17:18], rtol=0, atol=1e-5)
    torch.testing.assert_close(model(x.flip(0)).flip(0), whole, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_attention_sums_to_one_and_is_what_was_used(model: LSTMModel) -> None:
    x = rows(9)
    paid = model.explain(x)["attention"]
    assert paid.shape == (9, 2, 1, STEPS)
    torch.testing.assert_close(paid.sum(3), torch.ones(9, 2, 1))
    states = x
    for layer in model.layers:
        states = layer(states)
    value, bias = model.attention.in_proj_weight[32:], model.attention.in_proj_bias[32:]
    values = (states @ value.T + bias).unflatten(2, (2, 8))
    found = torch.einsum("rhqs,rshw->rqhw", paid, values).flatten(1)
    pooled = model.norm(states[:, -1] + model.attention.out_proj(found))
    torch.testing.assert_close(
        torch.cat([head(pooled) for head in model.heads], 1), model(x), rtol=0, atol=1e-5
    )


@torch.inference_mode()
def test_the_whole_window_is_read(model: LSTMModel) -> None:
    before = model(rows(2))
    for step in range(STEPS):
        x = rows(2)
        x[:, step] += 1.0
        assert bool((model(x) != before).all()), step


def test_every_parameter_learns_also_when_layers_are_recomputed(model: LSTMModel) -> None:
    slopes = []
    for again in (False, True):
        assert not again or recompute(model) == 5
        torch.manual_seed(4)
        model.train().zero_grad()
        model(rows(5)).square().sum().backward()
        for name, parameter in model.named_parameters():
            assert float(parameter.grad.abs().max()) > 0.0, name
        slopes.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-5)


def test_onnx_runtime_gives_the_same_answers(model: LSTMModel) -> None:
    found = program(model, rows(3))
    for x in (rows(1), rows(33)):
        with torch.inference_mode():
            np.testing.assert_allclose(answers(found, x), model(x).numpy(), rtol=0, atol=1e-5)
