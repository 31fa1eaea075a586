"""What the attention networks and their neighbours promise, and what a transformer is equal to."""

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from folkmoot.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks import head  # noqa: E402  # after the check for torch
from folkmoot.models.networks.dlinear import DLinearNetwork  # noqa: E402
from folkmoot.models.networks.informer import InformerNetwork  # noqa: E402
from folkmoot.models.networks.nhits import NHITSNetwork  # noqa: E402
from folkmoot.models.networks.patchtst import PatchTSTNetwork  # noqa: E402
from folkmoot.models.networks.transformer import (  # noqa: E402
    BarDropout,
    TransformerNetwork,
    seen,
    sinusoidal,
)

FEATURES, STEPS, OUT = 5, 21, 3
SMALL: dict[str, Any] = {"width": 16, "heads": 2, "hidden": 24, "layers": 2}
CAUSAL: dict[str, Callable[[], Any]] = {
    "causal": lambda: TransformerNetwork(FEATURES, STEPS, OUT, causal=True, **SMALL),
    "rotary": lambda: TransformerNetwork(
        FEATURES, STEPS, OUT, causal=True, positions="rotary", **SMALL
    ),
    "informer": lambda: InformerNetwork(FEATURES, STEPS, OUT, factor=2, **SMALL),
    "informer3": lambda: InformerNetwork(FEATURES, STEPS, OUT, factor=1, **SMALL | {"layers": 3}),
}
NETWORKS: dict[str, Callable[[], Any]] = CAUSAL | {
    "standard": lambda: TransformerNetwork(FEATURES, STEPS, OUT, **SMALL),
    "official": lambda: InformerNetwork(FEATURES, STEPS, OUT, factor=2, causal=False, **SMALL),
    "patchtst": lambda: PatchTSTNetwork(FEATURES, STEPS, OUT, **SMALL),
    "patchtst_apart": lambda: PatchTSTNetwork(FEATURES, STEPS, OUT, mixing=False, **SMALL),
    "nhits": lambda: NHITSNetwork(FEATURES, STEPS, OUT, width=16, channels=4),
    "dlinear": lambda: DLinearNetwork(FEATURES, STEPS, OUT, average=5),
}
VARIANTS = ("standard", "causal", "informer3", "patchtst")
"""Those whose operations are all in another one's graph: an export takes seconds."""
every_network = pytest.mark.parametrize("name", NETWORKS)
every_causal = pytest.mark.parametrize("name", CAUSAL)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield
    torch.set_num_threads(before)


def network(name: str) -> Any:
    made = NETWORKS[name]()
    last = made.answer if name == "dlinear" else made.head[-1]
    torch.nn.init.normal_(last.weight)
    return made.eval()


def windows(rows: int) -> Any:
    return torch.randn(rows, STEPS, FEATURES)


def test_the_presets_have_their_exact_counts() -> None:
    assert head.count(TransformerNetwork(64, 60, 3)) == 490_467
    assert head.count(TransformerNetwork(64, 60, 3, hidden=320, causal=True)) == 465_795
    rotary = TransformerNetwork(64, 60, 3, hidden=320, causal=True, positions="rotary")
    assert head.count(rotary) == 465_795
    assert head.count(InformerNetwork(64, 60, 3)) == 333_507


@every_network
@torch.inference_mode()
def test_a_row_does_not_depend_on_the_other_rows_or_its_place(name: str) -> None:
    made, x = network(name), windows(40)
    together = made(x)
    assert together.shape == (40, OUT)
    assert float(together.std(dim=0).min()) > 0.01
    alone = torch.cat([made(row[None]) for row in x])
    torch.testing.assert_close(together, alone, rtol=0.0, atol=1e-5)
    torch.testing.assert_close(together, made(x.flip(0)).flip(0), rtol=0.0, atol=1e-5)


