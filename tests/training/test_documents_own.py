"""Document 001's functions as folkmoot has them: what they promise beyond the document."""

import asyncio
import io
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.documents import world

from folkmoot.core.errors import BadBars, DataError, Untrained, UsageError
from folkmoot.training import (
    Board,
    TradingDataset,
    calculate_accuracy,
    calculate_features,
    container,
    criterion,
    export_model,
    optimize_memory,
    optimize_training,
    predict,
    process_realtime,
    setup_inference,
    setup_training,
    train_epoch,
    update_metrics,
    validate,
)

torch = pytest.importorskip("torch", reason="needs the extra neural")

CONFIG = {"input_channels": 5, "n_indicators": 10, "output_dim": 3}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def model(**size: Any) -> Any:
    from folkmoot.models import TradingModel

    torch.manual_seed(1)
    small = {"channels": 8, "hidden": 16, "layers": 2, "heads": 2, "dropout": 0.0}
    return TradingModel(CONFIG, **{**small, **size})


def items(n: int = 300, lookback: int = 16, **given: Any) -> TradingDataset:
    return TradingDataset(world(n), lookback=lookback, **given)


def loader(data: TradingDataset, batch: int = 64) -> Any:
    return torch.utils.data.DataLoader(data, batch_size=batch)


def batch_of(data: TradingDataset) -> dict[str, Any]:
    return next(iter(loader(data)))


def fitted() -> Any:
    found = model()
    train_epoch(found, loader(items()), torch.optim.SGD(found.parameters(), 0.01), "cpu")
    return found


def test_an_item_is_the_window_and_the_return_from_the_next_open() -> None:
    bars, data = world(300), items(horizon=3, band=0.5)
    for place in (0, 40, len(data) - 1):
        row = data.data.first + int(data.starts[place]) + 15
        earned = math.log(bars.open[row + 4] / bars.open[row + 1])
        moves = np.diff(np.log(bars.close[row - 20 : row + 1]))
        band = 0.5 * moves.std(ddof=1) * math.sqrt(3.0)
        assert int(data[place]["target"]) == 1 + (earned > band) - (earned < -band)
    assert data.data.first + int(data.starts[-1]) + 15 + 4 == len(bars) - 1


def test_no_item_sees_what_comes_after_its_target() -> None:
    bars, cut = world(300), 200
    later = {n: bars.column(n).copy() for n in ("open", "high", "low", "close", "volume")}
    for column in later.values():
        column[cut:] *= 1.5
    short, other = items(), TradingDataset(replace(bars, **later), lookback=16)
    same = [k for k, s in enumerate(short.starts) if short.data.first + s + 15 + 2 < cut]
    assert len(same) > 100
    for place in same:
        for name, value in short[place].items():
            assert torch.equal(other[place][name], value), (place, name)


def test_sequences_are_of_the_order_of_one_whatever_the_price() -> None:
    table = np.column_stack([world(300).column(n) for n in ("open", "high", "low", "close")])
    volume = world(300).volume[:, None]
    cheap, dear = (
        TradingDataset(np.hstack([table * price, volume * price])) for price in (1e-4, 1e4)
    )
    for name in ("sequence", "indicators"):
        torch.testing.assert_close(cheap[5][name], dear[5][name], rtol=1e-4, atol=1e-4)
    assert 0.3 < float(cheap[5]["sequence"].std()) < 3.0


def test_data_that_make_no_window_are_refused_with_the_reason() -> None:
    bars = world(300)
    with pytest.raises(DataError, match="no window of 300"):
        TradingDataset(bars, lookback=300)
    with pytest.raises(DataError, match="make no indicator known"):
        TradingDataset(bars.until(30))
    with pytest.raises(DataError, match="volume known"):
        TradingDataset(replace(bars, volume=np.full(300, np.nan)))
    with pytest.raises(BadBars, match="nan"):
        TradingDataset(np.full((300, 5), np.nan))
    with pytest.raises(DataError, match="shape"):
        TradingDataset(np.ones((300, 3)))
    with pytest.raises(UsageError, match="lookback 1"):
        TradingDataset(bars, lookback=1)


