"""The kept state of a fit is gone on from in that fit alone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from tests.models.conftest import Market, make

from folkmoot import models
from folkmoot.core.errors import DataError
from folkmoot.models.neural import weights

torch = pytest.importorskip("torch", reason="needs the extra neural")

PLAN = {"epochs": 3, "batch": 128}


def build(lookback: int = 20, **training: Any) -> Any:
    plan = {**PLAN, **training}
    return models.build("dlinear", horizons=(1, 5), lookback=lookback, training=plan)


def fit(model: Any, market: Market, weights: Any = None) -> Any:
    x = market.x(model.lookback)
    y = market.labels(model.lookback, 2)
    return model.fit(x, y, np.ones(len(x)) if weights is None else weights)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a finished fit, that a kill kept from being removed."""
    model = build()
    model.keep = tmp_path_factory.mktemp("fits") / "state"
    fit(model, make(1000))
    return model.keep


def other_row(market: Market) -> Market:
    y = market.y.copy()
    y[500] *= 1.5
    return Market(market.table, y)


def other_value(market: Market) -> Market:
    market.table.values[500, 1] += 1.0
    return market


Change = Callable[[], Any]
CHANGES: dict[str, tuple[str, Change]] = {
    "another market": ("data", lambda: fit_on(build(), make(1000, seed=2))),
    "one row less": ("data", lambda: fit_on(build(), make(999))),
    "another label": ("data", lambda: fit_on(build(), other_row(make(1000)))),
    "another input": ("data", lambda: fit_on(build(), other_value(make(1000)))),
    "more held out": ("plan and data", lambda: fit_on(build(holdout=0.2), make(1000))),
    "another rate": ("plan", lambda: fit_on(build(rate=2e-3), make(1000))),
    "more epochs": ("plan", lambda: fit_on(build(epochs=4), make(1000))),
    "another window": ("data and network", lambda: fit_on(build(21), make(1000))),
    "another start": ("plan and network", lambda: fit_on(warm(), make(1000))),
}


def fit_on(model: Any, market: Market) -> Callable[[Path], Any]:
    def go_on(keep: Path) -> Any:
        model.keep = keep
        return fit(model, market)

    return go_on


def warm() -> Any:
    model = build(warm=True)
    before = fit(build(), make(1000, seed=4))
    model.before = weights.carried(before.learnt, before.columns)
    return model


@pytest.mark.parametrize("change", CHANGES)
def test_the_state_of_another_fit_is_refused_by_name(
    change: str, state: Path, tmp_path: Path
) -> None:
    differs, go_on = CHANGES[change]
    shutil.copy(f"{state}.0", tmp_path / "mine.0")
    bytes_before = (tmp_path / "mine.0").read_bytes()
    with pytest.raises(DataError, match=rf"with another {differs} \(/") as caught:
        go_on()(tmp_path / "mine")
    assert "mine.0" in caught.value.message
    assert str(tmp_path) in str(caught.value.where)
    assert (tmp_path / "mine.0").read_bytes() == bytes_before


def test_rows_of_another_weight_are_another_fit(state: Path) -> None:
    model, market = build(), make(1000)
    model.keep = state
    share = np.ones(len(market.x(20)))
    share[100] = 0.5
    with pytest.raises(DataError, match="another data"):
        fit(model, market, share)


def test_its_own_state_is_gone_on_from(state: Path) -> None:
    found, wanted = build(), fit(build(), make(1000))
    told: list[Any] = []
    found.keep, found.progress = state, told.append
    fit(found, make(1000))
    assert told == []
    for name, array in wanted.learnt.items():
        np.testing.assert_array_equal(found.learnt[name], array)


def test_a_state_of_another_format_is_refused(state: Path, tmp_path: Path) -> None:
    with safe_open(f"{state}.0", "pt") as file:
        facts = file.metadata()["facts"].replace("folkmoot fit 2", "folkmoot fit 1")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, tmp_path / "old.0", {"facts": facts})
    model = build()
    model.keep = tmp_path / "old"
    with pytest.raises(DataError, match=r"old\.0 is in the format 'folkmoot fit 1'"):
        fit(model, make(1000))


def test_each_network_has_a_state_of_its_own(state: Path, tmp_path: Path) -> None:
    model = build(seeds=2)
    model.keep = tmp_path / "pair"
    fit(model, make(1000))
    shutil.copy(tmp_path / "pair.0", tmp_path / "pair.1")
    with pytest.raises(
        DataError, match=r"pair\.1 is of another fit, with another plan and network"
    ):
        fit(model, make(1000))