@every_network
@torch.inference_mode()
def test_the_order_of_the_bars_matters(name: str) -> None:
    made, x = network(name), windows(8)
    permuted = x[:, [*torch.randperm(STEPS - 1).tolist(), STEPS - 1]]
    assert float((made(x) - made(permuted)).abs().amax(dim=1).min()) > 1e-3


@every_network
def test_every_number_that_learns_gets_a_gradient_and_recomputing_keeps_it(name: str) -> None:
    made, x = network(name).train(), windows(6)
    grads = []
    for _ in range(2):
        torch.manual_seed(1)
        made.zero_grad()
        made(x).square().sum().backward()
        grads.append({key: value.grad.clone() for key, value in made.named_parameters()})
        head.recompute(made)
    for key, grad in grads[0].items():
        assert bool(grad.any()), key
        torch.testing.assert_close(grads[1][key], grad, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in VARIANTS])
def test_onnx_runtime_gives_the_same_answers(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    made, buffer = network(name), io.BytesIO()
    rows = torch.export.Dim("rows", min=1)
    with warnings.catch_warnings():
        # The exporter uses a class that torch itself calls deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(made, (windows(7),), dynamic_shapes=({0: rows},), verbose=False).save(
            buffer
        )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    for x in (windows(1), windows(33)):
        (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        np.testing.assert_allclose(answer, made(x).detach().numpy(), rtol=0.0, atol=1e-5)


@every_causal
@torch.inference_mode()
def test_no_position_depends_on_a_later_bar(name: str) -> None:
    made, x = network(name), windows(16)
    before = made.every(x)
    positions = before.shape[1]
    ends = STEPS - 1 - (torch.arange(positions).flip(0) * round(STEPS / positions))
    for bar in (0, 4, 11, STEPS - 1):
        changed = x.clone()
        changed[:, bar:] += 3.0 * torch.randn_like(x[:, bar:])
        after = made.every(changed)
        torch.testing.assert_close(after[:, ends < bar], before[:, ends < bar], rtol=0.0, atol=1e-6)
        assert bool((after[:, ends >= bar] != before[:, ends >= bar]).any(dim=-1).all())


@every_causal
@torch.inference_mode()
def test_the_answer_is_the_one_at_the_last_bar(name: str) -> None:
    made, x = network(name), windows(9)
    torch.testing.assert_close(made(x), made.every(x)[:, -1], rtol=0.0, atol=1e-5)


def peer(made: Any) -> Any:
    """Build torch's own encoder with the same weights."""
    layer = torch.nn.TransformerEncoderLayer(16, 2, 24, 0.0, batch_first=True, norm_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    for ours, theirs in zip(made.layers, encoder.layers, strict=True):
        attention = theirs.self_attn
        pairs = ((theirs.norm1, ours.before), (theirs.norm2, ours.between))
        pairs += ((theirs.linear1, ours.widen), (theirs.linear2, ours.narrow))
        for a, b in (*pairs, (attention.out_proj, ours.attention.outward)):
            a.load_state_dict(b.state_dict())
        attention.in_proj_weight.data = ours.attention.inward.weight.data
        attention.in_proj_bias.data = ours.attention.inward.bias.data
    return encoder.eval()


@pytest.mark.parametrize("name", ["standard", "causal"])
@torch.inference_mode()
def test_a_transformer_is_torchs_encoder_read_at_the_last_bar(name: str) -> None:
    made, x = network(name), windows(9)
    mask = ~seen(STEPS, STEPS) if name == "causal" else None
    encoded = peer(made)(made.embed(x) + sinusoidal(STEPS, 16), mask=mask)
    theirs = made.head(made.norm(encoded[:, -1]))
    torch.testing.assert_close(made(x), theirs, rtol=0.0, atol=1e-5)


def test_places_are_the_papers_sines_and_cosines() -> None:
    places = sinusoidal(60, 128).numpy()
    pos, i = np.arange(60)[:, None], np.arange(64)
    angle = pos / 10_000.0 ** (2.0 * i / 128)
    np.testing.assert_allclose(places[:, 0::2], np.sin(angle), rtol=0.0, atol=1e-5)
    np.testing.assert_allclose(places[:, 1::2], np.cos(angle), rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("start", [0, 5_000_000])
def test_a_rotary_stream_answers_what_each_window_would(start: int) -> None:
    made = network("rotary")
    bars = torch.randn(300, FEATURES)
    stream = made.stream()
    stream.bars = start
    told = np.array([stream.push(bar.numpy()) for bar in bars])
    assert start or np.isnan(told[: STEPS - 1]).all()
    with torch.inference_mode():
        asked = made(bars.unfold(0, STEPS, 1).transpose(1, 2))
    np.testing.assert_allclose(told[STEPS - 1 :], asked.numpy(), rtol=0.0, atol=1e-5)


def test_a_rotary_answer_reaches_no_further_than_its_window() -> None:
    made = TransformerNetwork(FEATURES, 60, OUT, causal=True, positions="rotary")
    x = torch.randn(2, 60, FEATURES, requires_grad=True)
    made(x).sum().backward()
    assert made.band == 20
    reached = x.grad.abs().sum(dim=(0, 2)) > 0.0
    assert reached.tolist() == [False] * 2 + [True] * 58


def test_what_cannot_be_exact_is_refused() -> None:
    with pytest.raises(UsageError, match="later bars"):
        network("standard").every(windows(1))
    with pytest.raises(UsageError, match="move with it"):
        network("causal").stream()
    for wrong in ({"positions": "rotary"}, {"positions": "learnt"}, {"width": 18, "heads": 4}):
        with pytest.raises(UsageError, match=r"positions|divided"):
            TransformerNetwork(FEATURES, STEPS, OUT, **wrong)


@pytest.mark.parametrize("name", ["standard", "causal", "rotary", "informer", "official"])
@torch.inference_mode()
def test_explained_attention_is_what_the_layer_gathers_with(name: str) -> None:
    made, x = network(name), windows(6)
    told = made.explain(x)
    assert told["attention"].shape == (6, STEPS)
    torch.testing.assert_close(told["attention"].sum(dim=1), torch.ones(6))
    torch.testing.assert_close(told["heads"].mean(dim=1)[:, 0], told["attention"])
    is_last = isinstance(made, TransformerNetwork)
    layer = made.layers[-1 if is_last else 0]
    hidden = made._encode(x, [STEPS]) if is_last else made.embed(x) + made.place
    normed = layer.before(hidden)
    _, _, v = layer.attention.project(normed, STEPS)
    gathered = layer.attention.outward((told["heads"] @ v).transpose(1, 2).flatten(2))
    mask = made._mask(1, STEPS) if is_last else None
    torch.testing.assert_close(gathered, layer.attention(normed, 1, mask), rtol=0.0, atol=1e-5)


def test_what_is_learnt_at_every_bar_is_the_directions_cross_entropy() -> None:
    made = TransformerNetwork(FEATURES, STEPS, 16, causal=True, dropout=0.0, **SMALL)
    x, base = windows(4), torch.randn(4, 2)
    up = (torch.rand(4, STEPS, 2) < 0.5).float()
    up[0, :5] = torch.nan
    raw, loss = made.learn((x,), (up, base))
    torch.testing.assert_close(raw, made(x), rtol=0.0, atol=1e-5)
    p = torch.sigmoid(made.every(x)[:, :, [0, 8]] + base[:, None])
    right = torch.where(up == 1.0, p, 1.0 - p).log()
    torch.testing.assert_close(loss, -right[~torch.isnan(up)].mean())
    raw, nothing = made.learn((x,), ())
    assert (nothing, raw.shape) == (0.0, (4, 16))


def test_dropout_drops_the_same_features_at_every_bar_and_none_when_asked() -> None:
    drop, x = BarDropout(0.5), torch.ones(4, 7, 32)
    dropped = drop(x)
    assert sorted(dropped.unique().tolist()) == [0.0, 2.0]
    assert bool((dropped == dropped[:, :1]).all())
    assert drop.eval()(x) is x
