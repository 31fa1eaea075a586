"""A member answers as of the newest bar of the window that it asked for, or refuses the window."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.errors import DataError
from folkmoot.models.neural.network import Network

pytest.importorskip("torch", reason="needs the extra neural")

ROWS = slice(0, 700)
BRIEF = {"epochs": 1, "windows": 64, "batch": 64}
NETWORKS = [n for n in models.MODELS if issubclass(plugins.load("folkmoot.models", n), Network)]
networks = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NETWORKS]
)


def brief(name: str) -> Any:
    kind = plugins.load("folkmoot.models", name)
    quick = getattr(kind, "small", {})
    training = {**quick.get("training", {}), **BRIEF}
    return models.build(name, **{**quick, "training": training})


@cache
def fitted(name: str) -> Any:
    model, market = brief(name), make(1000)
    x, y = market.x(model.lookback).rows(ROWS), market.labels(model.lookback, 1)[ROWS]
    return model.fit(x, y, np.ones(len(x)))


@networks
@pytest.mark.parametrize("more", [5, -1])
def test_windows_of_another_length_are_refused_in_a_forecast(name: str, more: int) -> None:
    model = fitted(name)
    x = make(1000).x(model.lookback + more)
    for rows in (slice(600, 700), slice(600, 601)):
        for ask in (model.predict, model.explain, model.raw_answers, model.freeze):
            with pytest.raises(DataError, match=f"show {model.lookback + more} bars") as caught:
                ask(x.rows(rows))
            assert str(model.lookback) in str(caught.value.allowed)


@networks
@pytest.mark.parametrize("more", [5, -1])
def test_windows_of_another_length_are_refused_in_a_fit(name: str, more: int) -> None:
    market, model = make(1000), brief(name)
    steps = model.lookback + more
    x, y = market.x(steps).rows(ROWS), market.labels(steps, 1)[ROWS]
    with pytest.raises(DataError, match=f"show {steps} bars"):
        model.fit(x, y, np.ones(len(x)))
