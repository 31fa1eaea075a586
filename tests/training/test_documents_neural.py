"""Document 004's training and prediction, and 000's settings, run with only the imports changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.documents import carry_out, code_blocks, world

from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.models.engram import BackBoneConfig, EngramConfig
from folkmoot.training import NeuralPredictor, NeuralTrainer, WalkForwardDataModule

torch = pytest.importorskip("torch", reason="needs the extra neural")

TRAINING = """
from folkmoot.training import WalkForwardDataModule, NeuralTrainer
from folkmoot.models import LSTMModel
import pandas as pd
"""
PREDICTION = "from folkmoot.training import NeuralPredictor\n"
LATER = ("PredictionAPIServer", "NeuralEnhancedLLMStrategy")
"""What the document's other blocks are about: the server and the strategy."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def blocks(shared: Path) -> tuple[str, str]:
    """The blocks of training and prediction."""
    found = code_blocks(shared, "004_neural_module.md")
    now = [block for block in found if not any(word in block for word in LATER)]
    assert len(found) == len(now) + len(LATER) == 4
    return now[0], now[1]


def module(n: int = 1000, **given: Any) -> WalkForwardDataModule:
    sizes = {"train_size": 0.5, "val_size": 0.1, "test_size": 0.4}
    options = {"sequence_length": 8, "prediction_horizons": (1, 5), **sizes, **given}
    return WalkForwardDataModule(world(n), **options)


def small(kind: str, columns: int) -> Any:
    from folkmoot.models import LSTMModel, TFTModel

    torch.manual_seed(1)
    if kind == "tft":
        return TFTModel(columns, 8, 16, horizons=2, hidden=8, heads=2, width=4)
    return LSTMModel.create_optimized_model(
        input_dim=columns,
        sequence_length=8,
        prediction_horizons=(1, 5),
        hidden_size=8,
        num_layers=1,
        num_heads=2,
    )


def test_the_training_runs_from_a_csv_file(
    blocks: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world(205, told=0.5).to_frame().to_csv("your_crypto_data.csv", index=False)
    trained = carry_out(blocks[0], TRAINING)["trainer"]
    assert 10 <= len(trained.history) <= 100
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert not trained.judgement.validation["passed"], "its few test rows prove nothing"


def test_the_prediction_joins_the_two_files_by_their_weights(
    blocks: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    data = module()
    for kind, file in (("lstm", "lstm_model.pt"), ("tft", "tft_model.pt")):
        model = small(kind, len(data.get_feature_names()))
        NeuralTrainer(model, data, max_epochs=1).fit().save(Path("path/to") / file)
    latest = world(1000).to_frame()
    told = carry_out(blocks[1], PREDICTION, latest_market_df=latest)
    result, predictor = told["result"], told["predictor"]
    assert predictor.models == ("lstm_model", "transformer_model") == tuple(result["models"])
    assert 0.0 <= result["uncertainty"].mean() <= 1.0
    assert capsys.readouterr().out.splitlines()[1].startswith("Confidence: ")


def settings(shared: Path, title: str) -> dict[str, Any]:
    """Return what the block below a heading of document 000 sets."""
    text = (shared / "seeds" / "000_engram_model.md").read_text("utf-8")
    block = text.split(f"**{title}:**\n```python\n")[1].split("```")[0]
    told = carry_out(block, "")
    return {name: value for name, value in told.items() if name != "__builtins__"}


def test_the_settings_of_the_text_engram_are_the_document_s(shared: Path) -> None:
    told = settings(shared, "EngramConfig")
    assert EngramConfig(**told) == EngramConfig()
    assert len(told) == 9


def test_the_settings_of_its_backbone_are_the_document_s(shared: Path) -> None:
    told = settings(shared, "BackBoneConfig")
    assert BackBoneConfig(**told) == BackBoneConfig()
    assert len(told) == 4


def test_a_model_made_for_other_data_is_refused(tmp_path: Path) -> None:
    data = module()
    columns = len(data.get_feature_names())
    with pytest.raises(UsageError, match="does not fit"):
        NeuralTrainer(small("lstm", columns + 1), data)
    with pytest.raises(UsageError, match="does not fit"):
        NeuralTrainer(small("lstm", columns), module(prediction_horizons=(1,)))
    with pytest.raises(UsageError, match="no network"):
        NeuralTrainer("lstm", data)
    with pytest.raises(UsageError, match="holdout is set by"):
        NeuralTrainer(small("lstm", columns), data, training={"holdout": 0.1})


def test_a_module_of_one_s_own_is_fitted_and_judged_but_not_saved(tmp_path: Path) -> None:
    data = module()
    columns = len(data.get_feature_names())
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8 * columns, 16))
    trainer = NeuralTrainer(own, data, max_epochs=2).fit()
    assert set(trainer.metrics) == {"1", "5"}
    assert trainer.member.networks()[0] is own
    with pytest.raises(UsageError, match="no member"):
        trainer.save(tmp_path / "own.pt")


