"""ConvNeXt: its counts, its names, its laws, and the checkpoints it takes and refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from folkmoot.core.errors import DataError, UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from safetensors.torch import load_file, save_file  # noqa: E402  # after the check for torch

from folkmoot.models.networks.convnext import SHAPES, Block, ConvNeXt, DropPath  # noqa: E402
from folkmoot.models.networks.head import count, recompute  # noqa: E402
from folkmoot.models.networks.timm import load_timm  # noqa: E402

IMAGES = (4, 3, 64, 64)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def micro(classes: int = 0, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    network = ConvNeXt("micro", classes).eval()
    for block in (module for module in network.modules() if isinstance(module, Block)):
        torch.nn.init.normal_(block.gamma, 0.0, 0.5)
    return network


@pytest.mark.parametrize(
    ("shape", "classes", "numbers"),
    [
        ("tiny", 0, 27_820_128),
        ("tiny", 1000, 28_589_128),
        ("atto", 0, 3_374_520),
        ("atto", 1000, 3_695_520),
        ("micro", 0, 670_200),
    ],
)
def test_every_preset_has_its_number_of_parameters(shape: str, classes: int, numbers: int) -> None:
    with torch.device("meta"):
        assert count(ConvNeXt(shape, classes)) == numbers


def timm_names(depths: tuple[int, ...], classes: bool) -> set[str]:
    """Return the names of timm's ConvNeXt state dict, written down from its documentation."""
    both = ("weight", "bias")
    names = {f"stem.{k}.{end}" for k in (0, 1) for end in both}
    for i, depth in enumerate(depths):
        if i:
            names |= {f"stages.{i}.downsample.{k}.{end}" for k in (0, 1) for end in both}
        for j in range(depth):
            block = f"stages.{i}.blocks.{j}"
            parts = ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")
            names |= {f"{block}.{part}.{end}" for part in parts for end in both}
            names.add(f"{block}.gamma")
    heads = ("norm", "fc") if classes else ("norm",)
    return names | {f"head.{part}.{end}" for part in heads for end in both}


@pytest.mark.parametrize("shape", SHAPES)
def test_names_and_shapes_are_those_of_timm(shape: str) -> None:
    with torch.device("meta"):
        state = ConvNeXt(shape, 10).state_dict()
    assert set(state) == timm_names(SHAPES[shape].depths, classes=True)
    dims = SHAPES[shape].dims
    assert state["stem.0.weight"].shape == (dims[0], 3, 4, 4)
    assert state["stages.1.downsample.1.weight"].shape == (dims[1], dims[0], 2, 2)
    assert state["stages.2.blocks.0.conv_dw.weight"].shape == (dims[2], 1, 7, 7)
    assert state["stages.3.blocks.0.mlp.fc1.weight"].shape == (4 * dims[3], dims[3])


def by_the_book(network: Any, x: Any) -> Any:
    """The definition in channels-first maps, layer norms written out."""

    def norm(x: Any, layer: Any) -> Any:
        mean, spread = x.mean(1, keepdim=True), x.var(1, keepdim=True, unbiased=False)
        scaled = (x - mean) / torch.sqrt(spread + 1e-6)
        return scaled * layer.weight[:, None, None] + layer.bias[:, None, None]

    def along(x: Any, layer: Any) -> Any:
        return torch.einsum("nchw,dc->ndhw", x, layer.weight) + layer.bias[:, None, None]

    x = norm(network.stem[0](x), network.stem[1])
    for stage in network.stages:
        if len(stage.downsample):
            x = stage.downsample[1](norm(x, stage.downsample[0]))
        for block in stage.blocks:
            y = along(norm(block.conv_dw(x), block.norm), block.mlp.fc1)
            y = along(0.5 * y * (1.0 + torch.erf(y / 2**0.5)), block.mlp.fc2)
            x = x + block.gamma[:, None, None] * y
    pooled = norm(x.mean((2, 3), keepdim=True), network.head["norm"])
    return pooled.flatten(1)


def test_features_follow_the_definition() -> None:
    network, x = micro(), torch.randn(IMAGES)
    with torch.no_grad():
        found, wanted = network(x), by_the_book(network, x)
    assert found.shape == (4, 192)
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-4)


def test_a_row_is_answered_from_itself_alone() -> None:
    network, x = micro(), torch.randn(9, 3, 64, 64)
    with torch.no_grad():
        whole = network(x)
        for row in range(9):
            assert (network(x[row : row + 1]) - whole[row]).abs().max() <= 1e-5


