"""Document 001's code runs with only its import lines changed, on what folkmoot gives it."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.training.documents import carry_out, code_blocks, world

from folkmoot import training
from folkmoot.core.errors import DataError

torch = pytest.importorskip("torch", reason="needs the extra neural")

IMPORTS = """
from collections import defaultdict
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader
from folkmoot.features import ZScoreScaler as StandardScaler
from folkmoot.indicators import ADXIndicator, CCIIndicator, RSIIndicator, WaveTrendIndicator
from folkmoot.training import TradingDataset as Dataset
from folkmoot.training import calculate_accuracy, criterion, update_metrics
from folkmoot.training import calculate_features, predict, update_signals
"""
OUR_MODEL = "from folkmoot.models import TradingModel\n"
CONFIG = {"input_channels": 5, "n_indicators": 10, "output_dim": 3}
HARMLESS = (
    "ignore:.*torch.cuda.amp:FutureWarning",
    "ignore:.*CUDA is not available:UserWarning",
    "ignore:This DataLoader will create:UserWarning",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def blocks(shared: Path) -> dict[str, str]:
    """The document's blocks by what they define first."""
    found = code_blocks(shared, "001_ml_architecture.md")
    words = ("class TradingModel", "class TradingDataset", "def train_epoch", "def validate")
    words += ("def calculate_price_features", "rsi_indicator", "def create_feature_matrix")
    words += ("def normalize_features", "def setup_training", "def optimize_memory")
    words += ("def optimize_training", "def export_model", "def setup_inference")
    words += ("def process_realtime",)
    named = {word.split()[-1]: next(b for b in found if word in b) for word in words}
    assert len(named) == len(found) == 14
    return named


def small_model(seed: int = 1) -> Any:
    from folkmoot.models import TradingModel

    torch.manual_seed(seed)
    return TradingModel(CONFIG, channels=8, hidden=16, layers=1, heads=2, dropout=0.0)


def loader(n: int, seed: int) -> Any:
    items = training.TradingDataset(world(n, seed), lookback=8)
    order = torch.Generator().manual_seed(1)
    return torch.utils.data.DataLoader(items, batch_size=64, shuffle=True, generator=order)


def test_the_class_of_the_model_builds_its_layers(blocks: dict[str, str]) -> None:
    built = carry_out(blocks["TradingModel"], IMPORTS)["TradingModel"](SimpleNamespace(**CONFIG))
    assert sum(p.numel() for p in built.parameters()) == 311_875
    assert built.feature_extractor(torch.zeros(2, 5, 10)).shape == (2, 64, 8)


def test_the_class_of_the_data_set_shows_what_ours_shows(blocks: dict[str, str]) -> None:
    bars = world(220)
    theirs = carry_out(blocks["TradingDataset"], IMPORTS)["TradingDataset"](bars, lookback=40)
    ours = training.TradingDataset(bars, lookback=40)
    assert len(theirs) == len(ours) > 100
    for place in (0, 57, len(ours) - 1):
        for name, value in ours[place].items():
            assert torch.equal(theirs[place][name], value), name
    batch = next(iter(torch.utils.data.DataLoader(theirs, batch_size=4)))
    assert batch["sequence"].shape == (4, 40, 5)


def test_the_loop_learns_and_the_validation_sees_it(blocks: dict[str, str]) -> None:
    learn = carry_out(blocks["train_epoch"], IMPORTS)["train_epoch"]
    check = carry_out(blocks["validate"], IMPORTS)["validate"]
    model, lessons, fresh = small_model(), loader(1200, seed=1), loader(600, seed=2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    training.documents.RUNNING.clear()
    before = check(model, fresh, "cpu")
    for _ in range(3):
        learn(model, lessons, optimizer, "cpu")
    after = check(model, fresh, "cpu")
    assert after["loss"] < before["loss"] - 0.03
    assert after["accuracy"] > before["accuracy"] + 0.1
    assert training.documents.RUNNING.rows == 3 * len(lessons.dataset)


def test_price_features_are_ours_to_the_last_digit_of_pandas(blocks: dict[str, str]) -> None:
    from folkmoot.features import calculate_price_features

    frame = world(200).to_frame()
    theirs = carry_out(blocks["calculate_price_features"], IMPORTS)["calculate_price_features"]
    ours = calculate_price_features(frame)
    for name, column in theirs(frame).items():
        np.testing.assert_allclose(ours[name], column, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_indicators_are_asked_as_written(blocks: dict[str, str]) -> None:
    frame = world(200).to_frame()
    told = carry_out(blocks["rsi_indicator"], IMPORTS, data=frame)
    assert (len(told["rsi_values"]), told["buy_signals"].dtype) == (200, bool)
    matrix = carry_out(blocks["create_feature_matrix"], IMPORTS)["create_feature_matrix"](frame)
    assert {"rsi_rsi", "cci_cci", "adx_adx", "wavetrend_wt1"} <= set(matrix.columns)
    np.testing.assert_allclose(matrix["rsi_rsi"], told["rsi_values"], rtol=1e-6)


def test_features_are_scaled_by_the_scaler_of_the_first_call(blocks: dict[str, str]) -> None:
    normalize = carry_out(blocks["normalize_features"], IMPORTS)["normalize_features"]
    first, scaler = normalize(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(first, [[-1.0], [1.0]])
    np.testing.assert_allclose(normalize(np.array([[5.0]]), scaler)[0], [[3.0]])


@pytest.mark.filterwarnings(*HARMLESS)
def test_the_optimisations_run_as_written(blocks: dict[str, str]) -> None:
    model, batches = small_model(), loader(200, seed=1)
    setup = carry_out(blocks["setup_training"], IMPORTS)["setup_training"]
    model, scaler = setup(model)
    names = {"dataset": batches.dataset, "model": model, "scaler": scaler}
    made = carry_out(blocks["optimize_memory"], IMPORTS, **names)["optimize_memory"](batches)
    assert (made.batch_size, model.lstm[0].recompute) == (64, True)
    batch = next(iter(batches))
    names["optimizer"] = torch.optim.SGD(model.parameters(), 0.1)
    names |= {"sequences": batch["sequence"], "indicators": batch["indicators"]}
    before = model.gate.weight.clone()
    step = carry_out(blocks["optimize_training"], IMPORTS, targets=batch["target"], **names)
    step["optimize_training"]()
    assert not torch.equal(model.gate.weight, before)


def test_what_it_exports_it_reads_and_we_refuse_by_name(
    blocks: dict[str, str], tmp_path: Path
) -> None:
    from folkmoot.models import TradingModel

    model, place = TradingModel(CONFIG), tmp_path / "model.pt"
    carry_out(blocks["export_model"], IMPORTS, scaler=None)["export_model"](model, place)
    theirs = carry_out(blocks["setup_inference"], IMPORTS + OUR_MODEL)
    batch = next(iter(loader(200, seed=1)))
    again = theirs["predict"](theirs["setup_inference"](place), batch)
    assert torch.equal(again, training.predict(model, batch))
    with pytest.raises(DataError, match="pickle"):
        training.setup_inference(place)


def test_a_stream_of_bars_becomes_signals(blocks: dict[str, str]) -> None:
    bars, model = world(300), small_model().eval()

    async def stream() -> Any:
        for known in (290, 295, 300):
            yield bars.until(known)

    training.realtime.BOARD.signals.clear()
    process = carry_out(blocks["process_realtime"], IMPORTS)["process_realtime"]
    asyncio.run(process(model, stream()))
    assert [s.side in ("BUY", "HOLD", "SELL") for s in training.realtime.BOARD.signals] == [
        True
    ] * 3
