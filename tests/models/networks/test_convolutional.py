"""The convolutional networks: sizes, what a step sees, the paper's block, streams, ONNX."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from folkmoot.core.errors import DataError, UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from torch.nn import functional as F  # noqa: E402  # after the check for torch

from folkmoot.models.networks import convolutional, export, head, tcn  # noqa: E402  # the same
from folkmoot.models.networks.tcn_stream import TCNStream  # noqa: E402  # the same
from folkmoot.models.neural import serving  # noqa: E402  # the same

FEATURES, STEPS = 64, 60
KINDS = {
    "standard": convolutional.PlainNetwork,
    "resnet": convolutional.ResidualNetwork,
    "multiscale": convolutional.MultiScaleNetwork,
    "dilated": convolutional.DilatedNetwork,
    "tcn": tcn.TCNNetwork,
}
PARAMETERS = {
    "standard": 204_291,
    "resnet": 219_299,
    "multiscale": 282_051,
    "dilated": 149_347,
    "tcn": 201_523,
}
READ_AT_THE_NEWEST = {"dilated": 127, "tcn": 125}
every_kind = pytest.mark.parametrize("kind", KINDS)
newest_kind = pytest.mark.parametrize("kind", READ_AT_THE_NEWEST)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(kind: str, steps: int = STEPS, seed: int = 3, **options: Any) -> Any:
    """Build a network in evaluation mode whose biases and running means are not those of birth."""
    torch.manual_seed(seed)
    network = KINDS[kind](FEATURES, steps, 3, **options)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2.0)
        elif name.endswith(("bias", "running_mean")):
            tensor.normal_(0.0, 0.3)
        elif name.endswith("head.6.weight"):
            tensor.normal_()
    return network.eval()


def windows(rows: int, steps: int = STEPS, seed: int = 5) -> Any:
    return torch.randn(rows, steps, FEATURES, generator=torch.Generator().manual_seed(seed))


@every_kind
def test_a_preset_has_exactly_the_parameters_of_the_table(kind: str) -> None:
    assert head.count(KINDS[kind](FEATURES, STEPS, 3)) == PARAMETERS[kind]


def test_a_weight_norms_magnitudes_are_counted_as_folded() -> None:
    network = make("tcn")
    unfolded = sum(parameter.numel() for parameter in network.parameters())
    for block in network.blocks:
        for conv in (block.first, block.second):
            torch.nn.utils.parametrize.remove_parametrizations(conv, "weight")
    folded = sum(parameter.numel() for parameter in network.parameters())
    assert (folded, unfolded) == (PARAMETERS["tcn"], PARAMETERS["tcn"] + 10 * 80)


@newest_kind
def test_an_answer_sees_its_receptive_field_and_no_bar_more(kind: str) -> None:
    steps = 160
    network = make(kind, steps, dropout=0.0)
    x = windows(8, steps).requires_grad_()
    network(x).sum().backward()
    seen = (x.grad != 0.0).any(2).any(0).nonzero()[0, 0].item()
    assert steps - seen == network.receptive == READ_AT_THE_NEWEST[kind]


@pytest.mark.parametrize(("blocks", "bars"), [(4, 61), (5, 125), (6, 253)])
def test_the_receptive_field_of_a_tcn_follows_its_formula(blocks: int, bars: int) -> None:
    assert tcn.receptive(blocks, 3) == bars


@every_kind
def test_later_bars_leave_earlier_maps_bit_equal(kind: str) -> None:
    network, x = make(kind), windows(4)
    changed = x.clone()
    changed[:, 40:] += 10.0
    with torch.inference_mode():
        before, after = network.maps(x), network.maps(changed)
    assert torch.equal(before[..., :40], after[..., :40])
    assert not torch.equal(before[..., 40:], after[..., 40:])


@every_kind
def test_a_row_does_not_depend_on_its_batch_or_its_place_in_it(kind: str) -> None:
    network, x = make(kind), windows(33)
    with torch.inference_mode():
        batch = network(x)
        alone = torch.cat([network(row[None]) for row in x])
        turned = network(x.flip(0)).flip(0)
    torch.testing.assert_close(alone, batch, atol=1e-5, rtol=0.0)
    torch.testing.assert_close(turned, batch, atol=1e-5, rtol=0.0)


@newest_kind
@pytest.mark.parametrize("steps", [1, 2, 7, 60, 61, 64, 130])
def test_leaving_out_steps_that_do_not_matter_changes_nothing(kind: str, steps: int) -> None:
    network, x = make(kind, steps), windows(5, steps)
    with torch.inference_mode():
        every, newest = network.answers(x), network(x)
    torch.testing.assert_close(every[:, -1], newest, atol=1e-6, rtol=0.0)


@newest_kind
@pytest.mark.parametrize("kernel", [2, 4])
def test_other_kernels_leave_out_the_same_steps(kind: str, kernel: int) -> None:
    network, x = make(kind, kernel=kernel), windows(5)
    with torch.inference_mode():
        torch.testing.assert_close(network.answers(x)[:, -1], network(x), atol=1e-6, rtol=0.0)


def test_the_plain_mean_cannot_tell_the_newest_bar_and_spans_can() -> None:
    x = windows(1)
    x[:, :20] = x[:, 30:] = 0.0
    moved = x.roll(10, dims=1)
    said = {}
    for pool in convolutional.POOLS:
        network = make("standard", pool=pool)
        with torch.inference_mode():
            said[pool] = (network(moved) - network(x)).abs().max().item()
    assert said["mean"] < 1e-5 < 1e-3 < said["spans"]


def test_every_span_is_an_average_of_newest_bars() -> None:
    weight = convolutional.Pool(128, STEPS, "spans").weight[:, 0]
    torch.testing.assert_close(weight.sum(1), torch.ones(128))
    used = (weight > 0.0).sum(1)
    assert used[0] == 1
    assert used[-1] == STEPS
    assert (weight.diff(dim=1) >= 0.0).all()


def locuslab(x: Any, network: Any) -> Any:
    """Bai, Kolter and Koltun's network as their paper states it, over `[B, features, steps]`."""
    for k, block in enumerate(network.blocks):
        h = x
        for conv in (block.first, block.second):
            parts = conv.parametrizations.weight
            v = parts.original1[:, :, 0]
            weight = parts.original0[:, :, 0] * v / v.norm(dim=(1, 2), keepdim=True)
            both_sides = F.conv1d(h, weight, conv.bias, padding=2 * 2**k, dilation=2**k)
            h = both_sides[:, :, : -2 * 2**k].relu()
        past = x
        if block.shortcut is not None:
            past = F.conv1d(x, block.shortcut.weight[:, :, 0], block.shortcut.bias)
        x = (h + past).relu()
    return network.head(x[:, :, -1])


