"""Recurrent networks: sizes, cells against the textbook recursion, attention, export."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.models.networks.exported import answers, program

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.cells import Layer  # noqa: E402
from folkmoot.models.networks.everywhere import direction_loss  # noqa: E402
from folkmoot.models.networks.head import count, recompute  # noqa: E402
from folkmoot.models.networks.pooling import Additive, Dot  # noqa: E402
from folkmoot.models.networks.recurrent import (  # noqa: E402
    Ends,
    RecurrentNetwork,
    ResidualNetwork,
)

STEPS, FEATURES = 12, 7
PLAIN: dict[str, tuple[dict[str, Any], int]] = {
    "lstm_standard": ({"kind": "lstm", "hidden": 96}, 145_091),
    "lstm_bidirectional": ({"kind": "lstm", "hidden": 88, "both": True}, 309_187),
    "lstm_stacked": ({"kind": "lstm", "hidden": 152, "layers": 3}, 516_611),
    "gru_standard": ({"kind": "gru", "hidden": 88}, 95_523),
    "gru_bidirectional": ({"kind": "gru", "hidden": 80, "both": True}, 198_723),
    "gru_stacked": ({"kind": "gru", "hidden": 156, "layers": 3}, 410_027),
    "gru_attention": ({"kind": "gru", "hidden": 96, "pool": "additive"}, 115_619),
    "gru_residual": ({"kind": "gru", "hidden": 104}, 147_115),
}
EVERY = [*PLAIN, "gru_dot"]
every = pytest.mark.parametrize("name", EVERY)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build(name: str, features: int, steps: int, **options: Any) -> Any:
    if name == "gru_dot":
        return build("gru_attention", features, steps, **{**options, "pool": "dot"})
    kind = ResidualNetwork if name == "gru_residual" else RecurrentNetwork
    return kind(features, steps, 3, **{**PLAIN[name][0], **options})


def network(name: str) -> Any:
    """Return a narrow network whose answers are of the order of one."""
    torch.manual_seed(3)
    made = build(name, FEATURES, STEPS, hidden=16).eval()
    torch.nn.init.normal_(made.head[-1].weight, std=4.0)
    return made


def rows(count: int) -> Any:
    return torch.randn(count, STEPS, FEATURES, generator=torch.Generator().manual_seed(count))


@pytest.mark.parametrize("name", PLAIN)
def test_the_reference_shape_has_the_published_size(name: str) -> None:
    assert count(build(name, 64, 60)) == PLAIN[name][1]


@every
@torch.inference_mode()
def test_a_row_is_answered_from_itself_alone(name: str) -> None:
    made, x = network(name), rows(33)
    whole = made(x)
    assert float(whole.std()) > 0.05
    for row in (0, 17, 32):
        torch.testing.assert_close(made(x[row : row + 1]), whole[row : row + 1], rtol=0, atol=1e-5)
    torch.testing.assert_close(made(x.flip(0)).flip(0), whole, rtol=0, atol=1e-5)


@every
def test_every_parameter_learns_and_dropout_falls_in_training_only(name: str) -> None:
    made, x = network(name), rows(5)
    torch.testing.assert_close(made(x), made(x), rtol=0, atol=0)
    assert not torch.equal(made.train()(x), made(x))
    made(x).square().sum().backward()
    for key, parameter in made.named_parameters():
        assert float(parameter.grad.abs().max()) > 0.0, key


@every
def test_recomputed_layers_give_the_same_gradient_and_keep_less(name: str) -> None:
    slopes, kept = [], []
    for again in (False, True):
        made = network(name).train()
        assert not again or recompute(made) == 2 + (name in ("lstm_stacked", "gru_stacked"))
        torch.manual_seed(5)
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: sizes.append(t.numel()) or t, lambda t: t
        ):
            loss = made(rows(9)).square().sum()
        loss.backward()
        kept.append(sum(sizes))
        slopes.append(torch.cat([p.grad.flatten() for p in made.parameters()]))
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-6)
    assert kept[1] < 0.5 * kept[0]


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def textbook_lstm(x: Any, wi: Any, wh: Any, bi: Any, bh: Any) -> Any:
    h = c = np.zeros((len(x), wh.shape[1]))
    states = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ wi.T + bi + h @ wh.T + bh, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def textbook_gru(x: Any, wi: Any, wh: Any, bi: Any, bh: Any) -> Any:
    h = np.zeros((len(x), wh.shape[1]))
    states = []
    for step in range(x.shape[1]):
        ri, zi, ni = np.split(x[:, step] @ wi.T + bi, 3, axis=1)
        rh, zh, nh = np.split(h @ wh.T + bh, 3, axis=1)
        z, n = sigmoid(zi + zh), np.tanh(ni + sigmoid(ri + rh) * nh)
        h = (1.0 - z) * n + z * h
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize(("kind", "textbook"), [("lstm", textbook_lstm), ("gru", textbook_gru)])
def test_both_directions_follow_the_textbook_recursion(kind: str, textbook: Any) -> None:
    torch.manual_seed(1)
    layer = Layer(kind, FEATURES, 16, both=True).eval()
    x = rows(4)
    weights = [p.detach().double().numpy() for p in layer.parameters()]
    ahead = textbook(x.double().numpy(), *weights[:4])
    back = textbook(x.flip(1).double().numpy(), *weights[4:])[:, ::-1]
    wanted = np.concatenate((ahead, back), axis=2)
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("both", [False, True])
def test_the_ends_have_read_the_whole_window(both: bool) -> None:
    torch.manual_seed(1)
    layer = Layer("gru", FEATURES, 16, both)
    x = rows(4)
    _, last = layer.cell(x)
    wanted = last.transpose(0, 1).flatten(1)
    torch.testing.assert_close(Ends(layer.width, both)(layer(x)), wanted)


@pytest.mark.parametrize("name", ["gru_attention", "gru_dot"])
@torch.inference_mode()
def test_attention_sums_to_one_and_is_what_was_used(name: str) -> None:
    made, x = network(name), rows(9)
    paid = made.explain(x)["attention"]
    assert paid.shape == (9, STEPS)
    assert float(paid.min()) > 0.0
    torch.testing.assert_close(paid.sum(1), torch.ones(9))
    states = made.layers[1](made.layers[0](x))
    pooled = torch.einsum("rs,rsw->rw", paid, states)
    torch.testing.assert_close(made.head(pooled), made(x), rtol=0, atol=1e-5)


def test_without_attention_there_is_nothing_to_explain() -> None:
    assert network("gru_standard").explain(rows(2)) == {}


def test_scores_follow_their_formulas() -> None:
    torch.manual_seed(2)
    states = torch.randn(5, STEPS, 16)
    add, dot = Additive(16, 8), Dot(16, 8)
    wanted = torch.tanh(states @ add.hidden.weight.T + add.hidden.bias) @ add.score.weight[0]
    torch.testing.assert_close(add.scores(states), wanted)
    wanted = torch.einsum("rk,rsk->rs", dot.query(states[:, -1]), dot.key(states)) / 8**0.5
    torch.testing.assert_close(dot.scores(states), wanted)


@every
def test_onnx_runtime_gives_the_same_answers_from_one_node_a_layer(name: str) -> None:
    made = network(name)
    found = program(made, rows(3))
    for x in (rows(1), rows(33)):
        with torch.inference_mode():
            np.testing.assert_allclose(answers(found, x), made(x).numpy(), rtol=0, atol=1e-5)
    kinds = [node.op_type for node in found.model_proto.graph.node]
    assert kinds.count(name[: name.index("_")].upper()) == len(made.layers)
    assert len(kinds) < 40


@pytest.mark.parametrize(
    "network",
    [
        RecurrentNetwork(5, 12, 8, "gru", 8, pool="ends"),
        RecurrentNetwork(5, 12, 8, "lstm", 8, layers=3),
        RecurrentNetwork(5, 12, 8, "gru", 8, pool="additive", attention=4),
        ResidualNetwork(5, 12, 8, "gru", 8),
    ],
)
def test_an_answer_at_every_bar_is_that_of_the_window_up_to_it(network: Any) -> None:
    network.eval()
    x = torch.randn(6, 12, 5)
    with torch.no_grad():
        told = network.every(x)
        assert told.shape == (6, 12, 8)
        for bar in range(12):
            torch.testing.assert_close(told[:, bar], network(x[:, : bar + 1]), rtol=0, atol=1e-5)


def test_the_loss_at_every_bar_is_the_mean_log_loss_of_the_known_ones() -> None:
    raw, up, base = torch.randn(4, 7, 16), torch.full((4, 7, 2), torch.nan), torch.randn(4, 2)
    up[1, 3, 0], up[2, 6, 1] = 1.0, 0.0
    first = torch.sigmoid(raw[1, 3, 0] + base[1, 0])
    second = torch.sigmoid(raw[2, 6, 8] + base[2, 1])
    wanted = -(first.log() + (1.0 - second).log()) / 2.0
    torch.testing.assert_close(direction_loss(raw, up, base), wanted)
