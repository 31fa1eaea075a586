"""The fit loop: it resumes exactly, refuses plainly, and tells what it did."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models import killed_fits
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core.errors import DataError, UnknownOption, Untrained, UsageError
from folkmoot.models.convnext import ConvNeXt
from folkmoot.models.neural import targets
from folkmoot.models.neural.plan import Plan
from folkmoot.training.trainer_members import Given

torch = pytest.importorskip("torch", reason="needs the extra neural")


def build(**training: Any) -> Any:
    plan = {"epochs": 3, "batch": 128, **training}
    return models.build("dlinear", horizons=(1, 5), lookback=20, training=plan)


def fit(model: Any, seed: int = 1) -> Any:
    market = make(2000, seed)
    x = market.x(20)
    return model.fit(x, market.labels(20, 2), np.ones(len(x)))


def same_weights(a: Any, b: Any) -> bool:
    return a.learnt.keys() == b.learnt.keys() and all(
        np.array_equal(a.learnt[name], b.learnt[name]) for name in a.learnt
    )


def test_a_fit_that_is_killed_and_started_again_ends_in_the_same_weights(tmp_path: Path) -> None:
    wanted, seconds = killed_fits.finished(tmp_path / "whole")
    found, _ = killed_fits.killed(tmp_path / "killed", 2, seconds / 2.0, 5)
    assert found == wanted


def test_the_state_of_an_interrupted_fit_is_gone_on_from(tmp_path: Path) -> None:
    whole, halved = fit(build()), build()
    halved.keep = tmp_path / "state"

    def stop(row: dict[str, Any]) -> None:
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    halved.progress = stop
    with pytest.raises(KeyboardInterrupt):
        fit(halved)
    told: list[int] = []
    halved.progress = lambda row: told.append(row["epoch"])
    assert same_weights(fit(halved), whole)
    assert told == [2]


def test_a_damaged_state_is_refused_by_name(tmp_path: Path) -> None:
    model = build()
    model.keep = tmp_path / "state"
    (tmp_path / "state.0").write_bytes(b"\x80\x04 not ours")
    with pytest.raises(DataError, match="damaged"):
        fit(model)


def test_a_loss_that_is_no_number_is_an_error_that_says_where() -> None:
    with pytest.raises(DataError, match="epoch 0, step") as caught:
        fit(build(rate=1e30, clip=1e30, loss={"mse": 1e30}))
    assert "rate" in str(caught.value.allowed)


@pytest.mark.parametrize("holdout", [0.0, 0.15])
@pytest.mark.parametrize("rate", [1e18, 1e30, 1e38, 1e300])
def test_weights_that_are_lost_in_the_very_last_step_are_told(rate: float, holdout: float) -> None:
    market, model = make(220), build(rate=rate, epochs=1, batch=256, holdout=holdout)
    x = market.x(20)
    with pytest.raises(DataError, match="epoch 0, step"):
        model.fit(x, market.labels(20, 2), np.ones(len(x)))
    with pytest.raises(Untrained):
        model.predict(x)


def stop(model: Any, place: int) -> None:
    """Let the next fit of `model` be interrupted in its network `place`."""

    def interrupt(row: dict[str, Any]) -> None:
        if len(model.history) == place:
            raise KeyboardInterrupt

    model.progress = interrupt


@pytest.mark.parametrize("place", [0, 1])
def test_an_interrupted_fit_leaves_an_unfitted_member_unfitted(place: int) -> None:
    model = build(seeds=2)
    stop(model, place)
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert (model.learnt, model.history, model.columns) == ({}, [], ())
    with pytest.raises(Untrained):
        model.predict(make(100).x(20))


@pytest.mark.parametrize("end", ["interrupted", "diverged", "refused"])
def test_a_fit_that_fails_leaves_the_fit_before_it(end: str) -> None:
    model, x = fit(build(seeds=2)), make(500, 2).x(20)
    before, state = model.predict(x), model.state()
    if end == "interrupted":
        stop(model, 1)
    if end == "diverged":
        model.plan = Plan.of({"rate": 1e30, "clip": 1e30, "loss": {"mse": 1e30}, "seeds": 2})
    with pytest.raises((KeyboardInterrupt, DataError)):
        fit(model, 3) if end != "refused" else few(model)
    after = model.predict(x)
    np.testing.assert_array_equal(after.p_up, before.p_up)
    np.testing.assert_array_equal(after.quantiles, before.quantiles)
    assert model.state()[1]["history"] == state[1]["history"]
    assert model.columns == tuple(state[1]["columns"])


def few(model: Any) -> Any:
    """Fit on labels of which too few are left beside those that are held out."""
    market = make(60)
    return model.fit(market.x(20), market.labels(20, 2), np.ones(41))


def test_a_module_of_one_s_own_is_as_it_was_after_an_interrupted_fit() -> None:
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(20 * 8, 16))
    weights = own[1].weight.detach().clone()
    model = Given(horizons=(1, 5), lookback=20, training={"epochs": 2}, module=own)
    stop(model, 0)
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert torch.equal(own[1].weight, weights)


class Interrupted(ConvNeXt):
    """A member that is interrupted after its networks were fitted, while it refines them."""

    def _temper(self, *given: Any) -> None:
        raise KeyboardInterrupt


def test_a_fit_that_is_interrupted_after_its_networks_are_fitted_leaves_nothing() -> None:
    quick = {**ConvNeXt.small, "training": {"epochs": 1, "windows": 128, "batch": 64}}
    model, market = Interrupted(**quick), make(1000)
    x = market.x(model.lookback)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, market.labels(model.lookback, 1), np.ones(len(x)))
    with pytest.raises(Untrained):
        model.predict(x)


def test_every_loss_can_be_asked_for_and_their_mixture() -> None:
    for loss in ({"mse": 1.0}, {"mae": 1.0}, {"huber": 1.0}, {"bce": 0.5, "huber": 0.5}):
        history = fit(build(loss=loss)).history[0]
        assert history[-1]["loss"] < history[0]["loss"]


def test_seeds_are_averaged_and_their_spread_is_told() -> None:
    model = fit(build(seeds=3))
    x = make(2000).x(20)
    assert model.predict(x).p_up.shape == (len(x), 2)
    assert (model.spread(x) > 0.0).all()
    assert (fit(build()).spread(x) == 0.0).all()


def test_early_stopping_keeps_the_best_epoch_and_asks_purged_rows() -> None:
    model = fit(build(epochs=30, patience=2, rate=0.05))
    losses = [row["validation_loss"] for row in model.history[0]]
    assert len(losses) < 30
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    taught, held_out = model._cut(make(1000).x(), np.arange(1000))
    assert taught[-1] + max(model.horizons) + 1 < held_out[0]


def test_an_epoch_is_told_in_a_trader_s_words() -> None:
    row = fit(build()).history[0][-1]
    for name in ("accuracy", "ic", "win_rate", "sharpe", "drawdown", "validation_loss"):
        assert np.isfinite(row[name])


def test_a_plan_refuses_what_it_does_not_know() -> None:
    with pytest.raises(UnknownOption) as caught:
        Plan.of({"epoch": 3})
    assert "epochs" in caught.value.allowed
    bad = ({"epochs": 0}, {"loss": {"hinge": 1.0}}, {"device": "tpu"}, {"holdout": 0.9})
    for options in bad:
        with pytest.raises(UsageError):
            Plan.of(options)


def test_raw_zeros_decode_to_the_uninformed_forecast_and_quantiles_always_rise() -> None:
    shape = np.sort(np.random.default_rng(1).standard_normal((2, 7)), axis=1)
    base = np.array([0.1, -0.2])
    p, quantiles = targets.decode(np.zeros((1, 16), np.float32), base, shape)
    np.testing.assert_allclose(p[0], 1.0 / (1.0 + np.exp(-base)))
    np.testing.assert_allclose(quantiles[0], shape)
    wild = 50.0 * np.random.default_rng(2).standard_normal((500, 16)).astype(np.float32)
    assert (np.diff(targets.decode(wild, base, shape)[1], axis=2) > 0.0).all()


def test_the_loss_decodes_as_the_forecast_does() -> None:
    from folkmoot.models.networks.criterion import Criterion

    shape = np.sort(np.random.default_rng(1).standard_normal((2, 7)), axis=1)
    raw = np.random.default_rng(2).standard_normal((50, 16)).astype(np.float32)
    wanted = targets.decode(raw, np.zeros(2), shape)[1]
    criterion = Criterion(np.zeros(2), shape, {"pinball": 1.0})
    found = criterion.quantiles(torch.from_numpy(raw).reshape(50, 2, 8)[:, :, 1:])
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_directions_can_be_made_to_count_alike() -> None:
    market = make(2000)
    x, y = market.x(20), np.abs(market.labels(20, 2))
    y[::5] *= -1.0
    for balance, low, high in ((False, 0.7, 0.9), (True, 0.4, 0.6)):
        model = build(balance=balance, rate=1e-5, epochs=1).fit(x, y, np.ones(len(x)))
        assert low < np.nanmean(model.predict(x).p_up) < high
