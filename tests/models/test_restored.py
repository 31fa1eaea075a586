"""Laws of what is restored: a member answers from what a fit can have left, or says no.

A new member is picked up by name; nothing here is edited for it. Networks are not asked here: a
state dictionary has the shapes that its network says.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.models import test_laws as laws

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.errors import DataError
from folkmoot.models.memory import Form
from folkmoot.models.neural.network import Network

LEARNERS = [
    name for name in models.MODELS if not issubclass(plugins.load("folkmoot.models", name), Network)
]
every = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in LEARNERS]
)

Array = np.ndarray[Any, Any]
DAMAGES: dict[str, Callable[[Array], Any]] = {
    "a row more": lambda a: np.concatenate((a, a[-1:])),
    "a row less": lambda a: a[:-1].copy(),
    "no row": lambda a: a[:0].copy(),
    "a column more": lambda a: np.repeat(a, 2, axis=-1),
    "a dimension more": lambda a: a[None].copy(),
    "a dimension less": lambda a: a[0].copy() if a.ndim == 1 else a.reshape(-1).copy(),
    "objects": lambda a: a.astype(object),
    "complex numbers": lambda a: a.astype(np.complex128),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S"),
    "truths": lambda a: a.astype(np.bool_),
    "half precision": lambda a: a.astype(np.float16),
    "the other byte order": lambda a: a.astype(np.dtype(np.float64).newbyteorder()),
    "a list": lambda a: a.tolist(),
    "an unknown number": lambda a: np.full(a.shape, np.nan),
    "an infinite number": lambda a: np.full(a.shape, np.inf),
}


def restore(name: str, arrays: dict[str, Any], facts: dict[str, Any]) -> Any:
    return plugins.load("folkmoot.models", name).restore(arrays, facts)


@every
def test_an_undamaged_state_is_restored(name: str, market: Any) -> None:
    model = laws.fitted(name)
    x = market.x(model.lookback).rows(laws.ROWS)
    laws.same(restore(name, *model.state()).predict(x), model.predict(x))


@every
def test_a_member_says_the_form_of_all_that_it_learns(name: str) -> None:
    model = laws.fitted(name)
    assert model.form().keys() == model.learnt.keys()
    assert all(isinstance(form, Form) for form in model.form().values())


@every
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_array_that_no_fit_leaves_is_refused(name: str, damage: str) -> None:
    arrays, facts = laws.fitted(name).state()
    for each, array in arrays.items():
        with pytest.raises(DataError):
            restore(name, {**arrays, each: DAMAGES[damage](array)}, facts)


@every
def test_an_array_that_is_missing_or_odd_is_refused_by_name(name: str) -> None:
    arrays, facts = laws.fitted(name).state()
    for each in arrays:
        with pytest.raises(DataError, match=each):
            restore(name, {k: a for k, a in arrays.items() if k != each}, facts)
    with pytest.raises(DataError, match="stowaway"):
        restore(name, {**arrays, "stowaway": np.zeros(3)}, facts)


@every
def test_an_option_of_another_type_is_refused_by_name(name: str) -> None:
    arrays, facts = laws.fitted(name).state()
    for option, value in facts["options"].items():
        wrong = ([1], 0.5, None) if isinstance(value, str) else ("a", None, {"a": 1}, [["a"]])
        for each in wrong:
            options = {**facts["options"], option: each}
            with pytest.raises(DataError, match=option):
                restore(name, arrays, {**facts, "options": options})


@every
@pytest.mark.parametrize("horizons", [[], [0], [5, 1], [1], [1, 5, 15], [1.5, 5]])
def test_other_horizons_than_were_learnt_are_refused(name: str, horizons: list[Any]) -> None:
    arrays, facts = laws.fitted(name).state()
    with pytest.raises(DataError):
        restore(name, arrays, {**facts, "options": {**facts["options"], "horizons": horizons}})


@every
def test_facts_that_are_not_a_member_s_are_refused(name: str) -> None:
    arrays, facts = laws.fitted(name).state()
    odd = {**facts["options"], "no_such_option": 1}
    for wrong in ({"columns": []}, {**facts, "options": None}, {**facts, "options": odd}):
        with pytest.raises(DataError):
            restore(name, arrays, copy.deepcopy(wrong))
    for columns in (None, "abc", [1, 2], [*facts["columns"], "noise"]):
        with pytest.raises(DataError):
            restore(name, arrays, {**facts, "columns": columns})


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("lorentzian", "neighbours", 100_000),
        ("lorentzian_jdehorty", "neighbours", 9),
        ("logistic", "solver", "ftrl"),
        ("lorentzian", "variant", "jdehorty"),
        ("har_rv", "spans", [1, 5]),
        ("kernel", "bandwidths", [7.0]),
    ],
)
def test_an_option_that_asks_for_other_arrays_is_refused(
    name: str, option: str, value: Any
) -> None:
    arrays, facts = laws.fitted(name).state()
    with pytest.raises(DataError):
        restore(name, arrays, {**facts, "options": {**facts["options"], option: value}})


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "kernel"])
def test_quantiles_that_fall_are_refused(name: str) -> None:
    arrays, facts = laws.fitted(name).state()
    falling = arrays["shape"][:, ::-1].copy()
    with pytest.raises(DataError, match="rising"):
        restore(name, {**arrays, "shape": falling}, facts)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_trees_that_ask_columns_the_member_has_not_are_refused(name: str) -> None:
    arrays, facts = laws.fitted(name).state()
    fewer = {
        each: array[:1].copy() if each.startswith("gain") else array
        for each, array in arrays.items()
    }
    with pytest.raises(DataError, match="columns"):
        restore(name, fewer, {**facts, "columns": facts["columns"][:1]})