def test_windows_with_an_unknown_volume_or_a_hole_are_no_items() -> None:
    bars = world(300)
    volume, times = bars.volume.copy(), bars.open_time.copy()
    volume[150] = np.nan
    times[220:] += 5 * bars.timeframe.ms
    some = TradingDataset(replace(bars, volume=volume, open_time=times), lookback=16)
    ends = some.data.first + some.starts + 15
    assert not set(ends) & set(range(150, 166))
    assert not set(ends) & {218}
    assert {149, 166, 221} <= set(ends)


def test_the_unknown_counts_for_nothing_in_the_loss() -> None:
    said, truth = torch.tensor([[2.0, 0.0], [0.0, 5.0]]), torch.tensor([0, -1])
    assert float(criterion(said, truth)) == pytest.approx(math.log(1.0 + math.exp(-2.0)))
    assert calculate_accuracy(said, truth) == 1.0
    assert float(criterion(said, torch.tensor([-1, -1]))) == 0.0
    numbers = torch.tensor([0.5, math.nan])
    assert float(criterion(torch.tensor([[0.0], [9.0]]), numbers)) == pytest.approx(0.125)
    assert math.isnan(calculate_accuracy(said, torch.tensor([-1, -1])))


def test_targets_that_do_not_fit_the_predictions_are_refused() -> None:
    said = torch.zeros(2, 3)
    wrong = (torch.tensor([0]), torch.tensor([0, 3]), torch.tensor([0, -2]), torch.zeros(2))
    for truth in wrong:
        with pytest.raises(UsageError, match="predictions"):
            criterion(said, truth)


def test_the_scaler_acts_on_cuda_only_and_the_model_stays_where_it_can() -> None:
    found, scaler = setup_training(model())
    assert scaler.is_enabled() == torch.cuda.is_available()
    step = torch.optim.SGD(found.parameters(), 0.01)
    device = next(found.parameters()).device
    told = train_epoch(found, loader(items()), step, device, scaler)
    assert 0.0 < told["loss"] < 2.0
    assert validate(found, loader(items()), device)["accuracy"] > 0.2


def test_a_loss_that_is_no_number_and_an_empty_loader_are_errors() -> None:
    found = model()
    step = torch.optim.SGD(found.parameters(), 0.01)
    bad = batch_of(items())
    bad["sequence"] = bad["sequence"] * math.nan
    with pytest.raises(DataError, match="no number in batch 0"):
        train_epoch(found, [bad], step, "cpu")
    with pytest.raises(DataError, match="yields no rows"):
        validate(found, [], "cpu")
    with pytest.raises(UsageError, match="'target'"):
        validate(found, [{"sequence": 0, "indicators": 0}], "cpu")


def kept_bytes(found: Any, batch: dict[str, Any]) -> tuple[int, int, list[Any]]:
    """Return (bytes that a backward pass keeps, calls of the first LSTM layer, gradients)."""
    kept, calls = [0], [0]
    found.lstm[0].register_forward_pre_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))

    def note(tensor: Any) -> Any:
        kept[0] += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = criterion(found(batch["sequence"], batch["indicators"]), batch["target"])
    loss.backward()
    return kept[0], calls[0], [p.grad for p in found.parameters()]