def test_layers_start_as_the_paper_says() -> None:
    network = ConvNeXt("micro", classes=5)
    for block in (module for module in network.modules() if isinstance(module, Block)):
        torch.testing.assert_close(block.gamma.detach(), torch.full_like(block.gamma, 1e-6))
        assert block.norm.eps == 1e-6
    assert network.head["fc"].weight.abs().max() <= 2.0
    assert 0.015 < network.stages[3].blocks[0].mlp.fc1.weight.std() < 0.022


def test_whole_rows_are_dropped_in_training_only() -> None:
    drop, x = DropPath(0.5), torch.ones(4000, 2, 2, 3)
    torch.manual_seed(0)
    rows = drop(x).flatten(1)
    assert set(rows.unique().tolist()) == {0.0, 2.0}
    assert (rows == rows[:, :1]).all()
    assert abs(float(rows.mean()) - 1.0) < 0.06
    assert torch.equal(drop.eval()(x), x)
    rates = [b.drop_path.rate for s in ConvNeXt(drop_path=0.5).stages for b in s.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], abs=1e-6)


def test_recomputed_blocks_have_the_same_gradients() -> None:
    gradients = []
    for recomputed in (False, True):
        network = micro().train()
        if recomputed:
            assert recompute(network) > 6
        network(torch.ones(IMAGES).cumsum(3) / 64.0).square().sum().backward()
        gradients.append(network.stages[0].blocks[0].conv_dw.weight.grad)
    torch.testing.assert_close(*gradients)


def test_another_preset_is_refused() -> None:
    with pytest.raises(UsageError, match="huge"):
        ConvNeXt("huge")


def written(path: Path, network: Any, **changes: Any) -> Path:
    state = {k: v.contiguous() for k, v in network.state_dict().items()} | changes
    save_file({k: v for k, v in state.items() if v is not None}, path)
    return path


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    saved = micro(classes=7)
    loaded = load_timm(written(tmp_path / "a.safetensors", saved), "micro", classes=7)
    assert loaded.dropped == ()
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, saved.state_dict()[name])


@pytest.mark.parametrize("classes", [0, 4])
def test_a_classifier_that_does_not_fit_is_dropped_and_named(tmp_path: Path, classes: int) -> None:
    path = written(tmp_path / "a.safetensors", micro(classes=1000))
    loaded = load_timm(path, "micro", classes)
    assert loaded.dropped == ("head.fc.weight", "head.fc.bias")
    x = torch.randn(IMAGES)
    with torch.no_grad():
        found, wanted = loaded.network.eval().features(x), micro(classes=1000).features(x)
    assert torch.equal(found, wanted)


def test_half_precision_and_convolutions_of_one_pixel_are_understood(tmp_path: Path) -> None:
    saved = micro()
    path = written(tmp_path / "a.safetensors", saved)
    state = load_file(path)
    for name in state:
        if ".mlp." in name and name.endswith("weight"):
            state[name] = state[name][:, :, None, None]
    save_file({name: tensor.half() for name, tensor in state.items()}, path)
    for name, tensor in load_timm(path, "micro").network.state_dict().items():
        torch.testing.assert_close(tensor, saved.state_dict()[name].half().float())


STEM = "stem.0.weight"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({STEM: None}, "lacks 1 names: stem.0.weight"),
        ({"stem.9.weight": torch.zeros(1)}, "holds unknown 1 names: stem.9.weight"),
        ({STEM: torch.zeros(24, 3, 5, 5)}, r"float32\[24, 3, 5, 5\]"),
        ({STEM: torch.zeros(24, 3, 4, 4, dtype=torch.int64)}, "int64"),
        ({STEM: torch.full((24, 3, 4, 4), torch.nan)}, "no number"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = written(tmp_path / "a.safetensors", micro(), **changes)
    with pytest.raises(DataError, match=said):
        load_timm(path, "micro")


def test_what_is_not_safetensors_is_refused_unopened(tmp_path: Path) -> None:
    pickled = tmp_path / "a.safetensors"
    torch.save(micro().state_dict(), pickled)
    (tmp_path / "b.safetensors").write_bytes(b"")
    for name in ("a", "b"):
        with pytest.raises(DataError, match="not a safetensors file"):
            load_timm(tmp_path / f"{name}.safetensors", "micro")
    with pytest.raises(DataError, match="lacks"):
        load_timm(written(tmp_path / "c.safetensors", micro()), "atto")
    with pytest.raises(UsageError, match="no such file"):
        load_timm(tmp_path / "d.safetensors", "micro")
