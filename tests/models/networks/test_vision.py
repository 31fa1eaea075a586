"""Images drawn inside a network, the numbers beside them, and the networks that look at them."""

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.core.errors import UsageError
from folkmoot.features import gaf_images
from folkmoot.features.image_labels import HEADS

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.convnext import Shape  # noqa: E402  # after the check for torch
from folkmoot.models.networks.gramian import Gramian, sides  # noqa: E402
from folkmoot.models.networks.head import count  # noqa: E402
from folkmoot.models.networks.vision import (  # noqa: E402
    PARTS,
    Classes,
    ConvNeXtLSTMNetwork,
    ConvNeXtNetwork,
    answered,
)

CLOSES = random_walk(900).close
SMALL = Shape((1, 1, 1, 1), (8, 8, 16, 16))
NETWORKS: dict[str, Callable[[], Any]] = {
    "convnext": lambda: ConvNeXtNetwork(64, 16, SMALL),
    "lstm": lambda: ConvNeXtLSTMNetwork(80, 16, SMALL, frames=3, stride=8, hidden=16),
}
every = pytest.mark.parametrize("name", NETWORKS)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def moves_of(windows: np.ndarray) -> Any:
    log = np.log(windows)
    return torch.from_numpy((log - log[:, -1:]).astype(np.float32))


def windows_of(closes: np.ndarray, steps: int = 64) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(closes, steps)


def prices(network: Any, rows: int = 6, closes: np.ndarray = CLOSES) -> Any:
    steps = network.eye.draw.pieces.shape[1]
    if isinstance(network, ConvNeXtLSTMNetwork):
        steps += network.starts[-1]
    moves = moves_of(windows_of(closes, steps)[:rows])[:, :, None]
    return torch.cat((moves.expand(-1, -1, 4), torch.full_like(moves, 0.006)), dim=2)


def started(name: str) -> Any:
    torch.manual_seed(3)
    network = NETWORKS[name]().eval()
    for key, parameter in network.named_parameters():
        if key.endswith("gamma") or parameter.ndim > 1:
            torch.nn.init.normal_(parameter, 0.0, 0.2)
    return network


@pytest.mark.parametrize("scale", [0.01, 1.0, 10.0])
@pytest.mark.parametrize(("steps", "size"), [(64, 64), (128, 64), (60, 36)])
def test_images_are_those_of_the_features(steps: int, size: int, scale: float) -> None:
    windows = windows_of(100.0 * (CLOSES / 100.0) ** scale, steps)
    moves = moves_of(windows)
    found = Gramian(steps, size)(moves).numpy()
    assert found.shape == (len(windows), 3, size, size)
    assert np.abs(found - gaf_images(moves.double().exp(), size)).max() <= 2e-6
    # What float32 leaves of a log close moves sqrt(1 - z^2) where z is next to 1, rarely by more.
    apart = np.abs(found - gaf_images(windows, size))
    assert (apart <= 1e-5).mean() >= 0.9999
    assert apart.max() <= 5e-5


def test_flat_windows_are_grey_and_unknown_ones_unknown() -> None:
    windows = np.array(windows_of(CLOSES)[:3])
    windows[1] = 7.0
    moves = moves_of(windows)
    moves[2, 5] = torch.nan
    images = Gramian(64, 32)(moves)
    assert not images[1].any()
    assert torch.isnan(images[2]).all()
    assert torch.isfinite(sides(moves, torch.tensor([0.006, 0.0, 0.006]))[:2]).all()


def test_the_mirrored_market_has_the_same_sum_and_the_opposite_difference() -> None:
    windows = windows_of(CLOSES)[::50]
    up, down = (Gramian(64, 64)(moves_of(w)) for w in (windows, 300.0 - windows))
    torch.testing.assert_close(up[:, 0], down[:, 0], atol=1e-5, rtol=0.0)
    torch.testing.assert_close(up[:, 1], -down[:, 1], atol=1e-5, rtol=0.0)
    volatility = torch.full((len(windows),), 0.006)
    up, down = (sides(sign * moves_of(windows), volatility) for sign in (1.0, -1.0))
    torch.testing.assert_close(up[:, :4], down[:, :4])
    torch.testing.assert_close(up[:, 4:], -down[:, 4:])


