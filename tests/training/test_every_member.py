"""A small study: every member goes through one fold of the walk, at four horizons."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.features import feature_set
from folkmoot.market import world
from folkmoot.training import Material, Task, artefact, layout
from folkmoot.training.store import TaskStore
from folkmoot.training.tasks import carry_out

HORIZONS = (1, 5, 15, 30)
ONE_EPOCH = {"epochs": 1, "windows": 256, "batch": 64, "holdout_windows": 200}


@cache
def material() -> Material:
    bars = world("planted", 2000).bars
    columns = feature_set("core", bars.timeframe).plus(feature_set("bars", bars.timeframe))
    return Material.of(bars, columns, HORIZONS, 300)


def options(name: str) -> dict[str, Any]:
    """Return every option of a member, its fit cut down to one epoch."""
    known = plugins.options(plugins.load("folkmoot.models", name))
    given: dict[str, Any] = {"horizons": HORIZONS}
    if "training" in known:
        given["training"] = {**models.build(name).training, **ONE_EPOCH}
    built = models.build(name, **given)
    return {option: getattr(built, option) for option in known}


@pytest.mark.parametrize("name", models.MODELS)
def test_a_member_goes_through_a_fold(name: str, tmp_path: Any) -> None:
    block = layout(2000).blocks[4]
    store = TaskStore(tmp_path)
    carry_out(Task("0" * 64, name, name, options(name), block), material(), store)
    result = store.get("0" * 64)
    assert result is not None
    p_up, quantiles = result.arrays["p_up"], result.arrays["quantiles"]
    assert p_up.shape == (block.stop - block.start, 4)
    assert np.isfinite(p_up).mean() > 0.95
    assert (np.diff(quantiles[np.isfinite(quantiles).all(axis=2)], axis=1) >= 0.0).all()
    again = artefact(store, "0" * 64)
    assert again.horizons == HORIZONS
    assert not list((tmp_path / "fits").glob("*"))
