"""A committee asked in one call answers what each member would alone."""

from typing import Any

import numpy as np
import pytest
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core.errors import Untrained, UsageError
from folkmoot.core.forecast import Features, Forecast
from folkmoot.models.neural import together
from folkmoot.models.neural.network import Network

torch = pytest.importorskip("torch", reason="needs the extra neural")

SHORT = {"epochs": 1, "batch": 128, "windows": 256}
LOOKBACKS = (20, 24)


def fitted(name: str, lookback: int = 20, **options: Any) -> Any:
    model = models.build(name, horizons=(1, 5), **options)
    if isinstance(model, Network):
        model = models.build(name, horizons=(1, 5), lookback=lookback, training=SHORT, **options)
    market = make(1200)
    x = market.x(model.lookback)
    return model.fit(x, market.labels(model.lookback, 2), market.weights(model.lookback))


@pytest.fixture(scope="module")
def committee() -> list[Any]:
    names = ("dlinear", "gru_standard", "lightgbm")
    small: dict[str, dict[str, Any]] = {"gru_standard": {"hidden": 8}, "lightgbm": {"trees": 5}}
    return [fitted("dlinear", 24), *(fitted(name, **small.get(name, {})) for name in names)]


def shown(rows: slice) -> dict[int, Features]:
    """The same bars by lookback, one of them with an unknown column."""
    market = make(1200, seed=2)
    market.table.values[1100, 1] = np.nan
    return {n: market.x(n).rows(rows) for n in (1, *LOOKBACKS)}


def same(found: Forecast, wanted: Forecast) -> bool:
    pairs = ((found.p_up, wanted.p_up), (found.quantiles, wanted.quantiles))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


@pytest.mark.parametrize("rows", [slice(-1, None), slice(-150, None), slice(-150, None, 7)])
def test_together_each_member_answers_what_it_answers_alone(
    committee: list[Any], rows: slice
) -> None:
    x = shown(rows)
    found = together.ask(committee, x)
    wanted = [member.predict(x[member.lookback]) for member in committee]
    assert all(same(a, b) for a, b in zip(found, wanted, strict=True))


def test_networks_of_one_view_are_shown_one_table(
    committee: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    own = Network.inputs

    def counted(self: Network, x: Features) -> Any:
        asked.append(self.lookback)
        return own(self, x)

    monkeypatch.setattr(Network, "inputs", counted)
    together.ask(committee, shown(slice(-1, None)))
    assert sorted(asked) == sorted(LOOKBACKS)


def test_a_window_that_is_not_there_is_asked_for_by_its_length(committee: list[Any]) -> None:
    with pytest.raises(UsageError, match="24 bars"):
        together.ask(committee, {20: shown(slice(-1, None))[20]})


def test_a_member_that_was_not_fitted_refuses() -> None:
    member = models.build("dlinear", lookback=20, horizons=(1, 5))
    with pytest.raises(Untrained):
        together.ask([member], shown(slice(-1, None)))