def test_a_killed_fit_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    data, weights = module(), []
    for keep in (None, tmp_path / "state"):
        model = small("lstm", len(data.get_feature_names()))
        trainer = NeuralTrainer(model, data, max_epochs=2)
        if keep is not None:
            with pytest.raises(KeyboardInterrupt):
                trainer.fit(progress=interrupt, keep=keep)
            model = small("lstm", len(data.get_feature_names()))
            trainer = NeuralTrainer(model, data, max_epochs=2)
        trainer.fit(keep=keep)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*weights)


def interrupt(row: dict[str, Any]) -> None:
    raise KeyboardInterrupt


def weights_of(model: Any) -> Any:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_state_of_a_finished_fit_is_gone_and_a_second_fit_learns_on(tmp_path: Path) -> None:
    data, keep = module(), tmp_path / "state"
    (tmp_path / "state.01").write_text("not ours")
    model = small("lstm", len(data.get_feature_names()))
    trainer, told = NeuralTrainer(model, data, max_epochs=2), []
    trainer.fit(keep=keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.01"]
    before = weights_of(model)
    trainer.fit(keep=keep, progress=told.append)
    assert [row["epoch"] for row in told] == [0, 1]
    assert trainer.member.warm == ["warm"]
    assert not torch.equal(weights_of(model), before)


def test_the_state_of_another_fit_is_refused_and_nothing_is_learnt(tmp_path: Path) -> None:
    data, other = module(), module(1100)
    with pytest.raises(KeyboardInterrupt):
        NeuralTrainer(small("lstm", len(data.get_feature_names())), data, max_epochs=2).fit(
            progress=interrupt, keep=tmp_path / "state"
        )
    model = small("lstm", len(other.get_feature_names()))
    trainer, before = NeuralTrainer(model, other, max_epochs=2), weights_of(model)
    with pytest.raises(DataError, match=r"state\.0 is of another fit, with another plan and data"):
        trainer.fit(keep=tmp_path / "state")
    assert torch.equal(weights_of(model), before)
    assert trainer.history == []
    with pytest.raises(Untrained):
        trainer.card()


def test_a_fit_that_is_interrupted_leaves_the_trainer_with_the_fit_before(tmp_path: Path) -> None:
    data = module()
    model = small("lstm", len(data.get_feature_names()))
    trainer = NeuralTrainer(model, data, max_epochs=1).fit()
    before, card = weights_of(model), trainer.card()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(progress=interrupt)
    assert torch.equal(weights_of(model), before)
    assert trainer.card() == card


def test_every_network_of_the_documents_starts_from_the_weights_it_is_given() -> None:
    from folkmoot.models import TradingModel

    data = module()
    columns = len(data.get_feature_names())
    config = {"input_channels": 5, "n_indicators": columns, "output_dim": 16}
    trading = TradingModel(config, channels=8, hidden=8, layers=1, heads=2)
    for model in (small("lstm", columns), small("tft", columns), trading):
        assert NeuralTrainer(model, data, max_epochs=1).fit().member.warm == ["warm"]


def test_a_trading_model_is_trained_saved_and_asked(tmp_path: Path) -> None:
    from folkmoot.models import TradingModel

    data = module()
    config = {"input_channels": 5, "n_indicators": len(data.get_feature_names()), "output_dim": 16}
    model = TradingModel(config, channels=8, hidden=8, layers=1, heads=2)
    trainer = NeuralTrainer(model, data, max_epochs=1).fit()
    predictor = NeuralPredictor()
    for name, onnx in (("network", False), ("graph", True)):
        trainer.save(tmp_path / f"{name}.pt", onnx=onnx)
        predictor.load_model(name, tmp_path / f"{name}.pt")
    told = predictor.predict(world(1000))["models"]
    np.testing.assert_allclose(told["graph"]["p_up"], told["network"]["p_up"], atol=1e-5)
