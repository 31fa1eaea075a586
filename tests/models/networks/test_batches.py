"""How rows are cut into batches, and networks that normalise by them: one row alone is no batch."""

from typing import Any

import numpy as np
import pytest
from tests.models import test_laws as laws
from tests.models.conftest import make

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.models.networks.batches import cuts  # noqa: E402
from folkmoot.models.networks.norm import Norm1d, Norm2d  # noqa: E402

NORMALISED = (
    *("transformer_informer", "trading_model"),
    *("cnn_standard", "cnn_resnet", "cnn_multiscale", "cnn_dilated"),
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 256])
def test_every_row_is_in_one_batch_and_none_is_alone(size: int) -> None:
    for rows in range(1, 600):
        parts = cuts(rows, size)
        assert [row for first, end in parts for row in range(first, end)] == list(range(rows))
        lengths = [end - first for first, end in parts]
        assert max(lengths) <= size + 1
        assert min(lengths) > 1 or size == 1 or rows == 1
        if rows % size != 1:
            assert parts == [(k, min(k + size, rows)) for k in range(0, rows, size)]


@pytest.mark.parametrize("norm", [Norm1d(3), Norm2d(3)])
def test_one_number_of_a_channel_passes_by_what_was_learnt_before(norm: Any) -> None:
    ones = (1,) * (norm.weight.ndim + (1 if isinstance(norm, Norm1d) else 2))
    norm.train()(torch.randn(64, 3, *ones[1:]) * 2.0 + 1.0)
    alone = torch.randn(1, 3, *ones[1:])
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    found = norm(alone)
    torch.testing.assert_close(found, norm.eval()(alone))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


@pytest.mark.parametrize("name", NORMALISED)
@pytest.mark.parametrize("training", [{"batch": 1}, {"batch": 64}])
def test_a_network_that_normalises_learns_whatever_is_left(name: str, training: Any) -> None:
    market, model = make(500), laws.small(name)
    model = laws.models.build(name, **short(model, {**training, "epochs": 1, "holdout": 0.0}))
    x = market.x(model.lookback)
    y, weights = market.labels(model.lookback, 1).copy(), np.zeros(len(x))
    told = np.flatnonzero(np.isfinite(y[:, 0]))[:193]
    weights[told] = 1.0
    answer = model.fit(x, y, weights).predict(x.rows(slice(200, 240)))
    assert np.isfinite(answer.p_up).all()


def short(model: Any, training: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a small model with the shortest window that it can have."""
    kept = {**type(model).small, "training": {**model.training, **training}}
    kept["lookback"] = next(n for n in range(1, 60) if fits(model, {**kept, "lookback": n}))
    return kept


def fits(model: Any, options: dict[str, Any]) -> bool:
    try:
        type(model)(**options)
    except laws.UsageError:
        return False
    return True