def test_the_sides_say_what_scaling_threw_away() -> None:
    moves = moves_of(windows_of(CLOSES)[::50])
    volatility = torch.full((len(moves),), 0.006)
    found = sides(moves, volatility).numpy()
    path, width = moves.numpy().astype(np.float64), 0.006 * 8.0
    span, change = np.ptp(path, axis=1), np.diff(path, axis=1)
    for place, (number, usual) in enumerate(
        [
            (span, width),
            (np.sqrt((change**2).mean(axis=1)), 0.006),
            (np.sqrt((change[:, -8:] ** 2).mean(axis=1)), 0.006),
            (span, 0.05),
        ]
    ):
        np.testing.assert_allclose(found[:, place], np.tanh(np.log(number / usual) / 2), atol=1e-5)
    np.testing.assert_allclose(found[:, 4], np.clip(-path[:, 0] / width, -5, 5), atol=1e-4)
    np.testing.assert_allclose(found[:, 5], np.clip(change[:, -1] / 0.006, -5, 5), atol=1e-4)
    calmer = sides(moves, 2.0 * volatility)
    assert (calmer[:, [0, 1, 2]] < torch.from_numpy(found[:, [0, 1, 2]])).all()


def test_three_heads_on_the_features_of_tiny_have_8459_numbers() -> None:
    assert count(Classes(768)) == 8_459
    assert [len(names) for names in HEADS.values()] == PARTS == [4, 3, 4]


def test_the_loss_of_the_questions_is_their_mean_cross_entropy() -> None:
    torch.manual_seed(0)
    raw = torch.randn(5, 11)
    truth = torch.tensor([[0, 1, 2], [3, -1, 0], [-1, -1, -1], [1, 2, 3], [2, 0, -1]])
    losses = []
    for place, part in enumerate(raw.split(PARTS, dim=1)):
        known = truth[:, place] >= 0
        p = part.softmax(1)[known, truth[known, place]]
        losses.append(-p.log().mean())
    assert float(answered(raw, truth)) == pytest.approx(float(sum(losses) / 3), rel=1e-5)
    assert float(answered(raw, torch.full((5, 3), -1))) == 0.0


@every
def test_a_row_is_answered_from_itself_alone(name: str) -> None:
    network = started(name)
    x = prices(network)
    with torch.no_grad():
        whole = network(x)
        assert whole.shape == (6, 16)
        for row in range(6):
            assert (network(x[row : row + 1]) - whole[row]).abs().max() <= 1e-5


@every
def test_a_market_and_its_mirror_are_told_apart(name: str) -> None:
    network = started(name)
    with torch.no_grad():
        apart = network(prices(network)) - network(prices(network, closes=300.0 - CLOSES))
    assert apart.abs().max(dim=1).values.min() > 1e-3


@every
def test_the_questions_and_the_forecast_learn_together(name: str) -> None:
    network = NETWORKS[name]().train()
    x = prices(network)
    if name == "lstm":
        network(x).square().sum().backward()
    else:
        raw, extra = network.learn((x,), (torch.zeros(6, 3, dtype=torch.int8),))
        (raw.square().sum() + extra).backward()
        assert network.learn((x,), ())[1] == 0.0
        assert float(extra.detach()) == pytest.approx(0.3 * 1.29, abs=0.02)
        assert network.ask(x).shape == (6, 11)
    missing = [k for k, p in network.named_parameters() if p.grad is None]
    assert missing == []


def test_a_frame_is_seen_as_it_was_seen_then() -> None:
    network = started("lstm")
    single = ConvNeXtNetwork(64, 16, SMALL, size=32).eval()
    single.eye.load_state_dict(network.eye.state_dict())
    windows = windows_of(CLOSES, 80)[:4]
    with torch.no_grad():
        found = network.embeddings(prices(network, 4))
        for frame in range(3):
            moves = moves_of(windows[:, 8 * frame : 8 * frame + 64])[:, :, None]
            x = torch.cat((moves.expand(-1, -1, 4), torch.full_like(moves, 0.006)), dim=2)
            torch.testing.assert_close(found[:, frame], single.eye(x), atol=2e-5, rtol=1e-4)


def test_a_backbone_may_learn_at_its_own_rate() -> None:
    network = ConvNeXtNetwork(64, 16, SMALL, backbone_rate=0.1)
    groups = network.groups()
    assert [group["lr_factor"] for group in groups] == [0.1, 0.1]
    taken = sum(len(group["params"]) for group in groups)
    assert taken == len(list(network.eye.backbone.parameters()))
    assert started("convnext").groups() == []


@every
def test_an_exported_network_answers_the_same(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    network = started(name)
    x = prices(network)
    file, batch = io.BytesIO(), torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        # What torch's exporter says of its own parts is not about the network.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network, (x,), dynamic_shapes=({0: batch},), dynamo=True, verbose=False
        )
    program.save(file)
    session = runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    for rows in (1, 6):
        (found,) = session.run(None, {given.name: x[:rows].numpy()})
        with torch.no_grad():
            assert np.abs(found - network(x[:rows]).numpy()).max() <= 1e-5


def test_impossible_images_are_refused() -> None:
    with pytest.raises(UsageError):
        Gramian(64, 65)
