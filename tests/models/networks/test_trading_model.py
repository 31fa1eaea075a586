"""The TradingModel of document 001: its layout, mended, and what the mending is good for."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.models.networks.exported import answers, program

torch = pytest.importorskip("torch", reason="needs the extra neural")

from torch import nn  # noqa: E402

from folkmoot.models.networks.head import count  # noqa: E402
from folkmoot.models.networks.trading_model import (  # noqa: E402
    TradingMember,
    TradingModel,
    candles,
)

CONFIG = {"input_channels": 5, "n_indicators": 10, "output_dim": 3}
STEPS = 12


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settle(made: Any, head: Any) -> Any:
    """Give the norm its statistics and the answers a size of the order of one."""
    nn.init.normal_(head[-1].weight, std=4.0)
    for part in made.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2.0)
    return made.eval()


@pytest.fixture
def model() -> TradingModel:
    torch.manual_seed(3)
    made = TradingModel(CONFIG, channels=8, hidden=16)
    return settle(made, made.predictor)


@pytest.fixture
def member() -> TradingMember:
    torch.manual_seed(3)
    made = TradingMember(7, 3, channels=8, hidden=16)
    return settle(made, made.model.predictor)


def rows(count: int, *shape: int) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(count))


def pair(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return rows(count, STEPS, 5), rows(count, 10)


def documents_layout() -> nn.ModuleList:
    """Return the layers that document 001 lists, as it lists them."""
    return nn.ModuleList(
        (
            nn.Conv1d(5, 64, kernel_size=3),
            nn.BatchNorm1d(64),
            nn.LSTM(64, 128, num_layers=2, dropout=0.2, batch_first=True),
            nn.MultiheadAttention(128, 4),
            nn.Linear(10, 64),
            nn.Linear(128 + 64, 64),
            nn.Linear(64, 3),
        )
    )


def test_the_sizes_of_the_document_and_of_ours() -> None:
    assert count(documents_layout()) == 311_875
    # A layer norm, a branch of 128 instead of 64, its gate, and a narrower first answer layer.
    mended = 311_875 + 256 + 11 * 64 + (256 * 128 + 128) - 64 * 64
    assert count(TradingModel(CONFIG)) == mended == 341_635


def test_config_is_an_object_or_a_mapping_and_is_kept() -> None:
    config = SimpleNamespace(**CONFIG)
    made = TradingModel(config)
    assert made.config is config
    assert made(*pair(4)).shape == (4, 3)
    again = TradingModel(CONFIG)
    again.load_state_dict(made.state_dict())
    torch.testing.assert_close(again.eval()(*pair(4)), made.eval()(*pair(4)))


@torch.inference_mode()
def test_a_row_is_answered_from_itself_alone(model: TradingModel) -> None:
    x, told = pair(33)
    whole = model(x, told)
    assert float(whole.std()) > 0.05
    torch.testing.assert_close(model(x[17:18], told[17:18]), whole[17:18], rtol=0, atol=1e-5)
    torch.testing.assert_close(model(x.flip(0), told.flip(0)).flip(0), whole, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_the_state_of_a_step_depends_on_no_later_step(model: TradingModel) -> None:
    x, _ = pair(4)
    before = model.encode(x)
    assert before.shape == (4, STEPS, 16)
    for step in (0, 5, STEPS - 1):
        changed = x.clone()
        changed[:, step:] += 3.0
        after = model.encode(changed)
        torch.testing.assert_close(after[:, :step], before[:, :step], rtol=0, atol=1e-6)
        assert bool((after[:, step:] != before[:, step:]).any(dim=2).all())


@torch.inference_mode()
def test_the_answer_joins_the_last_state_and_the_gated_indicators(model: TradingModel) -> None:
    x, told = pair(6)
    h, branch = model.encode(x)[:, -1], model.technical_layer(told)
    gate = model.explain(x, told)["gate"]
    torch.testing.assert_close(gate, torch.sigmoid(model.gate(torch.cat((h, branch), 1))))
    wanted = model.predictor(h + gate * branch)
    torch.testing.assert_close(model(x, told), wanted, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_attention_is_causal_and_sums_to_one(model: TradingModel) -> None:
    paid = model.explain(*pair(3))["attention"]
    assert paid.shape == (3, 4, STEPS, STEPS)
    torch.testing.assert_close(paid.sum(3), torch.ones(3, 4, STEPS))
    assert float(paid.triu(1).abs().max()) == 0.0


def test_gradient_checkpointing_keeps_less_and_changes_nothing(model: TradingModel) -> None:
    slopes, kept = [], []
    for again in (False, True):
        if again:
            model.gradient_checkpointing_enable()
        torch.manual_seed(5)
        model.train().zero_grad()
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: sizes.append(t.numel()) or t, lambda t: t
        ):
            loss = model(*pair(9)).square().sum()
        loss.backward()
        kept.append(sum(sizes))
        slopes.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-5)
    assert kept[1] < 0.5 * kept[0]


def bars(count: int) -> torch.Tensor:
    """Return log open, high, low and close about the last close, log volume, volatility."""
    raw = 0.01 * rows(count, STEPS, 6)
    raw[:, :, 4] = 12.0 + 100.0 * raw[:, :, 4]
    raw[:, :, 5] = 0.01
    return raw


def test_a_candle_is_told_from_the_close_before_it() -> None:
    raw = bars(4)
    found = candles(raw)
    assert found.shape == (4, STEPS, 5)
    wanted = (raw[:, 3, 1] - raw[:, 2, 3]) / 0.01
    torch.testing.assert_close(found[:, 3, 1], wanted.clamp(-8.0, 8.0))
    torch.testing.assert_close(found[:, 0, 0], torch.zeros(4))
    torch.testing.assert_close(found[:, :, 4].mean(1), torch.zeros(4), rtol=0, atol=1e-5)


def test_a_price_of_any_size_gives_the_same_candles() -> None:
    raw, moved = bars(4), bars(4)
    moved[:, :, :4] += 0.25
    moved[:, :, 4] += 3.0
    torch.testing.assert_close(candles(moved), candles(raw), rtol=0, atol=1e-4)
    flat = torch.zeros(1, STEPS, 6)
    torch.testing.assert_close(candles(flat), torch.zeros(1, STEPS, 5))


@torch.inference_mode()
def test_the_member_reads_candles_and_the_last_steps_features(member: TradingMember) -> None:
    x, raw = rows(5, STEPS, 7), bars(5)
    answer = member(x, raw)
    torch.testing.assert_close(answer, member.model(candles(raw), x[:, -1]))
    x[:, :-1] += 1.0
    torch.testing.assert_close(member(x, raw), answer)
    assert set(member.explain(x, raw)) == {"attention", "gate"}


def test_every_parameter_learns(member: TradingMember) -> None:
    member.train()(rows(9, STEPS, 7), bars(9)).square().sum().backward()
    for name, parameter in member.named_parameters():
        assert float(parameter.grad.abs().max()) > 0.0, name


def test_onnx_runtime_gives_the_same_answers(member: TradingMember) -> None:
    found = program(member, rows(3, STEPS, 7), bars(3))
    for n in (1, 33):
        x, raw = rows(n, STEPS, 7), bars(n)
        with torch.inference_mode():
            wanted = member(x, raw).numpy()
        np.testing.assert_allclose(answers(found, x, raw), wanted, rtol=0, atol=1e-5)
