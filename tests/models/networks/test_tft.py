"""The Temporal Fusion Transformer: its blocks against another implementation, and its laws.

`tft_blocks.json` holds what neuralforecast 3.3.0 answers, block by block, to inputs and weights
that a formula gives; it says how. Its blocks follow the paper where pytorch-forecasting's do not
(that one interpolates a residual of another width; the paper and ours are linear in it). Compared
by copied weights: GLU, GRN without and with a context and another width, variable selection (output
and weights), and interpretable attention (output and weights of each head, causal).
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra neural")

from tests.models.networks import exported  # noqa: E402

from folkmoot.models.networks import tft_blocks  # noqa: E402  # after the check for torch
from folkmoot.models.networks.head import count, recompute  # noqa: E402
from folkmoot.models.networks.tft import TFTModel  # noqa: E402

GOLDEN = json.loads(Path(__file__).with_name("tft_blocks.json").read_text())
GRN = ("first.weight", "first.bias")
REST = ("second.weight", "second.bias", "gate.linear.weight", "gate.linear.bias")
SKIP = ("skip.weight", "skip.bias")
NORM = ("norm.weight", "norm.bias")
CONTEXT = ("context.weight",)
REFERENCE = 211_951


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        yield
    torch.set_num_threads(before)


def numbers(shape: Any, place: int) -> Any:
    flat = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64)
    return 0.5 * torch.sin(0.7 * flat + place).float().reshape(shape)


def fill(block: Any, names: tuple[str, ...], place: int = 0) -> Any:
    """Give the parameters, in the library's order, the formula's numbers."""
    for k, name in enumerate(names):
        parameter = block.get_parameter(name)
        parameter.data = numbers(parameter.shape, place + k)
    return block.eval()


def agree(found: Any, name: str) -> None:
    torch.testing.assert_close(found.flatten(), torch.tensor(GOLDEN[name]), rtol=0.0, atol=1e-5)


def test_a_gated_linear_unit_is_the_librarys() -> None:
    block = fill(tft_blocks.GLU(4, 6), ("linear.weight", "linear.bias"))
    agree(block(numbers((3, 4), 11)), "glu")


def test_a_gated_residual_network_is_the_librarys() -> None:
    block = fill(tft_blocks.GRN(4, 4), (*NORM, *GRN, *REST))
    agree(block(numbers((2, 3, 4), 11)), "grn")


def test_a_gated_residual_network_with_a_context_and_another_width_is_the_librarys() -> None:
    block = fill(tft_blocks.GRN(6, 3, 5, 4), (*NORM, *GRN, *CONTEXT, *REST, *SKIP))
    found = block(numbers((2, 3, 6), 11), numbers((2, 4), 12)[:, None])
    agree(found, "grn_context")


def fill_selection(block: Any) -> Any:
    """Copy the library's GRN of each variable into its slice of our batched weights."""
    fill(block.weigh, (*NORM, *GRN, *CONTEXT, *REST, *SKIP))
    for variable in range(3):
        own = fill(tft_blocks.GRN(4, 4), (*NORM, *GRN, *REST), 11 + 8 * variable)
        gate, bias = own.gate.linear.weight.data, own.gate.linear.bias.data
        found = {
            "gain": own.norm.weight.data,
            "shift": own.norm.bias.data,
            "first": own.first.weight.data.t(),
            "first_bias": own.first.bias.data,
            "second": own.second.weight.data.t(),
            "second_bias": own.second.bias.data,
            "value": gate[:4].t(),
            "value_bias": bias[:4],
            "gate": gate[4:].t(),
            "gate_bias": bias[4:],
        }
        for name, array in found.items():
            block.get_parameter(name).data[variable] = array
    return block.eval()


def test_variable_selection_is_the_librarys() -> None:
    block = fill_selection(tft_blocks.Selection(3, 4, 4, context=4))
    context = numbers((2, 4), 12)[:, None].expand(2, 3, 4).flatten(0, 1)
    found, weights = block(numbers((2, 3, 3, 4), 11).flatten(0, 1), context)
    agree(found, "selection")
    agree(weights, "selection_weights")


def test_interpretable_attention_is_the_librarys() -> None:
    block = tft_blocks.InterpretableAttention(4, 2).eval()
    joint = numbers((10, 4), 0)
    parts = (block.query, block.key, block.value)
    for layer, weight in zip(parts, joint.split((4, 4, 2)), strict=True):
        layer.weight.data = weight
    block.out.weight.data = numbers((4, 2), 1)
    found, weights = block(numbers((2, 5, 4), 11), 5)
    agree(found, "attention")
    agree(weights, "attention_weights")


@pytest.mark.parametrize("out", [8, 16])
@pytest.mark.parametrize("rows", [1, 5])
def test_numbers_are_selected_as_their_embeddings_would_be(out: int, rows: int) -> None:
    block = tft_blocks.NumberSelection(6, 8, out, context=3).eval()
    x, context = torch.randn(5, 7, 6), torch.randn(rows, 3)
    embedded = x[..., None] * block.scale + block.offset
    repeated = context.expand(5, 3)[:, None].expand(5, 7, 3)
    wanted, weights = block.selection(embedded.flatten(0, 1), repeated.flatten(0, 1))
    found = block(x, context)
    torch.testing.assert_close(found[0].flatten(0, 1), wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[1].flatten(0, 1), weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 9])
