"""The members that look at angular fields, the questions of one of them, and its predictor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot import models
from folkmoot.agents import ConvNeXtPredictor
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UnknownOption, Untrained, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import BARS_SET, Table, feature_set, generate_gaf_3channel, labels, windows
from folkmoot.features.image_labels import HEADS, fit_thresholds, image_classes, outlook
from folkmoot.models.convnext import ConvNeXt
from folkmoot.models.convnext_lstm import ConvNeXtLSTM
from folkmoot.models.neural.questions import lessons, softmax_line
from folkmoot.models.neural.temperature import fit_temperature, log_loss, softmax

torch = pytest.importorskip("torch", reason="needs the extra neural")

from safetensors.torch import save_file  # noqa: E402  # after the check for torch

from folkmoot.models.networks.convnext import ConvNeXt as Backbone  # noqa: E402
from folkmoot.models.networks.head import count  # noqa: E402

QUICK = {**ConvNeXt.small, "training": {"epochs": 1, "batch": 128, "rate": 3e-3}}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def changing(n: int = 2400) -> Bars:
    """Return bars whose volatility is 0.003 and 0.012 in turns of 300: the next bars' is known."""
    rng = np.random.default_rng(1)
    step = np.where(np.arange(n) // 300 % 2, 0.012, 0.003) * rng.standard_normal(n)
    close = 100.0 * np.exp(np.cumsum(step))
    open_ = np.r_[100.0, close[:-1]]
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    walk = random_walk(n)
    return Bars("TURN/USD", walk.timeframe, walk.open_time, open_, high, low, close, walk.volume)


TURNS = changing()


def rows_of(bars: Bars, lookback: int = 32) -> Features:
    return windows(feature_set("bars", bars.timeframe).matrix(bars), lookback, BARS_SET)


@pytest.fixture(scope="module")
def predictor() -> ConvNeXtPredictor:
    quick = {**ConvNeXt.small, "training": {"epochs": 4, "batch": 64, "rate": 3e-3}}
    made = ConvNeXtPredictor(device="cpu", horizons=(1, 5), questions=1.0, **quick)
    history = made.fine_tune(TURNS)
    assert len(history) == 4
    return made


def test_the_members_have_their_sizes() -> None:
    convnext, lstm = models.build("convnext"), models.build("convnext_lstm")
    assert (convnext.lookback, lstm.lookback) == (64, 112)
    assert (type(convnext), type(lstm)) == (ConvNeXt, ConvNeXtLSTM)
    network = convnext.network(0, 32)
    assert count(network.eye) == 670_200
    assert count(network.classes) == 198 * 11 + 11
    assert count(network.head) == 198 * 64 + 64 + 64 * 32 + 32 + 32 * 32 + 32
    assert convnext.needs == lstm.needs == (*BARS_SET[:4], "ewma_vol")


def test_the_lessons_are_the_labels_of_the_bars() -> None:
    x = rows_of(TURNS)
    usable = np.ones(len(x), dtype=bool)
    usable[2300:] = False
    held_out = np.arange(2000, 2300)
    given = lessons(x, usable, held_out, 24)
    found = outlook(TURNS.rows(31, 2331), 24)
    training = np.arange(2300) < 2000 - 25
    wanted = image_classes(found, fit_thresholds(found, training))
    np.testing.assert_array_equal(given.taught[: 2000 - 25], wanted[: 2000 - 25])
    np.testing.assert_array_equal(given.held_out[2000:2300], wanted[2000:])
    assert (given.taught[2000 - 25 :] == -1).all()
    assert (given.held_out[:2000] == -1).all()
    assert (given.held_out[2300 - 25 :] == -1).all()


def test_no_lesson_knows_a_bar_after_the_rows_it_is_made_of() -> None:
    x = rows_of(TURNS)
    usable, held_out = np.arange(len(x)) < 2000, np.arange(1700, 2000)
    before = lessons(x, usable, held_out, 24)
    values = feature_set("bars", TURNS.timeframe).matrix(TURNS).values.copy()
    values[2031:] += 1.0
    changed = windows(Table(values, BARS_SET, TURNS.close_time), 32)
    after = lessons(changed, usable, held_out, 24)
    np.testing.assert_array_equal(before.taught, after.taught)
    np.testing.assert_array_equal(before.held_out, after.held_out)


def test_too_few_rows_teach_no_question_and_answer_none() -> None:
    x = rows_of(TURNS.until(560))
    y = np.column_stack([labels(TURNS.until(560), 1).y])[31:]
    model = models.build("convnext", **QUICK).fit(x, y, np.ones(len(x)))
    assert model.answers(x) == model.explain(x) == model.gains() == {}
    with pytest.raises(Untrained, match="too few held-out"):
        ConvNeXtPredictor.of(model).predict(TURNS)
    silent = models.build("convnext", **{**QUICK, "questions": 0.0})
    silent.fit(x, y, np.ones(len(x)))
    assert silent.answers(x) == {}


def test_answers_are_probabilities_that_know_the_turns(predictor: ConvNeXtPredictor) -> None:
    x = rows_of(TURNS)
    told = predictor.member.answers(x)
    assert {name: p.shape[1] for name, p in told.items()} == {k: len(v) for k, v in HEADS.items()}
    bars = np.arange(len(x)) + 31
    for p in told.values():
        assert np.isnan(p[0]).all()
        np.testing.assert_allclose(p[1:].sum(axis=1), 1.0, rtol=1e-9)
    quiet, loud = (bars > 900) & (bars % 600 < 250), (bars > 900) & (bars % 600 > 350)
    fierce = told["volatility"][:, 2:].sum(axis=1)
    assert fierce[loud].mean() > fierce[quiet].mean() + 0.4
    assert predictor.member.gains()["volatility"] > 0.3
    assert set(predictor.member.gains()) == set(HEADS)


def test_the_heads_are_fitted_to_the_end_and_kept(predictor: ConvNeXtPredictor) -> None:
    member = predictor.member
    network: Any = member.networks()[0]
    for name in HEADS:
        kept = member.learnt[f"net0.classes.{name}.weight"]
        np.testing.assert_array_equal(getattr(network.classes, name).weight.detach(), kept)
    rng = np.random.default_rng(0)
    seen = np.column_stack((rng.standard_normal((3000, 2)) * [1.0, 50.0] + 7.0, np.ones(3000)))
    truth = np.digitize(seen[:, 0] + rng.standard_normal(3000), [6.5, 7.5])
    weights, bias = softmax_line(seen, truth, 3) or (np.empty(0), np.empty(0))
    assert ((seen @ weights.T + bias).argmax(axis=1) == truth).mean() > 0.5
    assert not weights[:, 2].any()
    assert softmax_line(seen, truth, 4) is None


def test_a_prediction_names_classes_and_how_sure_it_is(predictor: ConvNeXtPredictor) -> None:
    made = predictor.predict(TURNS, return_features=True)
    assert predictor.status == "trained"
    for question, classes in HEADS.items():
        word, sure = getattr(made, question), getattr(made, f"{question}_confidence")
        assert word in classes
        assert sure == max(made.probabilities[question].values())
    assert set(made.p_up) == {1, 5}
    assert made.features is not None
    assert made.features.shape == (16,)
    batch = predictor.predict_batch(TURNS, rows=[500, 2399])
    assert batch[1].probabilities["regime"] == pytest.approx(made.probabilities["regime"], 1e-5)
    assert len(predictor.predict_batch(TURNS.until(100))) == 68
    with pytest.raises(UsageError, match="rows"):
        predictor.predict_batch(TURNS, rows=[31])


def test_closes_are_answered_as_the_bars_are(predictor: ConvNeXtPredictor) -> None:
    last = predictor.predict(TURNS)
    told = predictor.predict(TURNS.close)
    assert told.probabilities["direction"] == pytest.approx(last.probabilities["direction"], 1e-4)
    closes = np.lib.stride_tricks.sliding_window_view(TURNS.close, 32)[-3:]
    volatility = rows_of(TURNS).of("ewma_vol")[-3:, 0]
    batch = predictor.predict_batch(closes, volatility)
    assert batch[2].p_up == pytest.approx(last.p_up, 1e-5)
    np.testing.assert_allclose(
        predictor.extract_features(closes), predictor.extract_features(TURNS)[-3:], atol=1e-4
    )


def test_a_picture_is_answered_as_the_closes_it_was_drawn_of(predictor: ConvNeXtPredictor) -> None:
    raw = np.lib.stride_tricks.sliding_window_view(TURNS.close, 32)[400:800:8]
    low, high = raw.min(axis=1, keepdims=True), raw.max(axis=1, keepdims=True)
    # Their highest close is 5 % above their lowest, which is what a picture is taken for.
    closes = 1.0 + (2.0 * raw - high - low) / (high - low) * np.tanh(0.025)
    pictures = np.stack([generate_gaf_3channel(row, 32) for row in closes])
    seen, told = predictor.predict_batch(pictures), predictor.predict_batch(closes)
    for one, other in zip(seen, told, strict=True):
        assert one.p_up == pytest.approx(other.p_up, abs=0.05)
    assert predictor.predict(pictures[0]).p_up == predictor.predict_batch(pictures[:1])[0].p_up
    assert predictor.extract_features(pictures[:2]).shape == (2, 16)


def test_what_the_future_brings_changes_no_prediction(predictor: ConvNeXtPredictor) -> None:
    early = predictor.predict(TURNS.until(1500))
    late = predictor.predict_batch(TURNS, rows=[1499])[0]
    assert early.p_up == pytest.approx(late.p_up, abs=1e-6)
    for name in HEADS:
        assert early.probabilities[name] == pytest.approx(late.probabilities[name], abs=1e-6)


def test_a_restored_member_answers_the_same(predictor: ConvNeXtPredictor) -> None:
    arrays, facts = predictor.member.state()
    restored = ConvNeXtPredictor.of(ConvNeXt.restore(arrays, facts))
    assert restored.predict(TURNS).probabilities == predictor.predict(TURNS).probabilities


def test_an_untrained_predictor_emits_nothing() -> None:
    fresh = ConvNeXtPredictor("tiny")
    assert fresh.status == "untrained"
    for question in (fresh.predict, fresh.predict_batch, fresh.extract_features):
        with pytest.raises(Untrained):
            question(TURNS)


def test_a_checkpoint_is_tuned_with_care(tmp_path: Path) -> None:
    backbone = Backbone("tiny", 1000)
    save_file(backbone.state_dict(), tmp_path / "tiny.safetensors")
    tiny = ConvNeXtPredictor("tiny", tmp_path / "tiny.safetensors")
    assert tiny.status == "pretrained"
    assert tiny.dropped == ("head.fc.weight", "head.fc.bias")
    assert tiny.member.backbone_rate == 0.1
    features = tiny.extract_features(TURNS.until(67))
    assert features.shape == (3, 768)
    network: Any = tiny.member.network(0, 8)
    assert torch.equal(network.eye.backbone.stem[0].weight, backbone.stem[0].weight)
    with pytest.raises(Untrained, match="not tuned"):
        tiny.predict(TURNS)


def test_what_is_no_market_is_refused(predictor: ConvNeXtPredictor) -> None:
    for given in (TURNS.close[:31], np.zeros((224, 224, 3)), TURNS.until(32)):
        with pytest.raises(UsageError):
            predictor.predict(given)
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    with pytest.raises(DataError, match="Gramian"):
        predictor.predict(noise)
    for wrong in (np.nan, -1.0):
        with pytest.raises(DataError):
            predictor.predict(np.r_[TURNS.close[:50], wrong])
    with pytest.raises(UsageError, match="volatility"):
        predictor.predict(TURNS.close, volatility=[1.0, 2.0])


@pytest.mark.parametrize(
    "options",
    [{"size": 16}, {"size": 65}, {"dims": (8, 8)}, {"outlook": 4}, {"questions": -1.0}],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        models.build("convnext", **options)
    with pytest.raises(UnknownOption):
        ConvNeXtPredictor(colour="red")
    with pytest.raises(UsageError):
        models.build("convnext_lstm", frames=20)


def test_a_temperature_makes_a_boaster_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(0)
    honest = rng.standard_normal((4000, 4))
    truth = np.array([rng.choice(4, p=p) for p in softmax(honest)])
    assert fit_temperature(3.0 * honest, truth) == pytest.approx(3.0, rel=0.1)
    found = fit_temperature(honest, truth)
    grid = [log_loss(honest / heat, truth) for heat in np.geomspace(0.05, 50.0, 400)]
    assert log_loss(honest / found, truth) <= min(grid) + 1e-9
