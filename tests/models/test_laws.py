"""Laws that every member must obey. A new file is picked up by name; nothing here is edited."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from safetensors.numpy import save_file
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UnknownOption, Untrained, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.core.hashing import content_hash
from folkmoot.core.protocols import Forecaster
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.models.neural.network import Network

HORIZONS = (1, 5)
ROWS = slice(2500, 2700)

# A member's laws run in one worker, which fits it once for most of them.
every = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in models.MODELS]
)


def small(name: str, **options: Any) -> Any:
    """Return the member in the size that its family declares for quick trials."""
    kind = plugins.load("folkmoot.models", name)
    quick = {k: v for k, v in getattr(kind, "small", {}).items()}
    return models.build(name, **quick, **options)


@cache
def fitted(name: str, horizons: tuple[int, ...] = HORIZONS) -> Any:
    return fit(name, make(), horizons)


def fit(name: str, market: Any, horizons: tuple[int, ...] = HORIZONS, rows: int = 2400) -> Any:
    model = small(name, horizons=horizons)
    x = market.x(model.lookback).rows(slice(0, rows))
    y = market.labels(model.lookback, len(horizons))[:rows]
    return model.fit(x, y, np.ones(rows))


def same(a: Forecast, b: Forecast) -> None:
    np.testing.assert_array_equal(a.p_up, b.p_up)
    np.testing.assert_array_equal(a.quantiles, b.quantiles)


def close(name: str, a: Forecast, b: Forecast) -> None:
    """Bit for bit; for a network, whose sums depend on the batch, within 1e-5 of a logit."""
    if not issubclass(plugins.load("folkmoot.models", name), Network):
        return same(a, b)
    np.testing.assert_allclose(logit(a.p_up), logit(b.p_up), rtol=0.0, atol=1e-5)
    return np.testing.assert_allclose(a.quantiles, b.quantiles, rtol=1e-4, atol=1e-7)


def logit(p: Floats) -> Floats:
    return np.log(p / (1.0 - p))


def altered(x: Features, values: Floats, lookback: int) -> Features:
    return windows(Table(values, x.names, np.arange(len(values)) * 3_600_000), lookback)


@every
def test_a_member_is_a_forecaster_with_state(name: str) -> None:
    model = models.build(name)
    assert isinstance(model, Forecaster)
    assert model.horizons == (1,)
    assert model.levels == LEVELS
    assert model.handles_missing in (True, False)


@every
def test_a_forecast_has_the_shapes_it_promises(name: str, market: Any) -> None:
    model = fitted(name)
    answer = model.predict(market.x(model.lookback).rows(ROWS))
    assert answer.p_up.shape == (200, 2)
    assert answer.quantiles.shape == (200, 2, 7)
    assert (answer.horizons, answer.levels) == (HORIZONS, LEVELS)


@every
def test_one_row_many_rows_and_a_prefix_give_the_same_bits(name: str, market: Any) -> None:
    model = fitted(name)
    x = market.x(model.lookback)
    whole = model.predict(x)
    prefix = Forecast(whole.p_up[:777], whole.quantiles[:777], ())
    close(name, model.predict(x.rows(slice(0, 777))), prefix)
    for row in (5, 1234, len(x) - 10):
        alone = model.predict(x.rows(slice(row, row + 1)))
        close(name, alone, Forecast(whole.p_up[[row]], whole.quantiles[[row]], ()))


@every
def test_probabilities_are_inside_and_quantiles_rise(name: str, market: Any) -> None:
    model = fitted(name)
    answer = model.predict(market.x(model.lookback))
    assert ((answer.p_up > 0.0) & (answer.p_up < 1.0)).all()
    assert (np.diff(answer.quantiles, axis=2) >= 0.0).all()


@every
def test_an_unfitted_member_refuses(name: str, market: Any) -> None:
    model = models.build(name)
    with pytest.raises(Untrained):
        model.predict(market.x(model.lookback))
    with pytest.raises(Untrained):
        model.state()


@every
def test_fitting_twice_gives_the_same_bits(name: str, market: Any) -> None:
    x = market.x(fitted(name).lookback).rows(ROWS)
    same(fitted(name).predict(x), fit(name, market).predict(x))


@every
def test_an_unknown_input_gives_an_unknown_answer_and_touches_no_other_row(
    name: str, market: Any
) -> None:
    model = fitted(name)
    x = market.x(model.lookback)
    # The windows that show bar 2000, and a hundred rows on either side.
    near = slice(1900 - model.lookback, 2101)
    row = 2000 - (model.lookback - 1) - near.start
    before = model.predict(x.rows(near))
    for place, column in enumerate(x.names):
        values = market.table.values.copy()
        values[2000, place] = np.nan
        after = model.predict(altered(x, values, model.lookback).rows(near))
        wanted = model.needs or tuple(n for n in x.names if n not in BARS_SET)
        needed = column in (*wanted, *getattr(model, "raw", ()), "ewma_vol")
        if not model.handles_missing:
            assert np.isnan(after.p_up[row]).all() == needed, column
        assert np.isnan(after.quantiles[row]).all() == (
            column == "ewma_vol" or (needed and not model.handles_missing)
        )
        apart = np.ones(len(after), dtype=bool)
        apart[row : row + model.lookback] = False
        close(name, *(Forecast(f.p_up[apart], f.quantiles[apart], ()) for f in (after, before)))


@every
def test_rows_without_weight_or_label_teach_nothing(name: str, market: Any) -> None:
    model = small(name)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1).copy()
    y[2400:] = np.nan
    weights = np.ones(len(x))
    first = model.fit(x, y, weights).predict(x.rows(ROWS))
    y[2400:], weights[2400:] = 0.01, 0.0
    if name == "lorentzian":
        y[2400:] = np.nan  # the spacing of its candidates counts from the last label
    same(small(name).fit(x, y, weights).predict(x.rows(ROWS)), first)


@every
def test_too_few_labels_are_refused(name: str, market: Any) -> None:
    model = small(name)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1).copy()
    y[29:] = np.nan
    with pytest.raises(DataError, match="known"):
        model.fit(x, y, np.ones(len(x)))


@every
def test_a_missing_column_is_named(name: str, market: Any) -> None:
    model = small(name)
    x = windows(market.table, model.lookback, market.table.names[:-1])
    with pytest.raises(DataError, match="ewma_vol"):
        model.fit(x, market.labels(model.lookback, 1), np.ones(len(x)))


@every
def test_wrong_shapes_and_options_are_refused(name: str, market: Any) -> None:
    model = small(name)
    x = market.x(model.lookback)
    with pytest.raises(UsageError):
        model.fit(x, market.labels(model.lookback, 2), np.ones(len(x)))
    with pytest.raises(UsageError):
        models.build(name, horizons=(5, 1))
    with pytest.raises(UnknownOption) as caught:
        models.build(name, no_such_option=1)
    assert caught.value.allowed == sorted(plugins.options(plugins.load("folkmoot.models", name)))


def learns(name: str) -> bool:
    model = models.build(name)
    return getattr(model, "learns_direction", True) and name not in ("base_rate", "always_up")


@every
def test_a_strong_edge_is_learnt(name: str, market: Any) -> None:
    model = fitted(name, (1,))
    rows = slice(2400, 2990 - model.lookback)
    x, y = market.x(model.lookback).rows(rows), market.labels(model.lookback, 1)[rows, 0]
    hit = ((model.predict(x).p_up[:, 0] > 0.5) == (y > 0.0)).mean()
    if learns(name) and name != "opposite_sign":
        assert hit >= 0.74
    if name == "opposite_sign":
        assert hit < 0.26


@every
def test_shuffled_labels_give_chance(name: str, make_market: Any) -> None:
    market = make_market(n=6000, seed=3)
    model = small(name)
    x, y = market.x(model.lookback), market.labels(model.lookback, 1).copy()
    np.random.default_rng(5).shuffle(y)
    model.fit(x.rows(slice(0, 4000)), y[:4000], np.ones(4000))
    rows = slice(4000, 5990 - model.lookback)
    p, up = model.predict(x.rows(rows)).p_up[:, 0], y[rows, 0] > 0.0
    assert abs(((p > 0.5) == up).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(up))


READER = """
import json, sys
from pathlib import Path
import numpy as np, orjson
from safetensors.numpy import load_file
from folkmoot.core import plugins
from folkmoot.core.hashing import content_hash
from folkmoot.features import Table, windows
root = Path(sys.argv[1])
table = load_file(root / "table.safetensors")
names = tuple(json.loads((root / "names.json").read_text()))
hashes = {}
for card in sorted(root.glob("*.card")):
    kind = plugins.load("folkmoot.models", card.stem)
    model = kind.restore(load_file(card.with_suffix(".arrays")), orjson.loads(card.read_bytes()))
    x = windows(Table(table["values"], names, table["known_at"]), model.lookback)
    answer = model.predict(x)
    hashes[card.stem] = content_hash(answer.p_up, answer.quantiles)
print(json.dumps(hashes))
"""


def test_a_restored_member_gives_the_same_bits_in_another_process(
    market: Any, tmp_path: Path
) -> None:
    wanted = {}
    save_file(
        {"values": market.table.values, "known_at": market.table.known_at},
        tmp_path / "table.safetensors",
    )
    (tmp_path / "names.json").write_text(json.dumps(market.table.names))
    for name in models.MODELS:
        model = fitted(name)
        arrays, facts = model.state()
        save_file(arrays, tmp_path / f"{name}.arrays")
        (tmp_path / f"{name}.card").write_bytes(orjson.dumps(facts))
        answer = model.predict(market.x(model.lookback))
        wanted[name] = content_hash(answer.p_up, answer.quantiles)
    found = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path)], check=True, capture_output=True
    )
    assert json.loads(found.stdout) == wanted
