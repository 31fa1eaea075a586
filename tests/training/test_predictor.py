"""Several model files asked about the latest bars: only what was earned is listened to."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.documents import world

from folkmoot.committee.figures import agreement
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.training import NeuralPredictor, NeuralTrainer, WalkForwardDataModule, container
from folkmoot.training.artefacts import load_model, save_model
from folkmoot.training.data_module import Span
from folkmoot.training.predictor import _join
from folkmoot.training.trainer_validation import chance_of_no_gain, fit_line, through

torch = pytest.importorskip("torch", reason="needs the extra neural")

COUNT = 2000


def module(bars: Bars, **given: Any) -> WalkForwardDataModule:
    options = {"sequence_length": 8, "prediction_horizons": (1, 5), "val_size": 0.1}
    return WalkForwardDataModule(bars, **{**options, "train_size": 0.5, "test_size": 0.4, **given})


def train(bars: Bars, epochs: int, **given: Any) -> NeuralTrainer:
    from folkmoot.models import LSTMModel

    torch.set_num_threads(1)
    torch.manual_seed(2)
    data = module(bars, **given)
    model = LSTMModel.create_optimized_model(
        input_dim=len(data.get_feature_names()),
        sequence_length=8,
        prediction_horizons=data.horizons,
        hidden_size=8,
        num_layers=1,
        num_heads=2,
    )
    return NeuralTrainer(model, data, epochs, 3, {"batch": 64, "rate": 5e-3}).fit()


@pytest.fixture(scope="module")
def skilled() -> NeuralTrainer:
    """A network that has found what moves the next bar of the world."""
    return train(world(COUNT), epochs=6)


@pytest.fixture(scope="module")
def idle() -> NeuralTrainer:
    """A network of a world in which nothing is to be found."""
    return train(world(COUNT, seed=4, told=0.5), epochs=2)


@pytest.fixture
def files(skilled: NeuralTrainer, idle: NeuralTrainer, tmp_path: Path) -> tuple[Path, Path]:
    for trainer, name in ((skilled, "skilled.pt"), (idle, "idle.pt")):
        trainer.save(tmp_path / name)
    return tmp_path / "skilled.pt", tmp_path / "idle.pt"


def loaded(*places: Path, **weights: float) -> NeuralPredictor:
    predictor = NeuralPredictor()
    for place in places:
        predictor.load_model(place.stem, place, weight=weights.get(place.stem, 1.0))
    return predictor


def test_the_parts_never_share_a_label() -> None:
    data = module(world(COUNT), prediction_horizons=(1, 30))
    train_rows, val_rows, test_rows = (data.part(name) for name in ("train", "val", "test"))
    for before, after in ((train_rows, val_rows), (val_rows, test_rows)):
        assert data.label_known_at[before].max() < data.bars.close_time[after[0]]
    assert val_rows[0] - train_rows[-1] == 31 + 1
    share = data.holdout(data.get_feature_names())
    span = data.learnt_from
    usable = np.isfinite(data.labels_known_in(span)).any(axis=1).sum()
    assert int(usable * (1.0 - share)) == len(data.parts[0])


def test_the_loop_holds_out_exactly_the_validation_part(skilled: NeuralTrainer) -> None:
    data, member = skilled.data_module, skilled.member
    usable = np.flatnonzero(np.isfinite(data.labels_known_in(data.learnt_from)).any(axis=1))
    taught, held_out = member._cut(data.x(data.learnt_from), usable)
    assert data.learnt_from.start + held_out[0] == data.parts[1].start
    assert data.learnt_from.start + taught[-1] == data.part("train")[-1]


def test_a_network_earns_what_it_finds_and_nothing_in_noise(
    skilled: NeuralTrainer, idle: NeuralTrainer
) -> None:
    found = skilled.metrics["1"]
    assert found["earned"]
    assert found["gain"][0] > 0.02
    assert found["log_loss"][0] < min(b["log_loss"][0] for b in found["baselines"].values())
    assert not any(row["earned"] for row in idle.metrics.values())
    assert skilled.judgement is not None
    assert skilled.judgement.validation["passed"]
    assert {"epoch", "loss", "validation_loss", "accuracy"} <= set(skilled.history[0])


def test_the_model_given_is_the_one_that_learns(skilled: NeuralTrainer) -> None:
    fitted = skilled.member.networks()[0].state_dict()
    for name, tensor in skilled.model.state_dict().items():
        assert torch.equal(tensor, fitted[name]), name


def test_the_future_does_not_change_what_was_learnt(idle: NeuralTrainer) -> None:
    bars, first = idle.data_module.bars, idle.data_module.tested_on.start + 2
    other = {n: bars.column(n).copy() for n in ("open", "high", "low", "close", "volume")}
    for column in other.values():
        column[first:] *= 1.5
    again = train(replace(bars, **other), epochs=2)
    for name, tensor in idle.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name


def test_weights_are_ratios_among_those_who_earned_one(files: tuple[Path, Path]) -> None:
    both = loaded(*files, idle=100.0).predict(world(COUNT))
    alone = loaded(files[0]).predict(world(COUNT))
    assert both["models"]["idle"]["weight"][0] == 0.0
    assert both["p_up"][0] == pytest.approx(alone["p_up"][0], abs=1e-12)
    assert both["ensemble_prediction"][0] == pytest.approx(alone["ensemble_prediction"][0])
    assert both["agreement"][0] == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_the_committee_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.choice([0.2, 0.4, 0.5, 0.5, 0.6, 0.9, np.nan], size=(4, 200))
    p[0] = np.where(np.isnan(p[0]), 0.5, p[0])
    shares = rng.choice([0.0, 0.0, 1.0, 2.5], size=p.shape)
    answers = {str(k): (row, np.zeros(len(row))) for k, row in enumerate(p)}
    joined = _join(answers, shares)
    weights = np.where(np.isnan(p), 0.0, shares)
    wanted = [
        agreement(w, row, c) for w, row, c in zip(weights.T, p.T, joined["p_up"], strict=True)
    ]
    np.testing.assert_allclose(joined["agreement"], wanted, rtol=1e-12)
    said = joined["agreement"][np.isfinite(joined["agreement"])]
    assert 0 < len(said) < p.shape[1]
    assert ((said >= 0.0) & (said <= 1.0)).all()


def test_two_that_know_nothing_agree_on_nothing() -> None:
    coin = (np.array([0.5]), np.zeros(1))
    assert np.isnan(_join({"a": coin, "b": coin}, np.ones((2, 1)))["agreement"]).all()


def test_a_saved_trainer_tells_the_file_s_own_hash(skilled: NeuralTrainer, tmp_path: Path) -> None:
    place = tmp_path / "net.pt"
    assert skilled.save(place) == container.fingerprint(place)


def test_a_network_of_ones_own_columns_is_asked_without_their_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\nbase = "core"\nonly = ["rsi_14", "rsi_9"]\n')
    trainer = train(world(COUNT), epochs=1, features=str(mine))
    trainer.save(tmp_path / "own.pt")
    assert trainer.card()["features"]["title"] == "mine"
    mine.unlink()
    told = loaded(tmp_path / "own.pt").predict(world(COUNT))
    assert np.isfinite(told["ensemble_prediction"]).all()


def test_where_nobody_has_earned_a_weight_the_answer_is_unknown(files: tuple[Path, Path]) -> None:
    told = loaded(files[1]).predict(world(COUNT))
    assert (told["uncertainty"] == 1.0).all()
    assert np.isnan(told["agreement"]).all()
    assert "no model has earned" in told["note"]


def test_the_answer_is_the_calibrated_forecast_of_the_last_bar(
    files: tuple[Path, Path], skilled: NeuralTrainer
) -> None:
    told = loaded(files[0]).predict(world(COUNT))
    data, last = skilled.data_module, Span(COUNT - 1, COUNT)
    said = skilled.member.predict(data.x(last))
    assert skilled.judgement is not None
    line = skilled.judgement.calibration["1"]
    assert told["p_up"][0] == pytest.approx(through((line[0], line[1]), said.p_up[0, :1])[0])
    assert told["known_at"] == world(COUNT).close_time[-1]
    p = told["p_up"][0]
    assert told["uncertainty"][0] == pytest.approx(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def test_frames_of_any_naming_and_other_threads_give_the_same(files: tuple[Path, Path]) -> None:
    predictor, frame = loaded(*files), world(COUNT).to_frame()
    named = frame.rename(columns={n: n.title() for n in frame.columns}).set_index("Timestamp")
    first = predictor.predict(frame)
    second = asyncio.run(predictor.predict_async(data=named, return_uncertainty=False))
    np.testing.assert_array_equal(first["ensemble_prediction"], second["ensemble_prediction"])
    assert "uncertainty" not in second
    assert ((first["uncertainty"] >= 0.0) & (first["uncertainty"] <= 1.0)).all()


def test_a_longer_history_changes_nothing(files: tuple[Path, Path]) -> None:
    predictor = loaded(files[0])
    needed = predictor._seats["skilled"].bars_needed
    whole, cut = (predictor.predict(bars) for bars in (world(COUNT), world(COUNT).rows(900, COUNT)))
    assert needed <= COUNT - 900
    np.testing.assert_allclose(whole["p_up"], cut["p_up"], atol=1e-9)


def test_a_file_that_cannot_serve_leaves_the_others_as_they_were(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    predictor, bad = loaded(files[0]), tmp_path / "bad.pt"
    bad.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(DataError, match="pickle"):
        predictor.load_model("bad", bad)
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="weight"):
            predictor.load_model("idle", files[1], weight=weight)
    good = load_model(files[1])
    changes: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"validation": {"passed": False}}, Untrained, "validation"),
        ({"timeframe": "4h"}, UsageError, "decides on 4h"),
        ({"features": {"name": "core", "hash": "0" * 64}}, DataError, "fitted on"),
        ({"features": {}}, DataError, "does not tell"),
    ]
    for change, kind, why in changes:
        save_model(bad, good.id, good.member, {**good.card, **change})
        with pytest.raises(kind, match=why):
            predictor.load_model("bad", bad)
    assert predictor.models == ("skilled",)


def test_bars_that_cannot_be_answered_are_errors(files: tuple[Path, Path]) -> None:
    bars, predictor = world(COUNT), loaded(files[0])
    with pytest.raises(Untrained, match="no model"):
        NeuralPredictor().predict(bars)
    with pytest.raises(DataError, match="too few"):
        predictor.predict(bars.until(300))
    with pytest.raises(DataError, match="unknown feature"):
        predictor.predict(replace(bars, volume=np.r_[bars.volume[:-1], np.nan]))
    four = replace(bars, timeframe=type(bars.timeframe).of("30m"))
    with pytest.raises(UsageError, match="30m"):
        predictor.predict(four)


def test_options_of_a_data_module_are_checked() -> None:
    bars = world(COUNT)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"target_column": "profit"}, "target_column"),
        ({"train_size": 0.9}, "train, val and test"),
        ({"train_size": 0.2, "val_size": 0.3}, "not below"),
        ({"test_size": 0.0}, "train, val and test"),
        ({"prediction_horizons": (5, 1)}, "horizons"),
        ({"sequence_length": 0}, "sequence_length"),
        ({"features": "nothing"}, "nothing"),
    ]
    for given, why in wrong:
        with pytest.raises(UsageError, match=why):
            module(bars, **given)
    with pytest.raises(DataError, match="bars leave"):
        module(bars.until(25))
    with pytest.raises(DataError, match="rows of train"):
        module(bars.until(200), prediction_horizons=(1, 60))


def test_what_the_training_rows_never_know_is_left_out() -> None:
    bars = world(COUNT)
    data = module(replace(bars, volume=np.full(COUNT, np.nan)))
    assert "volume_score" in data.left_out
    assert "volume_score" not in data.get_feature_names()
    assert "return_1" in data.get_feature_names()


def test_a_line_distrusts_what_was_wrong_and_blocks_see_overlap() -> None:
    rng = np.random.default_rng(5)
    p = rng.uniform(0.2, 0.8, 2000)
    up = (rng.random(2000) < p).astype(np.float64)
    slope, level = fit_line(p, up) or (0.0, 1.0)
    assert (slope, level) == (pytest.approx(1.0, abs=0.15), pytest.approx(0.0, abs=0.1))
    assert (fit_line(1.0 - p, up) or (1.0, 0.0))[0] == 0.0
    assert fit_line(p[:10], up[:10]) is None
    walks = np.convolve(rng.standard_normal(4_000), np.ones(30) / 30.0, mode="valid")
    parts = np.array_split(walks, 8)
    assert min(chance_of_no_gain(part, 30) for part in parts) == 1.0
    assert chance_of_no_gain(0.5 + rng.standard_normal(400), 1) < 0.01
