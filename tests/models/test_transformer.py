"""The presets of attention and of its plainer neighbours as members: sizes, refusals, learning."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from folkmoot import models
from folkmoot.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks import head  # noqa: E402  # after the check for torch

COUNTS = {
    "transformer_standard": 490_467,
    "transformer_timeseries": 465_795,
    "transformer_informer": 333_507,
}
"""Section 22.2 of the specification."""
SMALL = {"width": 16, "heads": 2, "hidden": 32, "layers": 2}
MEMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, SMALL) for name in COUNTS},
    "rotary": ("transformer_timeseries", {"positions": "rotary", **SMALL}),
    "last": ("transformer_timeseries", {"every": False, **SMALL}),
    "patchtst": ("patchtst", SMALL),
    "patchtst_apart": ("patchtst", {"mixing": False, **SMALL}),
    "nhits": ("nhits", {"width": 16, "channels": 8}),
    "dlinear": ("dlinear", {}),
}
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("transformer_standard", {"width": 20, "heads": 4}),
    ("transformer_standard", {"layers": 0}),
    ("transformer_standard", {"attention": "linear"}),
    ("transformer_standard", {"positions": "learnt"}),
    ("transformer_standard", {"positions": "rotary"}),
    ("transformer_informer", {"positions": "rotary"}),
    ("transformer_standard", {"every": True}),
    ("patchtst", {"stride": 9}),
    ("patchtst", {"width": 20}),
    ("patchtst", {"heads": 0}),
    ("nhits", {"pools": (4,)}),
    ("nhits", {"width": 0}),
    ("dlinear", {"average": 24}),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", COUNTS)
def test_a_preset_has_the_parameters_of_its_specification(name: str) -> None:
    assert head.count(models.build(name).reference()) == COUNTS[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_small_member_finds_a_strong_edge(name: str, market: Any) -> None:
    member, options = MEMBERS[name]
    model = models.build(member, lookback=16, training={"batch": 64, "epochs": 4}, **options)
    x, y = market.x(16), market.labels(16, 1)
    model.fit(x.rows(slice(0, 2400)), y[:2400], np.ones(2400))
    asked = slice(2450, 2950)
    p_up = model.predict(x.rows(asked)).p_up[:, 0]
    assert np.mean((p_up > 0.5) == (y[asked, 0] > 0.0)) > 0.7


@pytest.mark.parametrize(("name", "options"), WRONG)
def test_options_that_do_not_fit_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        models.build(name, **options)
    assert caught.value.allowed


def lessons(model: Any, x: Any, y: Any) -> Any:
    usable = np.ones(len(x), dtype=np.bool_)
    usable[7] = False
    return model.extras(x, y, usable)


def test_taught_at_every_bar_a_window_tells_its_own_bars_directions(market: Any) -> None:
    model = models.build("transformer_timeseries", lookback=16, every=True, **SMALL)
    x, y = market.x(16), market.labels(16, 1)
    up, base = lessons(model, x.rows(slice(0, 500)), y[:500])
    for row in (40, 499):
        np.testing.assert_array_equal(up[row, :, 0], y[row - 15 : row + 1, 0] > 0.0)
    assert np.isnan(up[0, :-1]).all()
    assert np.isnan([up[7, -1, 0], up[9, -3, 0]]).all()
    rate = np.nanmean(np.where(y[:500, 0] == 0.0, np.nan, y[:500, 0] > 0.0))
    assert abs(base[0, 0] - np.log(rate / (1.0 - rate))) < 0.02


def test_rows_picked_apart_teach_their_last_bar_alone(market: Any) -> None:
    model = models.build("transformer_timeseries", lookback=16, every=True, **SMALL)
    index = np.arange(0, 900, 3)
    up, _ = lessons(model, market.x(16).rows(index), market.labels(16, 1)[index])
    assert np.isnan(up[:, :-1]).all()
    assert np.isfinite(up[:, -1]).sum() >= 298