def test_optimised_memory_calls_the_layers_again_and_keeps_less() -> None:
    batch, plain, thrifty = batch_of(items(lookback=60)), model(), model()
    loads = loader(items())
    assert optimize_memory(loads, thrifty).dataset is loads.dataset
    (much, once, gradients), (little, twice, again) = (
        kept_bytes(found.train(), batch) for found in (plain, thrifty)
    )
    assert (once, twice) == (1, 2)
    assert little < 0.5 * much
    for a, b in zip(gradients, again, strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(UsageError, match="no layers to recompute"):
        optimize_memory(loads, torch.nn.Linear(2, 2))


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_mixed_precision_step_learns_and_keeps_weights_in_32_bits(precision: str) -> None:
    found, batch = model(), batch_of(items())
    step = torch.optim.Adam(found.parameters(), 1e-2)
    losses = [optimize_training(found, batch, step, precision=precision) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert {p.dtype for p in found.parameters()} == {torch.float32}
    with pytest.raises(UsageError, match="precision '8'"):
        optimize_training(found, batch, step, precision="8")


def test_what_comes_out_of_the_file_answers_as_what_went_in(tmp_path: Path) -> None:
    found, batch = fitted(), batch_of(items())
    export_model(found, tmp_path / "model.pt")
    again = setup_inference(tmp_path / "model.pt")
    assert torch.equal(predict(again, batch), predict(found, batch))
    assert not again.training
    one = {name: value[0] for name, value in batch.items()}
    torch.testing.assert_close(predict(again, one), predict(found, batch)[:1])


def test_only_a_trained_model_of_the_class_is_exported(tmp_path: Path) -> None:
    with pytest.raises(Untrained, match="no batch"):
        export_model(model(), tmp_path / "model.pt")
    with pytest.raises(UsageError, match="cannot be exported"):
        export_model(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    lost = fitted()
    lost.gate.weight.data.fill_(math.nan)
    with pytest.raises(DataError, match="not finite"):
        export_model(lost, tmp_path / "model.pt")
    assert not list(tmp_path.iterdir())


def test_a_foreign_or_damaged_file_is_refused(tmp_path: Path) -> None:
    place, held = tmp_path / "model.pt", io.BytesIO()
    torch.save({"model_state": {}}, held)
    export_model(fitted(), place)
    good = place.read_bytes()
    wrong = container.pack({}, {"kind": "TradingModel", "config": {}, "size": {}})
    for body in (held.getvalue(), good[:-3], good[:500] + b"x" + good[501:], wrong, b""):
        place.write_bytes(body)
        with pytest.raises(DataError):
            setup_inference(place)
    place.write_bytes(container.pack({}, {"model": "ar1"}))
    with pytest.raises(DataError, match="no TradingModel"):
        setup_inference(place)


def test_live_features_are_those_of_the_data_set() -> None:
    bars, data = world(300), items(lookback=16)
    live = calculate_features(bars.until(len(bars) - 2), lookback=16)
    assert torch.equal(live["sequence"][0], data[len(data) - 1]["sequence"])
    assert torch.equal(live["indicators"][0], data[len(data) - 1]["indicators"])
    with pytest.raises(DataError, match="too few"):
        calculate_features(bars.until(100))
    with pytest.raises(DataError, match="last bar is unknown"):
        calculate_features(replace(bars, volume=np.r_[bars.volume[:-1], np.nan]), lookback=16)


def test_a_stream_fills_the_board_and_a_bad_bar_ends_it() -> None:
    bars, board = world(300), Board()

    async def stream() -> Any:
        for known in (200, 250, 60):
            yield bars.until(known)

    with pytest.raises(DataError, match="too few"):
        asyncio.run(process_realtime(fitted(), stream(), lookback=16, board=board))
    assert len(board.signals) == 2
    said = board.latest
    assert said is not None
    assert said.p_down + said.p_flat + said.p_up == pytest.approx(1.0)


def test_unknown_windows_are_not_predicted() -> None:
    batch = batch_of(items())
    batch["indicators"][0, 0] = math.nan
    with pytest.raises(DataError, match="unknown"):
        predict(fitted(), batch)
    with pytest.raises(UsageError, match="indicators"):
        predict(fitted(), {"sequence": batch["sequence"]})


def test_metrics_add_up_over_batches() -> None:
    from folkmoot.training import Tally

    tally, said = Tally(), torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    update_metrics(said, torch.tensor([0, 0, 1]), tally)
    told = update_metrics(said[:1], torch.tensor([0]), tally)
    assert told["accuracy"] == 0.75
    assert tally.rows == 4


def test_names_come_without_torch_until_a_network_is_asked_for() -> None:
    code = """
import sys
import folkmoot.training
from folkmoot.models import LogisticRegression, LorentzianClassifier
from folkmoot.models.engram import BackBoneConfig, CompressedTokenizer, EngramConfig
assert "torch" not in sys.modules and "lightning" not in sys.modules
from folkmoot.models import LSTMModel, TFTModel, TradingModel
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