def test_pieces_are_the_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    block = tft_blocks.NumberSelection(6, 8, 16, context=3, dropout=0.0)
    x, context = torch.randn(9, 7, 6), torch.randn(rows, 3)
    wanted = block(x, context)
    monkeypatch.setattr(tft_blocks, "PIECE", 14)
    for found, whole in zip(block(x, context), wanted, strict=True):
        torch.testing.assert_close(found, whole, rtol=0.0, atol=1e-6)


def small(**options: Any) -> Any:
    given = {"horizons": 4, "known": 3, "hidden": 8, "heads": 2, **options}
    return TFTModel(5, 12, 32, **given).eval()


def shown(rows: int = 6) -> tuple[Any, Any]:
    return torch.randn(rows, 12, 5), torch.randn(rows, 16, 3)


def test_the_reference_shape_has_the_parameters_it_is_said_to_have() -> None:
    assert count(TFTModel(64, 60, 3)) == REFERENCE


@pytest.mark.parametrize("horizons", [1, 2, 4])
def test_each_horizon_gets_eight_raw_numbers(horizons: int) -> None:
    network = TFTModel(5, 12, 8 * horizons, horizons=horizons, known=3, hidden=8, heads=2)
    found = network(torch.randn(6, 12, 5), torch.randn(6, 12 + horizons, 3))
    assert found.shape == (6, 8 * horizons)
    assert found.abs().max() < 1.0


def test_a_row_alone_is_the_row_in_a_batch() -> None:
    network, inputs = small(), shown(70)
    whole = network(*inputs)
    for row in (0, 41, 69):
        alone = network(*(part[row : row + 1] for part in inputs))
        torch.testing.assert_close(alone, whole[row : row + 1], rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("step", [3, 11])
def test_no_state_knows_a_later_bar(step: int) -> None:
    network, (past, known) = small(), shown()
    before = network.read(past, known).temporal
    past[:, step] += 1.0
    after = network.read(past, known).temporal
    assert torch.equal(after[:, :step], before[:, :step])
    assert not torch.equal(after[:, step], before[:, step])


@pytest.mark.parametrize("place", [1, 3])
def test_no_horizon_sees_a_later_one(place: int) -> None:
    network, (past, known) = small(), shown()
    before = network(past, known).unflatten(1, (4, 8))
    known[:, 12 + place] += 1.0
    after = network(past, known).unflatten(1, (4, 8))
    assert torch.equal(after[:, :place], before[:, :place])
    assert not torch.equal(after[:, place], before[:, place])


def test_importances_and_attention_sum_to_one() -> None:
    told = small(identities=(3, 2)).explain(*shown())
    assert {name: tuple(part.shape) for name, part in told.items()} == {
        "past": (6, 8),
        "future": (6, 3),
        "static": (6, 2),
        "attention": (6, 2, 4, 16),
    }
    for part in told.values():
        torch.testing.assert_close(part.sum(-1), torch.ones(part.shape[:-1]))
        assert (part >= 0.0).all()


def test_attention_is_causal_over_the_horizons() -> None:
    later = small().explain(*shown())["attention"][..., 12:]
    assert torch.equal(later.triu(1), torch.zeros_like(later))
    assert (later.diagonal(dim1=2, dim2=3) > 0.0).all()


def test_identities_change_the_answer_and_zeros_are_the_default() -> None:
    network, inputs = small(identities=(3, 2)), shown()
    none = torch.zeros(6, 2, dtype=torch.long)
    torch.testing.assert_close(network(*inputs, none), network(*inputs), rtol=0.0, atol=1e-6)
    assert not torch.allclose(network(*inputs, none + 1), network(*inputs), atol=1e-4)


def test_recomputing_gives_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tft_blocks, "PIECE", 24)
    network, inputs = small().train(), shown()
    found = []
    for again in (False, True):
        assert not again or recompute(network) > 0
        torch.manual_seed(3)
        network.zero_grad()
        network(*inputs).square().sum().backward()
        found.append([p.grad.clone() for p in network.parameters() if p.grad is not None])
    assert all(layer.recompute for layer in network.selections)
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0.0, atol=1e-6)


def test_every_weight_learns() -> None:
    network = small().train()
    network(*shown()).square().sum().backward()
    asleep = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert asleep == []


def test_what_is_a_vector_of_each_variable_does_not_decay() -> None:
    network = small()
    kept = {id(p) for p in network.groups()[0]["params"]}
    for name, parameter in network.named_parameters():
        vector = parameter.ndim > 1 and name.endswith(("bias", "gain", "shift", "offset"))
        assert (id(parameter) in kept) == vector, name
    assert len(kept) == 2 * 7 + 6


def test_an_exported_network_answers_the_same() -> None:
    network = small()
    found = exported.program(network, *shown(2))
    for rows in (1, 7):
        inputs = shown(rows)
        with torch.inference_mode():
            wanted = network(*inputs)
        answer = torch.from_numpy(exported.answers(found, *inputs))
        torch.testing.assert_close(answer, wanted, rtol=0.0, atol=1e-5)