@pytest.mark.parametrize("steps", [60, 125])
def test_the_tcn_is_the_one_of_the_paper(steps: int) -> None:
    network, x = make("tcn", steps), windows(16, steps)
    with torch.inference_mode():
        expected = locuslab(x.transpose(1, 2), network)
        torch.testing.assert_close(network(x), expected, atol=1e-6, rtol=0.0)


def arrays(network: Any) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def pushed(stream: TCNStream, bars: Any) -> Any:
    return np.array([stream.push(bar) for bar in bars])


@pytest.mark.parametrize("options", [{}, {"width": 19, "kernel": 2}], ids=["preset", "odd"])
def test_a_stream_says_what_the_window_says_over_a_thousand_bars(options: dict[str, Any]) -> None:
    steps = 125
    network, bars = make("tcn", steps, **options), windows(1, 1_000 + steps - 1)[0]
    with torch.inference_mode():
        batch = network(bars.unfold(0, steps, 1).transpose(1, 2).contiguous()).numpy()
    streamed = pushed(TCNStream(arrays(network), steps), bars.numpy())
    assert np.isnan(streamed[: steps - 1]).all()
    assert np.abs(batch).max() > 0.1
    np.testing.assert_allclose(streamed[steps - 1 :], batch, atol=1e-5, rtol=0.0)


def test_a_stream_takes_weights_whose_norm_is_folded() -> None:
    network, bars = make("tcn", 125), windows(1, 130)[0].numpy()
    before = pushed(TCNStream(arrays(network), 125), bars)
    for block in network.blocks:
        for conv in (block.first, block.second):
            torch.nn.utils.parametrize.remove_parametrizations(conv, "weight")
    after = pushed(TCNStream(arrays(network), 125), bars)
    np.testing.assert_allclose(after, before, atol=1e-6, rtol=0.0)


def test_an_unknown_bar_makes_a_stream_start_anew() -> None:
    weights, bars = arrays(make("tcn", 125)), windows(1, 300)[0].numpy()
    fresh = pushed(TCNStream(weights, 125), bars[131:])
    bars[130, 7] = np.nan
    stream = TCNStream(weights, 125)
    found = pushed(stream, bars)
    assert np.isfinite(found[124:130]).all()
    np.testing.assert_array_equal(found[131:], fresh)


def test_a_window_shorter_than_what_is_seen_has_no_exact_stream() -> None:
    with pytest.raises(UsageError, match="the newest bar sees 125"):
        TCNStream(arrays(make("tcn")), 60)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda w: w.pop("blocks.2.first.bias"), "missing"),
        (lambda w: w.update({"blocks.2.first.bias": np.zeros(3)}), "sizes"),
        (lambda w: w.update({"head.3.weight": np.zeros((32, 8))}), "sizes"),
        (lambda w: w.clear(), "no blocks"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: Callable[[Any], Any], match: str) -> None:
    weights = arrays(make("tcn", 125))
    change(weights)
    with pytest.raises(DataError, match=match):
        TCNStream(weights, 125)


def test_a_bar_of_another_size_is_refused() -> None:
    stream = TCNStream(arrays(make("tcn", 125)), 125)
    with pytest.raises(UsageError, match="shape"):
        stream.push(np.zeros(3))


@every_kind
def test_onnx_runtime_says_what_torch_says(kind: str) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    network, x = make(kind), windows(9)
    session = serving.session(export.export(network, (x[:2].numpy(),)))
    with torch.inference_mode():
        expected = network(x).numpy()
    for some in (slice(0, 1), slice(0, 9)):
        found = serving.ask(session, (x[some].numpy(),))
        np.testing.assert_allclose(found, expected[some], atol=1e-5, rtol=0.0)


@every_kind
def test_recomputed_layers_learn_the_same(kind: str) -> None:
    x, learnt = windows(16), {}
    for wanted in (False, True):
        network = make(kind, dropout=0.0).train()
        if wanted:
            assert head.recompute(network) > 0
        network(x).square().sum().backward()
        slopes = {name: p.grad for name, p in network.named_parameters()}
        means = {name: b for name, b in network.named_buffers() if "running" in name}
        learnt[wanted] = {**slopes, **means}
    for name, expected in learnt[False].items():
        torch.testing.assert_close(learnt[True][name], expected, atol=1e-5, rtol=1e-4)


def test_a_batch_of_one_number_passes_the_norm() -> None:
    network = make("dilated").train()
    assert torch.isfinite(network(windows(1))).all()
